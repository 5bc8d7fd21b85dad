from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import CurrentPasswordForm, ServerUrlForm
from accounts.freshness import NotConfirmed, confirm, is_fresh
from accounts.origins import accepts_host, is_unprotected
from accounts.policy import AccountRefused
from accounts.seen import ChangedMeanwhile
from accounts.services import server_url, server_url_of, set_server_url
from accounts.views.fresh import fresh_sign_in
from accounts.views.who import person, see_other, wait

UNPROTECTED = (
    "Without https, passwords and sessions can be read on their way. Use it for local testing only."
)


def came_by(request: HttpRequest) -> frozenset[str]:
    """Return the origins by which this request reached us, as we and as the browser see it."""
    ours = f"{request.scheme}://{request.get_host()}".lower()
    return frozenset({ours, request.headers.get("Origin", ours).lower()})


@method_decorator([sensitive_post_parameters("current_password"), never_cache], name="dispatch")
class GeneralView(PermissionRequiredMixin, View):
    """Settings → General: the Server URL."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        current = server_url_of(request)
        form = ServerUrlForm(
            came_by=came_by(request), current=current, initial={"server_url": current}
        )
        return self._page(request, form, CurrentPasswordForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        current = server_url()
        form = ServerUrlForm(request.POST, came_by=came_by(request), current=current)
        password_form = CurrentPasswordForm(request.POST)
        if not form.is_valid() or not password_form.is_valid():
            return self._page(request, form, password_form)
        url: str = form.cleaned_data["server_url"]
        seen = form.seen().get("server_url")
        try:
            if url not in {current, seen}:
                confirm(request)
        except NotConfirmed as refused:
            password_form.refuse(refused.sentence)
            return wait(self._page(request, form, password_form), refused.retry_after)
        try:
            changed = set_server_url(url, actor=person(request), fresh=is_fresh(request), seen=seen)
        except ChangedMeanwhile as both:
            form.refuse_changed(both)
            return self._page(request, form, password_form)
        except AccountRefused as refusal:
            # Between the question and the save: the fifteen minutes were over, or the permission.
            form.add_error(None, refusal.sentence)
            return self._page(request, form, password_form)
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

    def _page(
        self, request: HttpRequest, form: ServerUrlForm, password_form: CurrentPasswordForm
    ) -> HttpResponse:
        context = {
            "form": form,
            "password_form": password_form,
            "fresh": fresh_sign_in(request),
            "warning": UNPROTECTED if is_unprotected(server_url_of(request)) else "",
        }
        return render(request, "accounts/general.html", context)
