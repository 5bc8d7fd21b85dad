"""The sign-in through the provider, as a Django authentication backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.backends import RolePermissionsBackend
from accounts.models import User
from sso.conf import Config, mozilla_setting
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.round_trip import RoundTrip
from sso.rules.reasons import Reason, SignInRefused
from sso.services.admission import admit
from sso.services.attempts import Attempt
from sso.services.verification import Verified, identify


@dataclass(slots=True, kw_only=True)
class Callback:
    """A callback that belongs to a round trip of this browser, used up by now."""

    trip: RoundTrip
    code: str = field(repr=False)
    config: Config
    metadata: Metadata
    deadline: Deadline
    attempt: Attempt
    verified: Verified | None = field(default=None, repr=False)


class OIDCBackend(RolePermissionsBackend, OIDCAuthenticationBackend):  # type: ignore[misc]
    """mozilla-django-oidc's backend with every check that it leaves out (rp-cases.md, Table 3).

    Django builds one on every request, so the constructor does no I/O; upstream's reads settings.
    Permissions and the account of a session come from accounts: upstream asks the database for
    rows that no role has, and lets a deactivated account go on.
    """

    def __init__(self) -> None:
        """Skip upstream's, which reads a dozen settings and fails without them."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Answer from the configuration in force; upstream reads django.conf.settings."""
        return mozilla_setting(attr, *args)

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, *, callback: Callback
    ) -> User:
        """Sign in whoever a callback brings, or raise SignInRefused.

        Upstream's signature takes any credentials and redeems ``?code=`` on every password form;
        this one asks for what only the callback view makes.
        """
        callback.verified = self.get_token(callback)
        return self.get_or_create_user(callback)

    def get_token(self, callback: Callback) -> Verified:
        """Redeem the code and verify what it brings; upstream checks a signature and no more."""
        return identify(
            callback.code,
            trip=callback.trip,
            config=callback.config,
            metadata=callback.metadata,
            deadline=callback.deadline,
            attempt=callback.attempt,
        )

    def get_or_create_user(self, callback: Callback) -> User:
        """Admit by issuer and subject; upstream takes whatever account has the e-mail address.

        Upstream's create_user, update_user and get_username are not on this way: one
        transaction decides and carries out, so that no two of them can disagree.
        """
        if callback.verified is None:
            raise SignInRefused(Reason.CLAIMS, detail="Nothing has been verified.")
        admission = admit(
            callback.verified.identity,
            config=callback.config,
            groups=callback.verified.groups,
            is_entra=callback.metadata.is_entra,
        )
        callback.attempt.admission = admission
        return admission.user
