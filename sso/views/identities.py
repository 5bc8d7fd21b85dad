"""Connect and disconnect the provider's account on the profile page."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.freshness import NO_WAY, Way, confirm_password, is_fresh, way_to_confirm
from accounts.policy import AccountRefused
from accounts.throttle import TooManyAttempts
from accounts.views.profile import profile_page
from accounts.views.who import PostOnly, person, see_other, wait
from sso import conf, round_trip
from sso.forms import ConnectForm
from sso.models import LinkedIdentity
from sso.round_trip import Purpose
from sso.rules.reasons import SignInRefused
from sso.services.identities import disconnect
from sso.services.journey import begin
from sso.views.browser_key import browser_cookie_name, remember_browser
from sso.views.sign_in import unavailable

NOT_RIGHT: Final = "That is not your PatchMon password, so nothing was connected. Type it again."
CONFIRM_FIRST: Final = (
    "Your last sign-in is more than fifteen minutes ago. Press “Confirm at your provider” first, "
    "then connect the account."
)


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class ConnectView(PostOnly):
    """Start a round trip that ties an identity to whoever is signed in here, and to nobody else.

    The answer is a page that goes on by itself: browsers hold ``form-action`` against every
    redirect behind a form.
    """

    leads_to = "accounts:profile"

    def post(self, request: HttpRequest) -> HttpResponseBase:
        user = person(request)
        way = way_to_confirm(user)
        if way is Way.PASSWORD:
            # Just before, however fresh the session is (sign-in.md, Who it is, rule 4).
            form = ConnectForm(request.POST)
            try:
                right = form.is_valid() and confirm_password(
                    request, form.cleaned_data["current_password"]
                )
            except TooManyAttempts as refused:
                messages.error(request, refused.sentence)
                return wait(profile_page(request), refused.seconds)
            if not right:
                messages.error(request, NOT_RIGHT)
                return see_other("accounts:profile")
        elif not is_fresh(request):
            # Whoever signs in at the provider next need not be whose session this is.
            messages.error(request, CONFIRM_FIRST if way is Way.PROVIDER else NO_WAY)
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
                prompt="select_account" if way is Way.PASSWORD else "login",
            )
        except SignInRefused as refused:
            return unavailable(request, refused, config)
        response: HttpResponse = render(request, "sso/post_redirect.html", {"url": url})
        remember_browser(response, trip)
        return response


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class ConfirmView(PostOnly):
    """Send somebody without a password to the provider to show that it is still them.

    It opens in a tab of its own, by a button of the form that asks for it: whatever else that
    form sends is not looked at.
    """

    leads_to = "accounts:profile"
    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        user = person(request)
        config = conf.current()
        try:
            url, trip = begin(
                purpose=Purpose.CONFIRM,
                target=reverse("sso:confirmed"),
                config=config,
                browser_key=round_trip.new_browser_key(
                    request.COOKIES.get(browser_cookie_name(), "")
                ),
                user_id=user.pk,
                afresh=True,
            )
        except SignInRefused as refused:
            return unavailable(request, refused, config)
        response: HttpResponse = render(request, "sso/post_redirect.html", {"url": url})
        remember_browser(response, trip)
        return response


@method_decorator(never_cache, name="dispatch")
class ConfirmedView(View):
    """Where that tab ends: the other one has everything that was typed."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "sso/confirmed.html", {"fresh": is_fresh(request)})


class DisconnectView(PostOnly):
    """Untie one of one's own identities."""

    leads_to = "accounts:profile"

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
