from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from sso.provider import addresses


def proxy_for(scheme: str, host: str, proxies: dict[str, str], no_proxy: str) -> dict[str, str]:
    """Return the configured proxy of a scheme, unless NO_PROXY exempts the host."""
    if scheme not in proxies or _is_exempt(host.lower().rstrip("."), no_proxy):
        return {}
    return {scheme: proxies[scheme]}


def _is_exempt(host: str, no_proxy: str) -> bool:
    return any(_matches(host, entry) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _matches(host: str, entry: str) -> bool:
    if entry == "*":
        return True
    address = addresses.literal(host)
    if address is not None:
        try:
            return ip_address(address) in ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return False
    name = entry.removeprefix("*").removeprefix(".").partition(":")[0]
    return host == name or host.endswith(f".{name}")
