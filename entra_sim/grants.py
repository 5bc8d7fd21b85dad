"""The token endpoint: authorization codes and the app on its own (entra-facts §4.2, §5.2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from entra_sim import scopes, tokens
from entra_sim.authorize import knows_client
from entra_sim.client_auth import authenticate, client_id_of
from entra_sim.errors import Refused
from entra_sim.messages import Request, Response, json_response
from entra_sim.site import (
    ACCESS_TOKEN_LIFETIME,
    CODE_LIFETIME,
    AccessGrant,
    Authority,
    Grant,
    Site,
)
from entra_sim.tenant import Person

_FORM: Final = "application/x-www-form-urlencoded"
_CODE_SHAPE: Final = re.compile(r"1\.[A-Za-z0-9_-]{100,}")
_GRANTS: Final = frozenset({"authorization_code", "client_credentials"})


def token(site: Site, request: Request, authority: Authority) -> Response:
    """Answer in the order that the evidence shows: client, shape of the code, secret, the rest."""
    form = request.form
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refused(900144, value="grant_type")
    if doubled := form.doubled():
        raise Refused(90100, value=doubled)
    kind = form["grant_type"]
    if not kind:
        raise Refused(900144, value="grant_type")
    client_id = client_id_of(request)
    if not knows_client(site, client_id, authority):
        raise Refused(700016, value=client_id, tenant=authority.segment)
    app = site.tenant.app
    if not app.enabled:
        raise Refused(7000112, client=app.client_id, app=app.name)
    if kind not in _GRANTS:
        raise Refused(70003, value=kind)
    if kind == "client_credentials":
        return _app_only(site, request, authority)
    return _redeem(site, request, authority)


def _app_only(site: Site, request: Request, authority: Authority) -> Response:
    app = site.tenant.app
    if not authority.tenant_id:
        raise Refused(9001023)
    authenticate(site, request, authority)
    if not app.service_principal:
        raise Refused(7000229, client=app.client_id, tenant=authority.segment)
    if app.app_only_refusal:
        raise Refused(app.app_only_refusal, client=app.client_id, app=app.name)
    if not request.form["scope"]:
        raise Refused(900144, value="scope")
    scopes.app_only(site, request.form["scope"])
    grant = AccessGrant("", authority.tenant_id, frozenset())
    return _answer({"access_token": tokens.access_token(site, grant)})


def _redeem(site: Site, request: Request, authority: Authority) -> Response:
    code = request.form["code"]
    if not code:
        raise Refused(900144, value="code")
    if not _CODE_SHAPE.fullmatch(code):
        raise Refused(9002313)
    if "redirect_uri" not in request.form:
        raise Refused(900144, value="redirect_uri")
    authenticate(site, request, authority)
    app = site.tenant.app
    if app.token_refusal:
        raise Refused(app.token_refusal, client=app.client_id, app=app.name)
    grant = _used_up(site, code)
    _check(site, grant, request, authority)
    person = site.person(grant.person_key)
    if person is None or not person.enabled:
        raise Refused(50057)
    return _tokens(site, grant, person)


def _used_up(site: Site, code: str) -> Grant:
    """Take the code for good, whatever comes next."""
    with site.redeeming:
        grant = site.codes.get(code, site.now())
        if grant is None:
            raise Refused(70000)
        if grant.redeemed:
            raise Refused(54005)
        grant.redeemed = True
    return grant


def _check(site: Site, grant: Grant, request: Request, authority: Authority) -> None:
    form, flow = request.form, grant.flow
    if site.now() - grant.issued > CODE_LIFETIME:
        raise Refused(70008)
    if authority != flow.authority:
        raise Refused(700005)
    if form["redirect_uri"] != flow.reply.redirect_uri:
        raise Refused(500112, uri=form["redirect_uri"])
    if not _verifier_fits(flow.challenge, flow.challenge_method, form["code_verifier"]):
        raise Refused(501481)
    if form["scope"]:
        scopes.requested(site, form["scope"])


def _verifier_fits(challenge: str, method: str, verifier: str) -> bool:
    if not challenge:
        return not verifier
    if method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(challenge.encode(), verifier.encode())


def _tokens(site: Site, grant: Grant, person: Person) -> Response:
    asked = grant.flow.scopes
    # The answer also holds what was consented to before (entra-facts §6).
    granted = asked | site.tenant.app.consented | person.consented
    access = AccessGrant(person.key, grant.tenant_id, granted)
    answer = {
        "scope": " ".join(sorted(granted - {"offline_access"})),
        "access_token": tokens.access_token(site, access),
    }
    if "openid" in asked:
        answer["id_token"] = tokens.id_token(site, grant, person)
    return _answer(answer)


def _answer(values: dict[str, str]) -> Response:
    lifetime = int(ACCESS_TOKEN_LIFETIME) - 1
    response = json_response(
        {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, **values}
    )
    response.headers += [("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache")]
    return response
