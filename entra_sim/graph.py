"""Microsoft Graph, as far as a signed-in person's own data go (entra-facts §3.4, §6)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import urllib.parse
from http import HTTPStatus
from typing import Final

from entra_sim import photo, tokens
from entra_sim.errors import new_marks
from entra_sim.messages import Request, Response, json_response
from entra_sim.site import AccessGrant, Site
from entra_sim.tenant import Person

_DEFAULT_PAGE: Final = 100
_LARGEST_PAGE: Final = 999
_KNOWN_OPTIONS: Final = frozenset({"$select", "$top", "$skiptoken", "$count"})
_MEMBERS: Final = {"/v1.0/me/memberof": False, "/v1.0/me/transitivememberof": True}
_PHOTO: Final = re.compile(r"/v1\.0/me/(?:photo|photos/(\d{1,4})x(\d{1,4}))(/\$value)?")
# Seconds.
_COME_BACK_AFTER: Final = 10
# What User.Read does not show of a group.
_HIDDEN: Final = ("deletedDateTime", "displayName", "description", "securityEnabled")


class GraphRefused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message

    def response(self, site: Site, request: Request) -> Response:
        marks = new_marks(site.now(), request.headers.get("client-request-id", ""))
        inner = {
            "date": marks.timestamp.rstrip("Z").replace(" ", "T"),
            "request-id": marks.trace_id,
            "client-request-id": marks.correlation_id,
        }
        error = {"code": self.code, "message": self.message, "innerError": inner}
        response = json_response({"error": error}, self.status)
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers.append(("WWW-Authenticate", 'Bearer realm="", error="invalid_token"'))
        return response


def outage(site: Site, request: Request, status: int) -> Response:
    """Answer as Graph does while it throttles or is down; throttling says when to come back."""
    throttled = status == HTTPStatus.TOO_MANY_REQUESTS
    code = "TooManyRequests" if throttled else "serviceNotAvailable"
    refused = GraphRefused(status, code, "Please retry again later.")
    response = refused.response(site, request)
    if throttled:
        response.headers.append(("Retry-After", str(_COME_BACK_AFTER)))
    return response


def memberships(site: Site, request: Request) -> Response:
    person = _me(site, request, "User.Read")
    if unknown := request.query.names() - _KNOWN_OPTIONS:
        raise GraphRefused(400, "Request_BadRequest", f"Unsupported query: {sorted(unknown)}.")
    is_transitive = _MEMBERS[request.path.lower()]
    groups = site.tenant.memberships(person) if is_transitive else person.groups
    kinds = {
        **dict.fromkeys(person.directory_roles, "#microsoft.graph.directoryRole"),
        **dict.fromkeys(groups, "#microsoft.graph.group"),
    }
    objects = list(kinds.items())
    start = _skipped(request)
    end = start + min(_page_size(request), site.tenant.graph_page_limit)
    select = request.query["$select"]
    answer: dict[str, object] = {
        "@odata.context": f"{site.base_url}/v1.0/$metadata#directoryObjects({select})",
        "value": [_directory_object(kind, each, select) for each, kind in objects[start:end]],
    }
    if end < len(objects):
        query = {
            **{name: request.query[name] for name in request.query.names()},
            "$skiptoken": base64.urlsafe_b64encode(str(end).encode()).decode(),
        }
        link = f"{site.base_url}{request.path}?{urllib.parse.urlencode(query, safe='$')}"
        answer["@odata.nextLink"] = link
    return json_response(answer)


def _directory_object(kind: str, object_id: str, select: str) -> dict[str, object]:
    shown: dict[str, object] = {"@odata.type": kind, "id": object_id}
    return shown if select == "id" else shown | dict.fromkeys(_HIDDEN)


def _page_size(request: Request) -> int:
    top = request.query["$top"]
    if not top:
        return _DEFAULT_PAGE
    if (
        len(top) > len(str(_LARGEST_PAGE))
        or not top.isdecimal()
        or not 1 <= int(top) <= _LARGEST_PAGE
    ):
        message = f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."
        raise GraphRefused(400, "Request_BadRequest", message)
    return int(top)


def _skipped(request: Request) -> int:
    token = request.query["$skiptoken"]
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        message = "The specified page token is expired or invalid."
        raise GraphRefused(400, "Directory_ExpiredPageToken", message) from error


def profile_photo(site: Site, request: Request) -> Response:
    person = _me(site, request, "User.Read")
    match = _PHOTO.fullmatch(request.path)
    if match is None or person.photo is None:
        raise _not_found()
    width, height, value = match.groups()
    image = _sized(person.photo, width, height) if width else person.photo
    if image is None:
        raise _not_found()
    etag = f'"{hashlib.sha256(image).hexdigest()[:16].upper()}"'
    if value:
        return Response(HTTPStatus.OK, image, [("Content-Type", "image/jpeg"), ("ETag", etag)])
    edge = photo.edge(image)
    return json_response(
        {
            "@odata.context": f"{site.base_url}/v1.0/$metadata#users('me')/photo/$entity",
            "@odata.mediaContentType": "image/jpeg",
            "@odata.mediaEtag": etag,
            "id": f"{edge}x{edge}",
            "height": edge,
            "width": edge,
        }
    )


def _sized(image: bytes, width: str, height: str) -> bytes | None:
    if width != height or int(width) not in photo.SIZES:
        return None
    return photo.resized(image, int(width))


def me(site: Site, request: Request) -> Response:
    person = _me(site, request, "User.Read")
    return json_response(
        {
            "@odata.context": f"{site.base_url}/v1.0/$metadata#users/$entity",
            "id": person.oid,
            "displayName": person.name,
            "givenName": person.given_name,
            "surname": person.family_name,
            "mail": person.mail or None,
            "userPrincipalName": person.upn,
        }
    )


def userinfo(site: Site, request: Request) -> Response:
    """Answer with hardly anything that the ID token does not have (entra-facts §6)."""
    grant = _grant(site, request)
    person = _me(site, request, "openid")
    answer: dict[str, object] = {"sub": tokens.subject(site, person, grant.tenant_id)}
    if "profile" in grant.scopes:
        answer |= {
            "name": person.name,
            "family_name": person.family_name,
            "given_name": person.given_name,
            "picture": f"{site.base_url}/v1.0/me/photo/$value",
        }
    if "email" in grant.scopes and person.mail:
        answer["email"] = person.mail
    return json_response(answer)


def unknown(site: Site, request: Request) -> Response:
    segment = request.path.rpartition("/")[2]
    message = f"Resource not found for the segment '{segment}'."
    raise GraphRefused(400, "BadRequest", message)


def _grant(site: Site, request: Request) -> AccessGrant:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GraphRefused(401, "InvalidAuthenticationToken", "Access token is empty.")
    grant = site.tokens.get(token, site.now())
    if grant is None:
        message = "Lifetime validation failed, the token is expired or unknown."
        raise GraphRefused(401, "InvalidAuthenticationToken", message)
    return grant


def _me(site: Site, request: Request, scope: str) -> Person:
    grant = _grant(site, request)
    person = site.person(grant.person_key)
    if person is None:
        message = "/me request is only valid with delegated authentication flow."
        raise GraphRefused(400, "BadRequest", message)
    if scope not in grant.scopes:
        message = "Insufficient privileges to complete the operation."
        raise GraphRefused(403, "Authorization_RequestDenied", message)
    return person


def _not_found() -> GraphRefused:
    message = "The specified object was not found in the store."
    return GraphRefused(404, "ErrorEntityNotFound", message)
