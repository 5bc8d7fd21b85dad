"""From a request to its answer: which endpoint, which fault, which shape of refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from entra_sim import authorize, documents, grants, graph, pages, signout
from entra_sim.errors import Refused, json_error
from entra_sim.faults import Endpoint
from entra_sim.messages import Request, Response, html_response
from entra_sim.record import Entry
from entra_sim.site import Authority, Site

_AtAuthority = Callable[[Site, Request, Authority], Response]
_GET: Final = frozenset({"GET"})
_POST: Final = frozenset({"POST"})

# Path below the tenant's segment → endpoint, methods, who answers.
_ROUTES: Final[dict[str, tuple[Endpoint, frozenset[str], _AtAuthority]]] = {
    "v2.0/.well-known/openid-configuration": (Endpoint.DISCOVERY, _GET, documents.discovery),
    ".well-known/openid-configuration": (Endpoint.DISCOVERY, _GET, documents.discovery_v1),
    "discovery/v2.0/keys": (Endpoint.KEYS, _GET, documents.signing_keys),
    "discovery/keys": (Endpoint.KEYS, _GET, documents.signing_keys),
    "oauth2/v2.0/authorize": (Endpoint.AUTHORIZE, _GET | _POST, authorize.authorize),
    "oauth2/v2.0/token": (Endpoint.TOKEN, _POST, grants.token),
    "oauth2/v2.0/logout": (Endpoint.LOGOUT, _GET | _POST, signout.sign_out),
    "login": (Endpoint.PAGE, _POST, authorize.log_in),
    "consent": (Endpoint.PAGE, _POST, authorize.consent),
}
_JSON_REFUSALS: Final = frozenset({Endpoint.DISCOVERY, Endpoint.KEYS, Endpoint.TOKEN})
_PHOTO_PATH: Final = re.compile(r"/v1\.0/me/photos?(/.*)?", re.IGNORECASE)
_MEMBERS_PATH: Final = re.compile(r"/v1\.0/me/(transitive)?memberof", re.IGNORECASE)


def handle(
    site: Site, request: Request, *, in_process: bool = False, opened_connection: bool = False
) -> Response:
    endpoint, answer = _route(site, request)
    site.requests.add(Entry(endpoint, request, in_process, opened_connection))
    fault = site.faults.take(endpoint)
    if fault is not None:
        if fault.delay:
            site.stopping.wait(fault.delay)
        outage = partial(_outage, site, request, endpoint)
        if (planted := fault.response(outage)) is not None:
            return planted
    try:
        return answer()
    except Refused as refused:
        return _refusal(site, request, endpoint, refused)
    except graph.GraphRefused as refused:
        return refused.response(site, request)


def _refusal(site: Site, request: Request, endpoint: Endpoint, refused: Refused) -> Response:
    marks = site.marks(request)
    if endpoint in _JSON_REFUSALS and refused.code != _WRONG_VERB:
        return json_error(refused, marks, site.base_url)
    # Entra's own error pages often come with 200 (entra-facts §4.1).
    return html_response(pages.error_page(refused, marks))


def _outage(site: Site, request: Request, endpoint: Endpoint, status: int) -> Response:
    """Answer as the endpoint does in an outage; the IDs to ask Microsoft about are there too."""
    if endpoint is Endpoint.USERINFO or request.path.startswith("/v1.0/"):
        return graph.outage(site, request, status)
    throttled = status == HTTPStatus.TOO_MANY_REQUESTS
    refused = Refused(_THROTTLED if throttled else _TRANSIENT)
    response = _refusal(site, request, endpoint, refused)
    response.status = status
    return response


_WRONG_VERB: Final = 900561
_TRANSIENT: Final = 90033
_THROTTLED: Final = 90055


def _route(site: Site, request: Request) -> tuple[Endpoint, Callable[[], Response]]:
    path = request.path
    if path.startswith("/v1.0/"):
        return _graph_route(site, request)
    if path == "/oidc/userinfo":
        return Endpoint.USERINFO, lambda: graph.userinfo(site, request)
    segment, _, rest = path.removeprefix("/").partition("/")
    route = _ROUTES.get(rest)
    if route is None:
        return Endpoint.PAGE, lambda: _plain_page(site, request)
    endpoint, methods, answer = route

    def at_authority() -> Response:
        if request.method not in methods:
            raise Refused(_WRONG_VERB, value=request.method)
        return answer(site, request, site.authority(segment))

    return endpoint, at_authority


def _graph_route(site: Site, request: Request) -> tuple[Endpoint, Callable[[], Response]]:
    if request.method != "GET":
        return Endpoint.PAGE, lambda: graph.unknown(site, request)
    if _MEMBERS_PATH.fullmatch(request.path):
        return Endpoint.GROUPS, lambda: graph.memberships(site, request)
    if _PHOTO_PATH.fullmatch(request.path):
        return Endpoint.PHOTO, lambda: graph.profile_photo(site, request)
    if request.path.lower() == "/v1.0/me":
        return Endpoint.PAGE, lambda: graph.me(site, request)
    return Endpoint.PAGE, lambda: graph.unknown(site, request)


def _plain_page(site: Site, request: Request) -> Response:
    tenant = site.tenant
    if request.path == "/" and request.method == "GET":
        issuer = site.issuer(tenant.tenant_id)
        return html_response(pages.start(tenant.name, issuer, tenant.people.values()))
    code = request.query["code"]
    if request.path == "/error":
        return html_response(pages.lookup(code))
    if request.path == "/favicon.ico" and request.method == "GET":
        return Response(HTTPStatus.OK, pages.ICON, [("Content-Type", "image/svg+xml")])
    return html_response("Not found", HTTPStatus.NOT_FOUND)
