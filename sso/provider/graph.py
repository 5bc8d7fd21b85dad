"""What Microsoft Graph knows of the person signing in: groups and photo.

sign-in.md, Groups, Profile; entra-facts §3.4, §6.
"""

from __future__ import annotations

import http
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sso.provider import addresses, photo
from sso.provider.answers import Answer
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import MAX_BODY, fetch
from sso.rules.claims import GroupsClaim, GroupsSource
from sso.rules.reasons import ProviderError, Reason, Stage

MAX_PAGES = 20
PHOTO_SECONDS = 2.0
_GROUP = "#microsoft.graph.group"
_GROUP_ID_LIMIT = 64
_DENIED = frozenset({http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN})
_PERHAPS_ELSEWHERE = frozenset({http.HTTPStatus.NOT_FOUND, http.HTTPStatus.BAD_REQUEST})
_PHOTOS = ("/v1.0/me/photos/120x120/$value", "/v1.0/me/photo/$value")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsAnswer:
    """The groups that Graph told, and why not all of them where they are incomplete."""

    groups: GroupsClaim
    reason: Reason | None = None
    detail: str = ""
    provider_error: ProviderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoAnswer:
    """A photo fit to store, or none; `looked` when Graph said for certain which it is."""

    image: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    looked: bool = False
    detail: str = ""
    #: Seconds until Graph had answered; what was made of the answer is not in it.
    waited: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class _Page:
    groups: list[str]
    next_url: str | None


def member_groups(
    metadata: Metadata,
    *,
    access_token: str,
    overage: bool,
    stop_at: Callable[[str], bool] | None = None,
    deadline: Deadline,
) -> GroupsAnswer:
    """Return the groups that the person is in, nested ones too, as far as Graph tells.

    `stop_at` says of a group that none further can matter. What is asked and not answered is
    `INCOMPLETE`: an outage. So is a 401 or 403 on overage, or once a page was read; only where
    Graph never let us ask and nothing says that there are groups is it `ABSENT`. Never raises.
    """
    found: list[str] = []
    pages = 0
    try:
        for page in _pages(metadata, access_token, deadline):
            pages += 1
            found += page
            if stop_at is not None and any(map(stop_at, page)):
                break
    except ProviderFailed as problem:
        never_let_in = isinstance(problem, _Denied) and not pages
        absent = never_let_in and not overage
        return _not_told(found, GroupsSource.ABSENT if absent else GroupsSource.INCOMPLETE, problem)
    return GroupsAnswer(groups=_claim(found, GroupsSource.GRAPH))


class _Denied(ProviderFailed):
    """Graph does not let this access token ask."""


def _pages(metadata: Metadata, access_token: str, deadline: Deadline) -> Iterator[list[str]]:
    """Read the groups page after page, so that what came before a failure is still known."""
    if not metadata.graph_root:
        raise _Denied(Reason.PROVIDER_ADDRESS, "The provider names no Graph host.")
    url: str | None = f"{metadata.graph_root}/v1.0/me/transitiveMemberOf?$select=id&$top=999"
    for _ in range(MAX_PAGES):
        if url is None:
            return
        page = _groups_page(metadata, url, access_token, deadline)
        yield page.groups
        url = page.next_url
    if url is not None:
        raise ProviderFailed(Reason.PROVIDER_ANSWER, f"Graph has more than {MAX_PAGES} pages.")


def _not_told(found: list[str], source: GroupsSource, problem: ProviderFailed) -> GroupsAnswer:
    return GroupsAnswer(
        groups=_claim(found, source),
        reason=problem.reason,
        detail=problem.detail,
        provider_error=problem.provider_error,
    )


def _claim(found: list[str], source: GroupsSource) -> GroupsClaim:
    return GroupsClaim(values=tuple(dict.fromkeys(found)), source=source)


