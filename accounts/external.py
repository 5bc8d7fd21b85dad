from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """Who somebody is at a provider, as the page of their account shows it."""

    id: int
    label: str
    email: str
    issuer: str
    object_id: str
    linked_at: datetime
    last_sign_in: datetime | None
    #: Where a POST unlinks it.
    unlink_url: str

    @property
    def id_text(self) -> str:
        return str(self.id)

    @property
    def named(self) -> str:
        return f"{self.label} {self.email or self.object_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedIdentity:
    """Somebody with this account's address who was refused and may be linked to it."""

    at: datetime
    email: str
    upn: str
    object_id: str
    #: The page that asks before it links.
    link_url: str


class ExternalSignIn(Protocol):
    """What accounts asks of an app that signs people in from outside."""

    def labels(self, user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        """Say from which providers each of these accounts signs in, such as ("Microsoft",)."""

    def role_managed_reason(self, user: User) -> str:
        """Say why this account's role cannot be changed here; '' when it can."""

    def passwords_accepted(self, request: HttpRequest | None = None) -> bool:
        """Say whether anybody may sign in with a password at the moment.

        What a ``request`` has read already is not read again for it; so below.
        """

    def confirm_url(self, user: User, request: HttpRequest | None = None) -> str:
        """Return where this person POSTs to sign in once more in a new tab; '' when nowhere."""

    def after_sign_out(self, request: HttpRequest, user: User) -> HttpResponse | None:
        """Prepare what follows a sign-out, before the session ends; None for the plain page."""

    def has_identity(self) -> Q:
        """Return the condition that finds the accounts that sign in from outside."""

    def identities(self, user: User) -> Sequence[ExternalIdentity]:
        """List who this account is at the providers."""

    def refused_identities(self, user: User) -> Sequence[RefusedIdentity]:
        """List who was refused lately with this account's address and is linked to nobody."""


class _NothingExternal:
    def labels(self, user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        return {}

    def role_managed_reason(self, user: User) -> str:
        return ""

    def passwords_accepted(self, request: HttpRequest | None = None) -> bool:
        return True

    def confirm_url(self, user: User, request: HttpRequest | None = None) -> str:
        return ""

    def after_sign_out(self, request: HttpRequest, user: User) -> HttpResponse | None:
        return None

    def has_identity(self) -> Q:
        return Q(pk__in=[])

    def identities(self, user: User) -> Sequence[ExternalIdentity]:
        return ()

    def refused_identities(self, user: User) -> Sequence[RefusedIdentity]:
        return ()


class _Registry:
    """Hold the one implementation, set while the apps get ready and never afterwards."""

    def __init__(self) -> None:
        self.sign_in: ExternalSignIn = _NothingExternal()


_registry = _Registry()


def register(sign_in: ExternalSignIn) -> None:
    _registry.sign_in = sign_in


def current() -> ExternalSignIn:
    return _registry.sign_in
