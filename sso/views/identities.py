"""Connect and disconnect the provider's account on the profile page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.policy import AccountRefused
from accounts.views.who import person, see_other
from sso import conf, round_trip
from sso.forms import ConnectForm
from sso.models import LinkedIdentity
from sso.round_trip import Purpose
from sso.rules.reasons import SignInRefused
from sso.services.identities import disconnect
from sso.services.journey import begin
from sso.views.sign_in import browser_cookie_name, remember_browser, unavailable


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class ConnectView(View):
    """Start a round trip that ties an identity to whoever is signed in here, and to nobody else.

    The answer is a page that goes on by itself: browsers hold ``form-action`` against every
    redirect behind a form.
    """

    def post(self, request: HttpRequest) -> HttpResponseBase:
        user = person(request)
        if user.has_usable_password():
            form = ConnectForm(request.POST)
            if not form.is_valid() or not user.check_password(
                form.cleaned_data["current_password"]
            ):
                messages.error(
                    request,
                    "That is not your PatchMon password, so nothing was connected. Type it again.",
                )
                return see_other("accounts:profile")
        config = conf.current()
        try:
            url, trip = begin(
                purpose=Purpose.CONNECT,
                target="/profile",
                config=config,
                browser_key=round_trip.new_browser_key(
                    request.COOKIES.get(browser_cookie_name(), "")
                ),
                user_id=user.pk,
                # Whoever is signed in at the provider may not be whom they want to connect.
                prompt="select_account" if user.has_usable_password() else "login",
            )
        except SignInRefused as refused:
            return unavailable(request, refused, config)
        response: HttpResponse = render(request, "sso/post_redirect.html", {"url": url})
        remember_browser(response, trip)
        return response


class DisconnectView(View):
    """Untie one of one's own identities."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = person(request)
        linked = get_object_or_404(LinkedIdentity, pk=pk, user=user)
        try:
            disconnect(linked, actor=user, keep_session=request.session.session_key)
        except AccountRefused as refused:
            messages.error(request, refused.sentence)
        else:
            messages.success(
                request, "The account is disconnected. Your other sessions were ended."
            )
        return see_other("accounts:profile")
