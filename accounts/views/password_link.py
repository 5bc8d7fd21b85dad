from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.http import urlsafe_base64_decode
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import external
from accounts.forms import NewPasswordForm
from accounts.models import User
from accounts.policy import AccountRefused, Refusal
from accounts.services import use_password_link
from accounts.services.password_links import tokens
from accounts.throttle import TooManyAttempts, count_guess, take_back
from accounts.views.who import see_other, wait


@method_decorator([login_not_required, sensitive_post_parameters(), never_cache], name="dispatch")
class PasswordLinkView(View):
    """Set a new password by the link that an administrator handed over."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except _Dead as dead:
            return wait(_dead(request, dead.sentence), dead.retry_after)

    def get(self, request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
        user = _holder(request, uidb64, token)
        return _page(request, user, NewPasswordForm(user=user))

    def post(self, request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
        user = _holder(request, uidb64, token)
        form = NewPasswordForm(request.POST, user=user)
        if not form.is_valid():
            return _page(request, user, form)
        try:
            use_password_link(user, token, form.cleaned_data["new_password"])
        except AccountRefused as refusal:
            return _dead(request, refusal.sentence)
        messages.success(request, "Your password is set. Sign in with it.")
        return see_other("accounts:login")


class _Dead(Exception):
    """A link that does nothing, and why."""

    def __init__(self, sentence: str = Refusal.LINK_DEAD.sentence, *, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after


def _holder(request: HttpRequest, uidb64: str, token: str) -> User:
    """Return whose link it is; a wrong one counts as a guess does."""
    try:
        guess = count_guess(request, f"link {uidb64}")
    except TooManyAttempts as refused:
        raise _Dead(refused.sentence, retry_after=refused.seconds) from None
    try:
        key = int(urlsafe_base64_decode(uidb64))
    except ValueError:
        raise _Dead from None
    user = User.objects.filter(pk=key, is_active=True).first() if 0 < key < 2**63 else None
    if user is None or not tokens.check_token(user, token):
        raise _Dead
    take_back(guess)
    if not external.current().passwords_accepted():
        raise _Dead(Refusal.PASSWORDS_OFF.sentence)
    return user


def _page(request: HttpRequest, user: User, form: NewPasswordForm) -> HttpResponse:
    return render(request, "accounts/password_link.html", {"form": form, "person": user})


def _dead(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"sentence": sentence}
    return render(request, "accounts/password_link_dead.html", context, status=403)
