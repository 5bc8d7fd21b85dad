from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from accounts.forms import ServerUrlForm
from accounts.origins import accepts_host, is_unprotected
from accounts.services import server_url, set_server_url
from accounts.views.who import person, see_other

UNPROTECTED = (
    "Without https, passwords and sessions can be read on their way. Use it for local testing only."
)


def came_by(request: HttpRequest) -> frozenset[str]:
    """Return the origins by which this request reached us, as we and as the browser see it."""
    ours = f"{request.scheme}://{request.get_host()}".lower()
    return frozenset({ours, request.headers.get("Origin", ours).lower()})


class GeneralView(PermissionRequiredMixin, View):
    """Settings → General: the Server URL."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        current = server_url()
        form = ServerUrlForm(
            came_by=came_by(request), current=current, initial={"server_url": current}
        )
        return self._page(request, form)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ServerUrlForm(request.POST, came_by=came_by(request), current=server_url())
        if not form.is_valid():
            return self._page(request, form)
        url: str = form.cleaned_data["server_url"]
        changed = set_server_url(url, actor=person(request))
        if not accepts_host(request.get_host()):
            # A POST never redirects off the site, and this host is none of ours any more.
            return render(request, "accounts/moved.html", {"server_url": url})
        if changed:
            messages.success(
                request,
                "Server URL saved. The callback URL changed with it: enter the new one at your "
                "provider too.",
            )
        return see_other("accounts:general")

    def _page(self, request: HttpRequest, form: ServerUrlForm) -> HttpResponse:
        warning = UNPROTECTED if is_unprotected(server_url()) else ""
        return render(request, "accounts/general.html", {"form": form, "warning": warning})
