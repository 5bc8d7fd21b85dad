from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from accounts import external
from accounts.freshness import NO_WAY, Way, fresh_for, way_to_confirm
from accounts.views.who import person


@dataclass(frozen=True, slots=True)
class FreshSignIn:
    """What a page with a sensitive change shows of it (templates/_partials/fresh_sign_in.html).

    The question is in the page before it is needed, `needed_in` seconds from now (0: already),
    because a secret that was typed cannot be shown again when the answer to it is missing.
    """

    way: Way
    needed_in: int
    confirm_url: str
    no_way: str = NO_WAY


def fresh_sign_in(request: HttpRequest) -> FreshSignIn:
    user = person(request)
    return FreshSignIn(
        way=way_to_confirm(user, request),
        needed_in=fresh_for(request),
        confirm_url=external.current().confirm_url(user, request),
    )
