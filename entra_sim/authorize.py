"""The authorization endpoint: checks, account picker, consent, and the code (entra-facts §4.1)."""

from __future__ import annotations

import re
import uuid
from typing import Final

from entra_sim import pages
from entra_sim.errors import CATALOGUE, Refused, redirect_error
from entra_sim.messages import Params, Request, Response, html_response
from entra_sim.replies import Reply, is_registered
from entra_sim.scopes import ADMIN_ONLY, requested
from entra_sim.site import Authority, BrowserSession, Flow, Grant, Site, opaque
from entra_sim.tenant import Person

SESSION_COOKIE: Final = "ESTSAUTH"
_PROMPTS: Final = frozenset({"", "login", "none", "consent", "select_account"})
_MODES: Final = frozenset({"query", "fragment", "form_post"})
_ABSOLUTE: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/]", re.IGNORECASE)
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# The rest of what can befall a person stays on Entra's own page.
_TO_APPLICATION: Final = frozenset({65001, 65004, 90033, 90055})
_SILENT_ERRORS: Final = frozenset({"login_required", "consent_required", "interaction_required"})


def authorize(site: Site, request: Request, authority: Authority) -> Response:
    params = request.form if request.method == "POST" else request.query
    # Until the reply address is known to be the application's, nothing goes there.
    redirect_uri = _trusted_reply_address(site, params, authority)
    mode = params["response_mode"] or "query"
    reply = Reply(
        redirect_uri, params["state"], "state" in params, mode if mode in _MODES else "query"
    )
    correlation_id = site.marks(request).correlation_id
    try:
        flow = _checked_flow(site, params, authority, reply, correlation_id)
        if flow.prompt == "none":
            return _silent(site, request, flow)
    except Refused as refused:
        return _to_application(site, reply, refused, correlation_id)
    flow_id = opaque()
    site.flows.add(flow_id, flow, site.now())
    people = site.tenant.people.values()
    action = f"/{authority.segment}/login"
    return html_response(
        pages.picker(action, flow_id, site.tenant.app.name, people, flow.login_hint)
    )


def _trusted_reply_address(site: Site, params: Params, authority: Authority) -> str:
    app = site.tenant.app
    names = {"client": app.client_id, "app": app.name}
    if doubled := params.doubled():
        raise Refused(90100, value=doubled)
    if not params["client_id"]:
        raise Refused(900144, value="client_id")
    if not knows_client(site, params["client_id"], authority):
        raise Refused(700016, value=params["client_id"], tenant=authority.segment)
    if not app.enabled:
        raise Refused(7000112, **names)
    if not authority.tenant_id and not app.multi_tenant:
        raise Refused(50194, **names)
    redirect_uri = params["redirect_uri"]
    if not redirect_uri:
        raise Refused(900971)
    if not app.callback_urls:
        raise Refused(500113)
    if not _ABSOLUTE.match(redirect_uri):
        raise Refused(90102)
    if not is_registered(redirect_uri, app.callback_urls):
        raise Refused(50011, uri=redirect_uri, **names)
    return redirect_uri


def knows_client(site: Site, client_id: str, authority: Authority) -> bool:
    app = site.tenant.app
    at_home = authority.tenant_id in {"", site.tenant.tenant_id}
    return client_id.lower() == app.client_id and (at_home or app.multi_tenant)


def _checked_flow(
    site: Site, params: Params, authority: Authority, reply: Reply, correlation_id: str
) -> Flow:
    _check_response_type(params)
    prompt, hint = params["prompt"], params["login_hint"]
    if prompt not in _PROMPTS:
        raise Refused(90023, reason="unsupported 'prompt' value")
    if prompt == "select_account" and hint:
        raise Refused(90023, reason="login_hint cannot be combined with select_account")
    challenge = params["code_challenge"]
    method = params["code_challenge_method"] or "plain"
    if challenge and not _CHALLENGE.fullmatch(challenge):
        raise Refused(50147)
    if method not in {"plain", "S256"} or ("code_challenge_method" in params and not challenge):
        raise Refused(90023, reason="code_challenge and its method do not fit together")
    return Flow(
        authority=authority,
        reply=reply,
        scopes=requested(site, params["scope"]),
        nonce=params["nonce"],
        challenge=challenge,
        challenge_method=method,
        prompt=prompt,
        login_hint=hint,
        correlation_id=correlation_id,
    )


def _check_response_type(params: Params) -> None:
    kind = params["response_type"]
    if not kind:
        raise Refused(900144, value="response_type")
    if "id_token" in kind.split():
        raise Refused(700054)
    if kind != "code":
        raise Refused(70005, value=kind)
    if params["response_mode"] and params["response_mode"] not in _MODES:
        raise Refused(70007, value=params["response_mode"])


def _silent(site: Site, request: Request, flow: Flow) -> Response:
    session = session_of(site, request)
    person = site.person(session.person_key) if session else None
    if session is None or person is None:
        raise Refused(50058)
    if flow.login_hint and not person.is_hinted_by(flow.login_hint):
        raise Refused(50058)
    try:
        tenant_id = _admitted(site, flow, person)
        _require_consent(site, flow, person)
    except Refused as refused:
        if refused.error not in _SILENT_ERRORS:
            refused.error = "interaction_required"
        raise
    return _with_code(site, flow, person, tenant_id, session)


