from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import external
from accounts.forms import SignInForm
from accounts.models import User
from accounts.policy import Refusal
from accounts.services import start_session
from accounts.targets import safe_target
from accounts.throttle import TooManyAttempts, count_guess, take_back
from accounts.views.who import SeeOther, see_other, wait

BACKEND = "accounts.backends.PasswordBackend"
WRONG = "The username or password is not right. Check both and try again."


@method_decorator(
    [login_not_required, sensitive_post_parameters("password"), never_cache], name="dispatch"
)
class SignInView(View):
    """The sign-in page: single sign-on where it is ready, a password where one is accepted."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect(safe_target(request.GET.get("next", "")))
        return self._page(request, SignInForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not external.current().passwords_accepted():
            # Not 200: a client that tries passwords must not take the page for a success.
            return self._page(request, form, error=Refusal.PASSWORDS_OFF.sentence, status=403)
        if not form.is_valid():
            return self._page(request, form, error="Type your username and your password.")
        try:
            guess = count_guess(request, form.cleaned_data["username"])
        except TooManyAttempts as refused:
            page = self._page(request, form, error=refused.sentence)
            return wait(page, refused.seconds)
        user = authenticate(request, **form.cleaned_data)
        if not isinstance(user, User):
            return self._page(request, form, error=WRONG)
        take_back(guess)
        if not start_session(request, user, backend=BACKEND):
            # Deactivated or deleted since the password was compared.
            return self._page(request, form, error=WRONG)
        return SeeOther(safe_target(request.POST.get("next", "")))

    def _page(
        self, request: HttpRequest, form: SignInForm, *, error: str = "", status: int = 200
    ) -> HttpResponse:
        wanted = request.POST.get("next", "") or request.GET.get("next", "")
        context: dict[str, Any] = {
            "form": form,
            "error": error,
            "next_url": safe_target(wanted),
            "passwords_accepted": external.current().passwords_accepted(request),
        }
        return render(request, "accounts/sign_in.html", context, status=status)


@method_decorator([login_not_required, never_cache], name="dispatch")
class SignOutView(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        answer: HttpResponse | None = None
        if isinstance(request.user, User):
            answer = external.current().after_sign_out(request, request.user)
            logout(request)
            messages.success(request, "You are signed out.")
        return answer or see_other("accounts:login")
