"""To the provider and back: the button's address and the callback."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts.freshness import mark_fresh
from accounts.models import User
from accounts.services import start_session
from accounts.sessions import PROVIDER_SESSION_ID
from accounts.targets import safe_target
from sso import conf, round_trip
from sso.backends import Callback
from sso.conf import Config, provider_label
from sso.messages import sentence_for
from sso.models import SignInAttempt
from sso.provider.deadline import Deadline
from sso.round_trip import Lost, Purpose, RoundTrip, RoundTripLost
from sso.rules.reasons import Reason, SignInRefused
from sso.services.attempts import (
    Attempt,
    log_unstarted,
    record_refusal,
    record_success,
    record_unforeseen,
)
from sso.services.confirmation import check_confirmation
from sso.services.identities import connect
from sso.services.journey import begin, provider_metadata
from sso.services.linked import is_linked
from sso.services.photos import refresh_photo
from sso.services.sign_out import notes_for_sign_out
from sso.services.verification import CALLBACK_SECONDS, Verified, identify
from sso.views.browser_key import browser_cookie_name, remember_browser
from sso.views.callback_query import check_issuer, check_shape, code_in
from sso.views.lost_callback import send_on
from sso.views.trial_callback import report, report_failure

BACKEND: Final = "sso.backends.OIDCBackend"
TESTERS: Final = "accounts.can_manage_settings"
NOT_THEM: Final = frozenset({Reason.CONNECT_OTHER_USER, Reason.AUTH_TIME})
NOT_CONFIRMED: Final = (
    "This could not be confirmed. Press the button in the other tab again and sign in at "
    "{provider} with the account that is connected to yours. If it goes on, give your "
    "administrator this reference: {reference}"
)


@method_decorator([login_not_required, never_cache], name="dispatch")
class StartView(View):
    """Send the browser to the provider; the button on the sign-in page leads here."""

    http_method_names = ("get",)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        target = safe_target(request.GET.get("next", ""))
        if request.user.is_authenticated:
            return redirect(target)
        config = conf.current()
        try:
            url, trip = begin(
                purpose=Purpose.SIGN_IN,
                target=target,
                config=config,
                browser_key=round_trip.new_browser_key(
                    request.COOKIES.get(browser_cookie_name(), "")
                ),
            )
        except SignInRefused as refused:
            return unavailable(request, refused, config)
        response = HttpResponseRedirect(url)
        response["Referrer-Policy"] = "no-referrer"
        remember_browser(response, trip)
        return response


def unavailable(request: HttpRequest, refused: SignInRefused, config: Config) -> HttpResponse:
    """Answer 503 with one sentence; the cause is in the log."""
    log_unstarted(refused)
    text = sentence_for(refused.reason, reference="", provider=provider_label(config.issuer))
    return render(request, "sso/unavailable.html", {"text": text}, status=503)


@method_decorator([login_not_required, never_cache], name="dispatch")
class CallbackView(View):
    """Take the provider's answer: the only place where a code reaches the token endpoint.

    Every way out is a redirect to a page of ours; any refusal is one exception that ends here.
    """

    http_method_names = ("get",)

    def get(self, request: HttpRequest) -> HttpResponse:
        attempt = Attempt(
            address=request.META.get("REMOTE_ADDR", ""),
            user_agent=_one_line(request.headers.get("User-Agent", "")),
        )
        try:
            trip = self._take(request)
        except RoundTripLost as lost:
            return _leave(send_on(request, lost, attempt))
        try:
            return self._come_back(request, trip, attempt)
        except Exception as error:
            record_unforeseen(attempt, error, is_test=trip.purpose is Purpose.TEST)
            raise

    def _come_back(self, request: HttpRequest, trip: RoundTrip, attempt: Attempt) -> HttpResponse:
        config = conf.current()
        attempt.issuer = config.issuer
        label = provider_label(config.issuer)
        try:
            self._check(request, trip, config)
            deadline = Deadline(CALLBACK_SECONDS)
            with attempt.waiting():
                metadata = provider_metadata(
                    config, deadline=deadline, needs_enabled=trip.purpose is not Purpose.TEST
                )
            label = "Microsoft" if metadata.is_entra else label
            check_issuer(request.GET, metadata)
            callback = Callback(
                trip=trip,
                code=code_in(request.GET),
                config=config,
                metadata=metadata,
                deadline=deadline,
                attempt=attempt,
            )
            return self._finish(request, callback)
        except SignInRefused as refused:
            if trip.purpose is Purpose.TEST:
                report_failure(request, refused, trip=trip, config=config, attempt=attempt)
                return _leave(redirect(trip.target))
            record_refusal(attempt, refused)
            sentence = sentence_for(refused.reason, reference=attempt.reference, provider=label)
            if trip.purpose is Purpose.CONFIRM and refused.reason in NOT_THEM:
                sentence = NOT_CONFIRMED.format(provider=label, reference=attempt.reference)
            messages.error(request, sentence)
            # Whoever is signed in here stays so, and goes back to where they came from.
            back = "accounts:login" if trip.purpose is Purpose.SIGN_IN else trip.target
            return _leave(redirect(back))

    def _take(self, request: HttpRequest) -> RoundTrip:
        states = request.GET.getlist("state")
        if len(states) != 1:
            raise RoundTripLost(Lost.UNKNOWN)
        return round_trip.take(
            states[0],
            browser_key=request.COOKIES.get(browser_cookie_name(), ""),
            now=timezone.now(),
        )

    def _check(self, request: HttpRequest, trip: RoundTrip, config: Config) -> None:
        """Refuse what cannot be an honest answer to what was asked (verification.md, Callback)."""
        check_shape(request)
        if trip.version != config.trip_version:
            raise SignInRefused(
                Reason.STALE_CONFIG, detail="The settings were changed while this sign-in was away."
            )
        if trip.purpose is not Purpose.SIGN_IN and request.user.pk != trip.user_id:
            raise SignInRefused(Reason.CONNECT_OTHER_USER)
        if trip.purpose is Purpose.TEST and not request.user.has_perm(TESTERS):
            # The session of whoever began it ended with the role; a new one has come since.
            raise SignInRefused(
                Reason.CONNECT_OTHER_USER, detail="They may not manage the settings any more."
            )

    def _finish(self, request: HttpRequest, callback: Callback) -> HttpResponse:
        """Do what the journey was for."""
        match callback.trip.purpose:
            case Purpose.SIGN_IN:
                return self._sign_in(request, callback)
            case Purpose.CONNECT:
                return self._connect(request, callback)
            case Purpose.CONFIRM:
                return self._confirm(request, callback)
            case Purpose.TEST:
                user, verified = self._identified(request, callback)
                report(request, user, verified, callback)
                return _leave(redirect(callback.trip.target))

    def _sign_in(self, request: HttpRequest, callback: Callback) -> HttpResponse:
        user = authenticate(request, callback=callback)
        if not isinstance(user, User) or callback.verified is None:
            raise SignInRefused(Reason.CONFLICT)
        identity = callback.verified.identity
        refresh_photo(
            user,
            callback.verified,
            metadata=callback.metadata,
            deadline=callback.deadline,
            attempt=callback.attempt,
        )
        # Last, so that as little as possible lies between this session and the answer.
        if not start_session(
            request,
            user,
            backend=BACKEND,
            notes={
                PROVIDER_SESSION_ID: identity.session_id,
                **notes_for_sign_out(identity, callback.metadata),
            },
            still_holds=partial(is_linked, user, identity),
        ):
            raise SignInRefused(
                Reason.CONFLICT, detail="The account or its identity was closed meanwhile."
            )
        record_success(callback.attempt, SignInAttempt.Outcome.SIGNED_IN)
        return _leave(HttpResponseRedirect(callback.trip.target))

    def _identified(self, request: HttpRequest, callback: Callback) -> tuple[User, Verified]:
        """Verify who came back, for somebody who is signed in here already and stays so."""
        user = request.user
        if not isinstance(user, User):
            raise SignInRefused(Reason.CONNECT_OTHER_USER)
        callback.attempt.user = user
        return user, identify(
            callback.code,
            trip=callback.trip,
            config=callback.config,
            metadata=callback.metadata,
            deadline=callback.deadline,
            attempt=callback.attempt,
        )

    def _connect(self, request: HttpRequest, callback: Callback) -> HttpResponse:
        attempt = callback.attempt
        user, verified = self._identified(request, callback)
        linked = connect(
            user, verified.identity, groups=verified.groups, actor=user, notes=attempt.notes
        )
        refresh_photo(
            user,
            verified,
            metadata=callback.metadata,
            deadline=callback.deadline,
            attempt=attempt,
        )
        record_success(attempt, SignInAttempt.Outcome.LINKED)
        label = provider_label(linked.issuer, linked.tenant_id)
        named = f" {linked.email}" if linked.email else ""
        messages.success(
            request,
            f"Your {label} account{named} is connected. You can sign in with it from now on.",
        )
        return _leave(HttpResponseRedirect(callback.trip.target))

    def _confirm(self, request: HttpRequest, callback: Callback) -> HttpResponse:
        """Make the running session fresh; nothing about the account or its identity changes."""
        attempt = callback.attempt
        user, verified = self._identified(request, callback)
        check_confirmation(
            user,
            verified.identity,
            began=callback.trip.began,
            is_entra=callback.metadata.is_entra,
        )
        mark_fresh(request)
        attempt.notes.append("confirmed")
        record_success(attempt, SignInAttempt.Outcome.SIGNED_IN)
        return _leave(HttpResponseRedirect(callback.trip.target))


def _leave(response: HttpResponse) -> HttpResponse:
    """Keep the code in the address from the next page's referrer."""
    response["Referrer-Policy"] = "no-referrer"
    return response


def _one_line(text: str) -> str:
    return "".join(character for character in text[:300] if character.isprintable())
