from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import external
from accounts.forms import ChangePasswordForm, NameForm
from accounts.policy import AccountRefused
from accounts.services import (
    end_sessions,
    end_sessions_of,
    own_sessions,
    session_key_of,
    set_password,
    update_details,
)
from accounts.views.who import person, see_other


def profile_page(
    request: HttpRequest,
    *,
    name_form: NameForm | None = None,
    password_form: ChangePasswordForm | None = None,
) -> HttpResponse:
    user = person(request)
    names = {"first_name": user.first_name, "last_name": user.last_name}
    context = {
        "name_form": name_form or NameForm(initial=names),
        "password_form": password_form or ChangePasswordForm(user=user),
        "has_password": user.has_usable_password(),
        "passwords_accepted": external.current().passwords_accepted(),
        "sessions": own_sessions(user, current_key=request.session.session_key),
    }
    return render(request, "accounts/profile.html", context)


@method_decorator(never_cache, name="dispatch")
class ProfileView(View):
    """One's own data, connected accounts, password and sessions."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return profile_page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NameForm(request.POST)
        if not form.is_valid():
            return profile_page(request, name_form=form)
        user = person(request)
        if update_details(user, actor=user, **form.cleaned_data):
            messages.success(request, "Your name is saved.")
        return see_other("accounts:profile")


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class PasswordView(View):
    """Change one's own password; an account without one gets none here."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:profile")

    def post(self, request: HttpRequest) -> HttpResponse:
        user = person(request)
        if not user.has_usable_password():
            raise Http404
        form = ChangePasswordForm(request.POST, user=user)
        if not form.is_valid():
            return profile_page(request, password_form=form)
        try:
            set_password(
                user,
                form.cleaned_data["new_password"],
                actor=user,
                keep_session=request.session.session_key,
            )
        except AccountRefused as refusal:
            messages.error(request, refusal.sentence)
        else:
            # The session's key changes with the password.
            update_session_auth_hash(request, user)
            messages.success(request, "Your password is changed. Your other sessions were ended.")
        return see_other("accounts:profile")


class EndSessionView(View):
    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        user = person(request)
        key = session_key_of(user, reference)
        if key is None:
            messages.info(request, "That session had already ended.")
        elif key == request.session.session_key:
            logout(request)
            messages.success(request, "You are signed out.")
            return see_other("accounts:login")
        else:
            end_sessions(user, only_key=key)
            messages.success(request, "The session was ended.")
        return see_other("accounts:profile")


class EndSessionsView(View):
    """End every session of one's own but this one."""

    def post(self, request: HttpRequest) -> HttpResponse:
        user = person(request)
        ended = end_sessions_of(user, actor=user, except_key=request.session.session_key)
        word = "session was" if ended == 1 else "sessions were"
        messages.success(request, f"{ended} other {word} ended.")
        return see_other("accounts:profile")
