from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest, HttpResponse
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
from accounts.services import set_password
from accounts.views.who import see_other


@method_decorator([login_not_required, sensitive_post_parameters(), never_cache], name="dispatch")
class PasswordLinkView(View):
    """Set a new password by the link that an administrator handed over."""

    def get(self, request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
        user = _holder(uidb64, token)
        if user is None:
            return _dead(request)
        if not external.current().passwords_accepted():
            return _dead(request, Refusal.PASSWORDS_OFF.sentence)
        return _page(request, user, NewPasswordForm(user=user))

    def post(self, request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
        user = _holder(uidb64, token)
        if user is None:
            return _dead(request)
        form = NewPasswordForm(request.POST, user=user)
        if not form.is_valid():
            return _page(request, user, form)
        try:
            set_password(user, form.cleaned_data["new_password"], actor=user)
        except AccountRefused as refusal:
            return _dead(request, refusal.sentence)
        messages.success(request, "Your password is set. Sign in with it.")
        return see_other("accounts:login")


def _holder(uidb64: str, token: str) -> User | None:
    try:
        key = int(urlsafe_base64_decode(uidb64))
    except ValueError:
        return None
    user = User.objects.filter(pk=key, is_active=True).first() if 0 < key < 2**63 else None
    return user if default_token_generator.check_token(user, token) else None


def _page(request: HttpRequest, user: User, form: NewPasswordForm) -> HttpResponse:
    return render(request, "accounts/password_link.html", {"form": form, "person": user})


def _dead(request: HttpRequest, sentence: str = "") -> HttpResponse:
    context = {"sentence": sentence}
    return render(request, "accounts/password_link_dead.html", context, status=403)
