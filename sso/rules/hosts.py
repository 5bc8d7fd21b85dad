"""What a host's spelling alone tells: this machine, or an address that is never called."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data"})

#: Link-local, and where clouds hand out their machines' credentials.
_NEVER = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",
        "fe80::/10",
        "fd00:ec2::/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
    )
)
#: 0x7f.1, 2130706433, 0251.0376.0251.0376: numbers that a resolver reads as an address.
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


def is_loopback_host(host: str) -> bool:
    address = _address(host)
    return host.lower() in _LOOPBACK_NAMES if address is None else address.is_loopback


def is_protected(url: str) -> bool:
    """Say whether what is sent there can be read by nobody on the way: https, or this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback_host(parts.hostname or "")


def is_never_called(host: str) -> bool:
    """Say whether the host is link-local or a metadata address, or hides an address."""
    address = _address(host)
    if address is None:
        name = host.lower().rstrip(".")
        return name in _METADATA_NAMES or _NUMBERS.fullmatch(host) is not None
    return any(address.version == net.version and address in net for net in _NEVER)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def host_of(address: str) -> str:
    """Return an address's host in small letters; "" where there is none to be read."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
