from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from accounts.models import Installation

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# What Django reads in a Host header; a request for any other name is refused before it is ours.
_HOST: Final = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+", re.ASCII)


class ServerUrlError(ValueError):
    """An address that cannot be the Server URL; its text says why and what to use."""


def clean_server_url(typed: str) -> str:
    """Return scheme, host and port of what was typed, or say what it should look like."""
    text = "".join(c for c in typed if c.isprintable() and not c.isspace())
    text = "".join(c for c in text if c not in "\u200b\u200c\u200d\u2060\ufeff")
    example = "It should look like https://patchmon.example.com"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ServerUrlError(f"This is not a web address. {example}.") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
        raise ServerUrlError(f"This is not a web address. {example}.")
    if parts.username is not None or parts.query or parts.fragment or parts.path.strip("/"):
        raise ServerUrlError(f"Only scheme, host and port, nothing after them. {example}.")
    host = parts.hostname
    if not _HOST.fullmatch(host):
        raise ServerUrlError(f"The host name holds characters that no host name has. {example}.")
    return origin_of(parts.scheme, f"[{host}]" if ":" in host else host, port)


def origin_of(scheme: str, host: str, port: int | None) -> str:
    """Write an origin as browsers do: lower case, without the scheme's own port."""
    suffix = f":{port}" if port and port != DEFAULT_PORTS.get(scheme) else ""
    return f"{scheme.lower()}://{host.lower()}{suffix}"


def is_unprotected(url: str) -> bool:
    """Say whether what is typed there can be read on the way: http, and not on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS


def accepted_origin() -> str:
    """Return the Server URL in force as an origin; from the shared cache, without a query."""
    return _origin(Installation.published().server_url)


def accepts_host(host: str) -> bool:
    """Say whether a request for this Host header is for us; before setup every one is."""
    facts = Installation.published()
    if not facts.administrator_existed:
        return True
    scheme = urlsplit(facts.server_url).scheme
    try:
        asked_for = _origin(f"{scheme}://{host}")
    except ValueError:
        # A port or an IPv6 address that there is none of; Django looks at the characters alone.
        return False
    return asked_for == _origin(facts.server_url)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return origin_of(parts.scheme, f"[{host}]" if ":" in host else host, parts.port)
