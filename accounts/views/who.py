from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url

from accounts.models import User


def person(request: HttpRequest) -> User:
    """Return who is signed in; behind LoginRequiredMiddleware somebody always is."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class SeeOther(HttpResponseRedirect):
    """After a POST, go on by GET."""

    status_code = 303


def see_other(to: str, *args: object) -> SeeOther:
    return SeeOther(resolve_url(to, *args))


def wait(page: HttpResponse, seconds: int) -> HttpResponse:
    """Answer 429 with this page where somebody has to wait; unchanged for no seconds."""
    if seconds:
        page.status_code = 429
        page["Retry-After"] = str(seconds)
    return page
