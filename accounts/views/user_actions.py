from __future__ import annotations

from abc import ABC, abstractmethod

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.policy import AccountRefused
from accounts.services import (
    activate,
    deactivate,
    delete,
    end_sessions_of,
    password_link,
    server_url,
)
from accounts.views.users import user_page
from accounts.views.who import PostOnly, person, see_other


class UserActionView(PermissionRequiredMixin, PostOnly, ABC):
    """One press on an account's page; a refusal becomes a message there."""

    permission_required = "accounts.can_manage_users"
    raise_exception = True
    leads_to = "accounts:user"
    taking = ("pk",)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        try:
            return self.act(request, user, person(request))
        except AccountRefused as refusal:
            messages.error(request, refusal.sentence)
            return see_other("accounts:user", pk)

    @abstractmethod
    def act(self, request: HttpRequest, user: User, actor: User) -> HttpResponse:
        """Do it, say what was done, and lead on."""


class DeactivateView(UserActionView):
    def act(self, request: HttpRequest, user: User, actor: User) -> HttpResponse:
        if deactivate(user, actor=actor):
            messages.success(request, f"{user.username} is deactivated and signed out everywhere.")
        return see_other("accounts:user", user.pk)


class ActivateView(UserActionView):
    def act(self, request: HttpRequest, user: User, actor: User) -> HttpResponse:
        if activate(user, actor=actor):
            messages.success(request, f"{user.username} is active and can sign in again.")
        return see_other("accounts:user", user.pk)


class DeleteView(UserActionView):
    def act(self, request: HttpRequest, user: User, actor: User) -> HttpResponse:
        delete(user, actor=actor)
        messages.success(request, f"{user.username} was deleted.")
        return see_other("accounts:users")


class EndSessionsView(UserActionView):
    def act(self, request: HttpRequest, user: User, actor: User) -> HttpResponse:
        keep = request.session.session_key if user.pk == actor.pk else None
        ended = end_sessions_of(user, actor=actor, except_key=keep)
        word = "session" if ended == 1 else "sessions"
        messages.success(request, f"Ended {ended} {word} of {user.username}.")
        return see_other("accounts:user", user.pk)


@method_decorator(never_cache, name="dispatch")
class PasswordLinkView(UserActionView):
    """Show the link once, on the page that answers the press; it is stored nowhere."""

    def act(self, request: HttpRequest, user: User, actor: User) -> HttpResponse:
        path = password_link(user, actor=actor)
        return user_page(request, user, link=f"{server_url()}{path}")
