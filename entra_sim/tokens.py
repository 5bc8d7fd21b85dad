"""The tokens themselves, with the claims that entra-facts §2.1 and §3 list."""

from __future__ import annotations

import base64
import hashlib
import json

import jwt

from entra_sim import defaults
from entra_sim.keys import base64url
from entra_sim.site import ACCESS_TOKEN_LIFETIME, AccessGrant, Grant, Site, opaque
from entra_sim.tenant import GroupsClaim, Person

_BACKDATED = 300
_ID_TOKEN_LIFETIME = 65 * 60


def subject(site: Site, person: Person, tenant_id: str) -> str:
    """Return the pairwise subject: another app registration would see another one."""
    text = f"{site.tenant.app.client_id}|{tenant_id}|{person.oid_in(tenant_id)}"
    return base64url(hashlib.sha256(text.encode()).digest())


def id_token(site: Site, grant: Grant, person: Person) -> str:
    claims = _claims(site, grant, person)
    for name, value in site.tenant.app.claims.overrides.items():
        if value is None:
            claims.pop(name, None)
        else:
            claims[name] = value
    key = site.tenant.keys.signing
    return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid})


def _claims(site: Site, grant: Grant, person: Person) -> dict[str, object]:
    tenant_id = grant.tenant_id
    # Entra dates its tokens five minutes back.
    issued = int(site.now()) - _BACKDATED
    claims: dict[str, object] = {
        "aud": site.tenant.app.client_id,
        "iss": site.issuer(tenant_id),
        "iat": issued,
        "nbf": issued,
        "exp": issued + _ID_TOKEN_LIFETIME,
        "aio": opaque(48),
        "rh": f"1.{opaque(24)}.",
        "sub": subject(site, person, tenant_id),
        "tid": tenant_id,
        "uti": opaque(16),
        "ver": "2.0",
    }
    if grant.flow.nonce:
        claims["nonce"] = grant.flow.nonce
    is_guest = person.is_guest and tenant_id == person.tenant_id
    if is_guest:
        claims["idp"] = f"https://sts.windows.net/{person.home_tenant_id}/"
    if "profile" in grant.flow.scopes:
        claims |= _profile(site, person, tenant_id, is_guest=is_guest)
    claims |= _optional(site, grant, person, is_guest=is_guest)
    if tenant_id == site.tenant.tenant_id:
        claims |= _groups(site, person)
        if person.app_roles:
            claims["roles"] = list(person.app_roles)
    return claims


def _profile(site: Site, person: Person, tenant_id: str, *, is_guest: bool) -> dict[str, object]:
    switches = site.tenant.app.claims
    # At home a guest is an ordinary member and has an ordinary name.
    upn = person.upn if is_guest or not person.is_guest else person.mail
    claims: dict[str, object] = {
        "oid": person.oid_in(tenant_id),
        "name": person.name,
        "preferred_username": upn,
    }
    if switches.names:
        claims |= {"given_name": person.given_name, "family_name": person.family_name}
    if switches.upn:
        claims["upn"] = upn
    return claims


def _optional(site: Site, grant: Grant, person: Person, *, is_guest: bool) -> dict[str, object]:
    switches = site.tenant.app.claims
    claims: dict[str, object] = {}
    if switches.email and person.mail:
        claims["email"] = person.mail
        # Only in company of the address (entra-facts §2.3); "is" because 0 and False differ here.
        if switches.xms_edov is not False:
            claims["xms_edov"] = switches.xms_edov if person.domain_verified else False
    if switches.sid:
        claims["sid"] = grant.sid
    if switches.login_hint:
        claims["login_hint"] = person.login_hint
    if switches.acct:
        claims["acct"] = int(is_guest)
    return claims


def _groups(site: Site, person: Person) -> dict[str, object]:
    tenant = site.tenant
    switch = tenant.app.claims.groups
    if switch is GroupsClaim.NONE:
        return {}
    if switch is GroupsClaim.ASSIGNED:
        ids = [group for group in person.groups if group in tenant.app.assigned]
    else:
        ids = [*tenant.memberships(person), *person.directory_roles]
    if not ids:
        return {}
    if len(ids) <= tenant.overage_limit:
        return {"groups": ids}
    # The retired Azure AD Graph, as in life: a client must not follow it (entra-facts §3.3).
    endpoint = f"https://graph.windows.net/{tenant.tenant_id}/users/{person.oid}/getMemberObjects"
    return {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": endpoint}},
    }


def access_token(site: Site, grant: AccessGrant) -> str:
    """Return a token for Graph: shaped like a JWT, but nobody else's to verify."""
    now = int(site.now())
    app = site.tenant.app.client_id
    header = {"typ": "JWT", "nonce": opaque(), "alg": "RS256", "kid": site.tenant.keys.signing.kid}
    claims: dict[str, object] = {
        "aud": defaults.GRAPH_APP_ID,
        "iss": f"https://sts.windows.net/{grant.tenant_id}/",
        "iat": now - _BACKDATED,
        "exp": now + int(ACCESS_TOKEN_LIFETIME),
        "appid": app,
        "tid": grant.tenant_id,
        "uti": opaque(16),
    }
    if grant.scopes:
        claims["scp"] = " ".join(sorted(grant.scopes))
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims))
    token = ".".join((*(part.rstrip(b"=").decode() for part in parts), opaque(256)))
    site.tokens.add(token, grant, site.now())
    return token