def session_of(site: Site, request: Request) -> BrowserSession | None:
    return site.sessions.get(request.cookie(SESSION_COOKIE), site.now())


def log_in(site: Site, request: Request, authority: Authority) -> Response:
    """Take the answer of the account picker."""
    flow_id = request.form["flow"]
    flow = site.flows.get(flow_id, site.now())
    if flow is None:
        raise Refused(50089)
    person = site.person(request.form["person"])
    if person is None:
        site.flows.pop(flow_id, site.now())
        return _without_person(site, flow, request.form)
    tenant_id = _admitted(site, flow, person)
    asked = _missing_consent(site, flow, person)
    if asked & ADMIN_ONLY:
        raise Refused(90094)
    if asked or flow.prompt == "consent":
        flow.person_key = person.key
        action = f"/{authority.segment}/consent"
        page = pages.consent(action, flow_id, site.tenant.app.name, person, asked or flow.scopes)
        return html_response(page)
    return _finish(site, request, flow_id, person, tenant_id)


def _without_person(site: Site, flow: Flow, form: Params) -> Response:
    if form["action"] == "decline":
        return _to_application(site, flow.reply, Refused(65004), flow.correlation_id)
    code = next((each for each in CATALOGUE if str(each) == form["fail"]), 0)
    if not code:
        # Cancel, and Back: without a description (entra-facts §4.1).
        return flow.reply.response({"error": "access_denied", "error_subcode": "cancel"})
    app = site.tenant.app
    refused = Refused(code, app=app.name, client=app.client_id)
    if code in _TO_APPLICATION:
        return _to_application(site, flow.reply, refused, flow.correlation_id)
    raise refused


def consent(site: Site, request: Request, authority: Authority) -> Response:
    """Take the answer of the consent page."""
    flow_id = request.form["flow"]
    flow = site.flows.get(flow_id, site.now())
    person = site.person(flow.person_key) if flow else None
    if flow is None or person is None:
        raise Refused(50089)
    if request.form["action"] != "accept":
        site.flows.pop(flow_id, site.now())
        return _to_application(site, flow.reply, Refused(65004), flow.correlation_id)
    person.consented |= flow.scopes
    return _finish(site, request, flow_id, person, _admitted(site, flow, person))


def _admitted(site: Site, flow: Flow, person: Person) -> str:
    """Return the tenant in whose name the person signs in here, or refuse."""
    app = site.tenant.app
    names = {"client": app.client_id, "app": app.name, "account": person.upn}
    # The names for any tenant sign a guest in at home (entra-facts §1.1).
    tenant_id = flow.authority.tenant_id or person.home_tenant_id or person.tenant_id
    if not person.oid_in(tenant_id):
        home = f"https://sts.windows.net/{person.home_tenant_id or person.tenant_id}/"
        raise Refused(50020, home=home, tenant=site.tenant.name, **names)
    if not person.enabled:
        raise Refused(50057)
    if tenant_id == site.tenant.tenant_id and not site.tenant.is_assigned(person):
        raise Refused(50105, **names)
    if person.refusal:
        raise Refused(person.refusal, **names)
    return tenant_id


def _missing_consent(site: Site, flow: Flow, person: Person) -> frozenset[str]:
    return flow.scopes - site.tenant.app.consented - person.consented


def _require_consent(site: Site, flow: Flow, person: Person) -> None:
    if _missing_consent(site, flow, person):
        raise Refused(65001, client=site.tenant.app.client_id, app=site.tenant.app.name)


def _finish(site: Site, request: Request, flow_id: str, person: Person, tenant_id: str) -> Response:
    # Whoever takes the flow out answers it: a form sent twice gives one code.
    flow = site.flows.pop(flow_id, site.now())
    if flow is None:
        raise Refused(50089)
    session = session_of(site, request)
    if session is None or session.person_key != person.key:
        session = BrowserSession(person.key, str(uuid.uuid4()))
        cookie = opaque()
        site.sessions.add(cookie, session, site.now())
        response = _with_code(site, flow, person, tenant_id, session)
        response.headers.append(
            ("Set-Cookie", f"{SESSION_COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax")
        )
        return response
    return _with_code(site, flow, person, tenant_id, session)


def _with_code(
    site: Site, flow: Flow, person: Person, tenant_id: str, session: BrowserSession
) -> Response:
    code = f"1.{opaque(96)}"
    grant = Grant(flow, person.key, tenant_id, session.sid, site.now())
    site.codes.add(code, grant, site.now())
    return flow.reply.response({"code": code, "session_state": session.sid})


def _to_application(site: Site, reply: Reply, refused: Refused, correlation_id: str) -> Response:
    marks = site.marks(correlation_id=correlation_id)
    return reply.response(redirect_error(refused, marks, site.base_url))
