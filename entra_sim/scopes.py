"""Scopes: what is known, what needs an administrator, how Entra spells them (entra-facts §6)."""

from __future__ import annotations

from typing import Final

from entra_sim import defaults
from entra_sim.errors import Refused
from entra_sim.site import Site

OPENID: Final = frozenset({"openid", "profile", "email", "offline_access"})
ADMIN_ONLY: Final = frozenset(
    {
        "Directory.Read.All",
        "Group.Read.All",
        "Group.ReadBasic.All",
        "GroupMember.Read.All",
        "GroupMember.ReadBasic.All",
        "ProfilePhoto.Read.All",
        "User.Read.All",
    }
)
_GRAPH: Final = ADMIN_ONLY | {"User.Read", "User.ReadBasic.All", "User.ReadWrite"}
_CANONICAL: Final = {name.lower(): name for name in (*OPENID, *_GRAPH)}
# OpenID Connect's own, which Entra does not support.
_UNSUPPORTED: Final = frozenset({"address", "phone"})


def graph_resources(site: Site) -> tuple[str, ...]:
    return (defaults.GRAPH_PUBLIC_URL, site.base_url, defaults.GRAPH_APP_ID)


def requested(site: Site, text: str) -> frozenset[str]:
    """Return the canonical names of the scopes asked for; a bare name means Graph."""
    names = text.split()
    if not names:
        raise Refused(900144, value="scope")
    return frozenset(_canonical(site, name) for name in names)


def _canonical(site: Site, name: str) -> str:
    resource, separator, bare = name.rpartition("/")
    if separator and resource not in graph_resources(site):
        if "://" in resource:
            raise Refused(500011, value=resource)
        raise Refused(70011, value=name)
    if bare in _UNSUPPORTED or bare == ".default" or not bare:
        raise Refused(70011, value=name)
    known = _CANONICAL.get(bare.lower())
    if known is None:
        raise Refused(site.tenant.unknown_scope_code, value=name, app=site.tenant.app.name)
    return known


def app_only(site: Site, text: str) -> None:
    """Check the scope of a client_credentials request: one resource's .default, nothing else."""
    resource, _, bare = text.rpartition("/")
    if bare != ".default" or " " in text:
        raise Refused(70011, value=text)
    if resource not in graph_resources(site):
        raise Refused(500011, value=resource)
