from __future__ import annotations

from functools import partial
from typing import Any

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
from accounts.freshness import confirm_password
from accounts.models import User
from accounts.policy import AccountRefused, Refusal
from accounts.seen import ChangedMeanwhile
from accounts.services import (
    edit_account,
    end_sessions,
    end_sessions_of,
    own_sessions,
    session_key_of,
    set_password,
)
from accounts.views.token_card import token_card
from accounts.views.who import PostOnly, person, see_other, wait


def profile_page(
    request: HttpRequest,
    *,
    name_form: NameForm | None = None,
    password_form: ChangePasswordForm | None = None,
    tokens: dict[str, Any] | None = None,
) -> HttpResponse:
    user = person(request)
    names = {"first_name": user.first_name, "last_name": user.last_name}
    context = {
        "name_form": name_form or NameForm(initial=names),
        "password_form": password_form or _password_form(request, user),
        "has_password": user.has_usable_password(),
        "passwords_accepted": external.current().passwords_accepted(request),
        "sessions": own_sessions(user, current_key=request.session.session_key),
        **(tokens or token_card(request, user)),
    }
    return render(request, "accounts/profile.html", context)


def _password_form(request: HttpRequest, user: User, data: Any = None) -> ChangePasswordForm:
    return ChangePasswordForm(data, user=user, is_right=partial(confirm_password, request))


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
        try:
            changed = edit_account(user, form.cleaned_data, actor=user, seen=form.seen())
        except ChangedMeanwhile as both:
            form.refuse_changed(both)
            return profile_page(request, name_form=form)
        if changed:
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
        if not external.current().passwords_accepted():
            # Before the form: nobody learns here whether a password would have been right.
            messages.error(request, Refusal.PASSWORDS_OFF.sentence)
            return see_other("accounts:profile")
        form = _password_form(request, user, request.POST)
        if not form.is_valid():
            return wait(profile_page(request, password_form=form), form.retry_after)
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
            messages.success(
                request, "Your password is changed. Your other sessions and API tokens were ended."
            )
        return see_other("accounts:profile")


class EndSessionView(PostOnly):
    leads_to = "accounts:profile"

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


class EndSessionsView(PostOnly):
    """End every session of one's own but this one."""

    leads_to = "accounts:profile"

    def post(self, request: HttpRequest) -> HttpResponse:
        user = person(request)
        ended = end_sessions_of(user, actor=user, except_key=request.session.session_key)
        word = "session was" if ended == 1 else "sessions were"
        messages.success(request, f"{ended} other {word} ended.")
        return see_other("accounts:profile")