def _groups_page(metadata: Metadata, url: str, access_token: str, deadline: Deadline) -> _Page:
    answer = _get(metadata, url, access_token, deadline)
    if answer.status in _DENIED:
        raise _Denied(
            Reason.PROVIDER_STATUS,
            f"Graph answered {answer.status} for the groups: the permission User.Read is missing"
            " or was not consented to.",
            provider_error=answer.provider_error(Stage.GRAPH),
        )
    if answer.status != http.HTTPStatus.OK:
        raise answer.failure(Reason.PROVIDER_STATUS, Stage.GRAPH, "Graph")
    told = answer.json()
    members = told.get("value")
    if not isinstance(members, list):
        raise ProviderFailed(Reason.PROVIDER_ANSWER, "Graph answered without a list of groups.")
    groups = [
        member["id"]
        for member in members
        if isinstance(member, dict)
        and member.get("@odata.type") == _GROUP
        and isinstance(member.get("id"), str)
        and 0 < len(member["id"]) <= _GROUP_ID_LIMIT
    ]
    return _Page(groups, _next_url(metadata, told.get("@odata.nextLink")))


def _next_url(metadata: Metadata, link: object) -> str | None:
    """Return the next page's address; on another host the access token would leak to it."""
    if link is None:
        return None
    try:
        target = addresses.origin(addresses.split_url(link))
    except addresses.BadUrl as problem:
        raise ProviderFailed(
            Reason.PROVIDER_ADDRESS, f"Graph's address of the next page {problem}."
        ) from None
    if target != addresses.origin(addresses.split_url(metadata.graph_root)):
        raise ProviderFailed(
            Reason.PROVIDER_ADDRESS, "Graph's address of the next page is on another host."
        )
    return str(link)


def profile_photo(metadata: Metadata, *, access_token: str, deadline: Deadline) -> PhotoAnswer:
    """Return the person's photo, made anew from its pixels, in two seconds at most.

    Never raises: a photo is not worth a sign-in.
    """
    if not metadata.graph_root:
        return PhotoAnswer(detail="The provider names no Graph host.")
    limit = deadline.capped(PHOTO_SECONDS)
    began = time.monotonic()
    fetched = _fetch_photo(metadata, access_token, limit)
    waited = time.monotonic() - began
    answer = fetched if isinstance(fetched, PhotoAnswer) else _photo_of(fetched, limit)
    return replace(answer, waited=waited)


def _fetch_photo(metadata: Metadata, access_token: str, limit: Deadline) -> Answer | PhotoAnswer:
    """Return the answer that holds a photo, or why there is none."""
    status = 0
    for path in _PHOTOS:
        url = metadata.graph_root + path
        try:
            answer = _get(
                metadata, url, access_token, limit, accept="image/*", max_bytes=photo.MAX_BYTES
            )
        except ProviderFailed as problem:
            return PhotoAnswer(detail=problem.detail)
        status = answer.status
        if status == http.HTTPStatus.OK:
            return answer
        # Graph answers 400 for people without a mailbox (entra-facts §6), whose photo may still
        # be kept by Entra itself.
        if status not in _PERHAPS_ELSEWHERE:
            break
    if status == http.HTTPStatus.NOT_FOUND:
        return PhotoAnswer(looked=True)
    return PhotoAnswer(detail=f"Graph answered {status} for the photo.")


def _photo_of(answer: Answer, limit: Deadline) -> PhotoAnswer:
    try:
        made = photo.remake(answer.body, seconds=limit.remaining())
    except photo.Unusable as problem:
        return PhotoAnswer(detail=f"The photo {problem}.")
    if made is None:
        return PhotoAnswer(looked=True)
    return PhotoAnswer(image=made.data, content_type=made.content_type, looked=True)


def _get(
    metadata: Metadata,
    url: str,
    access_token: str,
    deadline: Deadline,
    *,
    accept: str = "application/json",
    max_bytes: int = MAX_BODY,
) -> Answer:
    return fetch(
        "GET",
        url,
        deadline=deadline,
        headers={"Authorization": f"Bearer {access_token}", "Accept": accept},
        max_bytes=max_bytes,
        retry=True,
        loopback=metadata.is_loopback,
    )
