"""Which addresses this server may be made to call, and what a URL must look like.

verification.md, The network; reference/rp-cases.md, cases 93 to 95.
"""

from __future__ import annotations

import re
import socket
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

MAX_URL = 2048

# Visible ASCII without what parsers disagree about.
_URL = re.compile(r"[!-~]+")
_CONFUSING = frozenset('\\"<>^`{|}')
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")

# Where clouds hand out a machine's own credentials, beyond the link-local block.
_METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure's host agent
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google Cloud
        ),
    )
)
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class Reach(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    NEVER = "never"


class BadUrl(ValueError):
    """Say what is wrong with a URL; the URL itself stays out of the message."""


def reach(address: str) -> Reach:
    """Tell what kind of place a numeric address is, seen through IPv6's ways to write IPv4."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return Reach.NEVER
    if isinstance(ip, IPv6Address) and (inner := _embedded(ip)) is not None:
        return _reach(inner)
    return _reach(ip)


def _reach(ip: IPv4Address | IPv6Address) -> Reach:
    if (
        ip in _METADATA
        or ip.is_link_local
        or ip.is_unspecified
        or ip.is_multicast
        or (isinstance(ip, IPv4Address) and (ip in _THIS_NETWORK or ip.is_reserved))
    ):
        return Reach.NEVER
    if ip.is_loopback:
        return Reach.LOOPBACK
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return Reach.PUBLIC if ip.is_global and not site_local else Reach.PRIVATE


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if any(ip in network for network in _TRANSLATED) or (ip in _COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def allowed(address: str, *, private: bool, loopback: bool) -> bool:
    """Tell whether a connected socket's peer may be spoken to.

    `private` is the operator's switch; `loopback` says that the issuer itself is loopback.
    """
    match reach(address):
        case Reach.PUBLIC:
            return True
        case Reach.PRIVATE:
            return private
        case Reach.LOOPBACK:
            return private or loopback
        case Reach.NEVER:
            return False


def literal(host: str) -> str | None:
    """Return the address that a host spells as a number, in any spelling the system accepts."""
    host = host.rstrip(".")
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    if not host[:1].isdigit():
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def is_loopback_host(host: str) -> bool:
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = literal(host)
    return address is not None and reach(address) is Reach.LOOPBACK


def split_url(url: object) -> SplitResult:
    """Return the parts of an absolute http or https URL without userinfo or fragment."""
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL:
        raise BadUrl("is not a URL")
    if not _URL.fullmatch(url) or not _CONFUSING.isdisjoint(url):
        raise BadUrl("has characters that no URL has")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise BadUrl("is not a URL") from None
    if parts.scheme not in {"http", "https"}:
        raise BadUrl("is neither http nor https")
    if "@" in parts.netloc:
        raise BadUrl("has a user name in it")
    if "#" in url:
        raise BadUrl("has a fragment")
    if not host or not _HOST.fullmatch(host):
        raise BadUrl("has no usable host")
    return parts


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port, the port's default filled in."""
    port = parts.port if parts.port is not None else 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").rstrip("."), port
