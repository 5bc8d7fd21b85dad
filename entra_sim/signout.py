"""Sign-out at the provider, with the front-channel call to the application (entra-facts §7)."""

from __future__ import annotations

from entra_sim import pages
from entra_sim.authorize import SESSION_COOKIE, session_of
from entra_sim.messages import Request, Response, html_response, redirect_response
from entra_sim.replies import is_registered, with_query
from entra_sim.site import Authority, Site

_EXPIRED_COOKIE = f"{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
_KEPT = ("post_logout_redirect_uri", "state", "logout_hint")


def sign_out(site: Site, request: Request, authority: Authority) -> Response:
    params = request.form if request.method == "POST" else request.query
    app = site.tenant.app
    target = params["post_logout_redirect_uri"]
    if not is_registered(target, app.callback_urls):
        # The person stays on a page of the provider.
        target = ""
    elif "state" in params:
        target = with_query(target, {"state": params["state"]})
    session = session_of(site, request)
    person = site.person(session.person_key) if session else None
    if session is None or person is None:
        return redirect_response(target) if target else html_response(pages.signed_out("", ""))
    chosen = params["person"] == person.key or params["logout_hint"] == person.login_hint
    if not chosen:
        action = f"/{authority.segment}/oauth2/v2.0/logout"
        values = {name: params[name] for name in _KEPT if name in params}
        return html_response(pages.pick_for_sign_out(action, values, person))
    site.sessions.pop(request.cookie(SESSION_COOKIE), site.now())
    front_channel = app.front_channel_logout_url
    if front_channel:
        # `sid` and, unlike the specification, no `iss`.
        front_channel = with_query(front_channel, {"sid": session.sid})
    response = html_response(pages.signed_out(front_channel, target))
    response.headers.append(("Set-Cookie", _EXPIRED_COOKIE))
    return response
