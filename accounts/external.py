from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from accounts.models import User


class ExternalSignIn(Protocol):
    """What accounts asks of an app that signs people in from outside."""

    def labels(self, user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        """Say from which providers each of these accounts signs in, such as ("Microsoft",)."""

    def role_managed_reason(self, user: User) -> str:
        """Say why this account's role cannot be changed here; '' when it can."""

    def passwords_accepted(self) -> bool:
        """Say whether anybody may sign in with a password at the moment."""

    def after_sign_out(self, request: HttpRequest, user: User) -> HttpResponse | None:
        """Prepare what follows a sign-out, before the session ends; None for the plain page."""


class _NothingExternal:
    def labels(self, user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        return {}

    def role_managed_reason(self, user: User) -> str:
        return ""

    def passwords_accepted(self) -> bool:
        return True

    def after_sign_out(self, request: HttpRequest, user: User) -> HttpResponse | None:
        return None


class _Registry:
    """Hold the one implementation, set while the apps get ready and never afterwards."""

    def __init__(self) -> None:
        self.sign_in: ExternalSignIn = _NothingExternal()


_registry = _Registry()


def register(sign_in: ExternalSignIn) -> None:
    _registry.sign_in = sign_in


def current() -> ExternalSignIn:
    return _registry.sign_in
