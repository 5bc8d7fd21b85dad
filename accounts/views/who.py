from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.views import View

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


class PostOnly(View):
    """A form's address: opened by itself, as after a reload, it leads to the page of that form.

    ``leads_to`` is a URL's name, ``taking`` those of this address's parameters that it takes.
    """

    leads_to: ClassVar[str]
    taking: ClassVar[tuple[str, ...]] = ()

    # Not as get(): these addresses are no pages to land on (accounts.targets).
    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return redirect(self.leads_to, *(self.kwargs[name] for name in self.taking))
        return super().http_method_not_allowed(request, *args, **kwargs)


def wait(page: HttpResponse, seconds: int) -> HttpResponse:
    """Answer 429 with this page where somebody has to wait; unchanged for no seconds."""
    if seconds:
        page.status_code = 429
        page["Retry-After"] = str(seconds)
    return page
