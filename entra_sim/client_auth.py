"""How the application proves who it is at the token endpoint (entra-facts §8)."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
import urllib.parse
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from entra_sim.errors import Refused
from entra_sim.keys import base64url
from entra_sim.messages import Request
from entra_sim.site import Authority, Site

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEEWAY: Final = 300


def _basic(request: Request) -> tuple[str, str] | None:
    """Return identifier and secret of a Basic header, both form-decoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(90023, reason="the Authorization header is malformed") from error
    name, _, secret = text.partition(":")
    return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)


def client_id_of(request: Request) -> str:
    named = request.form["client_id"]
    basic = _basic(request)
    if basic and named and basic[0] != named:
        raise Refused(90023, reason="two different client identifiers")
    client_id = named or (basic[0] if basic else "")
    if not client_id:
        raise Refused(900144, value="client_id")
    return client_id


def authenticate(site: Site, request: Request, authority: Authority) -> None:
    form = request.form
    basic = _basic(request)
    ways = [
        bool(basic),
        bool(form["client_secret"]),
        bool(form["client_assertion"]),
    ]
    if not any(ways):
        raise Refused(7000218)
    if ways.count(True) > 1:
        raise Refused(90023, reason="more than one way of client authentication")
    if "origin" in request.headers:
        raise Refused(9002326)
    if form["client_assertion"]:
        _check_assertion(site, request, authority)
    else:
        _check_secret(site, basic[1] if basic else form["client_secret"])


def _check_secret(site: Site, given: str) -> None:
    app = site.tenant.app
    for secret in app.secrets:
        if hmac.compare_digest(secret.value.encode(), given.encode()):
            if secret.expired:
                raise Refused(7000222, client=app.client_id)
            return
    raise Refused(7000215, client=app.client_id)


def _check_assertion(site: Site, request: Request, authority: Authority) -> None:
    form = request.form
    if form["client_assertion_type"] != _ASSERTION_TYPE:
        raise Refused(900144, value="client_assertion_type")
    claims = _verified(site, form["client_assertion"])
    client_id = site.tenant.app.client_id
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise Refused(50048)
    if claims.get("aud") != f"{site.base_url}/{authority.segment}/oauth2/v2.0/token":
        raise Refused(50012, reason="its audience is not the token endpoint")
    now = site.now()
    if not _is_number(claims.get("exp")) or now > claims["exp"] + _LEEWAY:
        raise Refused(700024)
    if _is_number(claims.get("nbf")) and now < claims["nbf"] - _LEEWAY:
        raise Refused(700024)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _verified(site: Site, assertion: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError as error:
        raise Refused(50012, reason="it is no JWT") from error
    key = _registered_key(site, header)
    if key is None:
        raise Refused(700027)
    try:
        # Times are judged by the tenant's own clock, afterwards.
        return jwt.decode(
            assertion,
            key,
            algorithms=["PS256", "RS256"],
            options={
                "verify_signature": True,
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.PyJWTError as error:
        raise Refused(700027) from error


def _registered_key(site: Site, header: dict[str, Any]) -> rsa.RSAPublicKey | None:
    for pem in site.tenant.app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        prints = {
            "x5t#S256": base64url(certificate.fingerprint(hashes.SHA256())),
            # The older form, still accepted.
            "x5t": base64url(certificate.fingerprint(hashes.SHA1())),  # noqa: S303
        }
        key = certificate.public_key()
        fits = any(header.get(name) == value for name, value in prints.items())
        if fits and isinstance(key, rsa.RSAPublicKey):
            in_time = certificate.not_valid_after_utc.timestamp() > time.time()
            return key if in_time else None
    return None
