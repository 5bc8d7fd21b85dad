"""What stands against saving the settings: rank, and the state of the installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from accounts.models import User
from accounts.roles import Role
from sso.conf import REQUIRED, Config
from sso.provider import discovery
from sso.readiness import administrator_came_through_sso
from sso.rules.permissions import ONLY_SUPERADMINS_DEFAULT, locked_fields, may_set_default_role

SECRET: Final = "client_secret"  # noqa: S105 - the name of a field
EXPIRES: Final = "client_secret_expires"
NOT_ENABLED: Final = (
    "Enable OIDC / SSO first and sign in through it once: without it nobody could get in."
)
NO_ADMINISTRATOR_YET: Final = (
    "No administrator has signed in through SSO yet, at the issuer that is set now. Connect your "
    "own account on your profile, or sign in through SSO as an Admin or Super Admin, then switch "
    "this on."
)
NO_WAY_BACK: Final = (
    "No active Super Admin has a password to fall back on when SSO breaks. Tick this box to "
    "switch local sign-in off all the same."
)


class SettingsRefused(Exception):
    """Say, field by field, why nothing was saved."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


def enable_problems(config: Config) -> dict[str, str]:
    """Name everything that keeps Enable from working, by field, each with what to do."""
    problems = {name: f"{REQUIRED[name]} is empty." for name in config.missing}
    if config.secret_set and not config.secret_readable:
        problems[SECRET] = "Client Secret cannot be decrypted: enter it again."
    if "issuer" in config.not_https:
        problems["issuer"] = "Issuer URL is not https, and Enforce HTTPS is on."
    if "callback" in config.not_https:
        problems["enforce_https"] = (
            f"The callback URL {config.callback_url} is not https, and Enforce HTTPS is on. "
            "Change the Server URL under Settings → General."
        )
    return problems


def endpoint_problems(config: Config) -> dict[str, str]:
    """Say that the provider publishes an endpoint that cannot be used, as far as that is known.

    No request is made: whoever enables SSO has asked just before (sso.services.look_up).
    """
    named = discovery.plain_endpoint(config.issuer, allow_http=not config.enforce_https)
    if not named:
        return {}
    return {
        "issuer": f"The provider at the Issuer URL publishes a {named} that is not https, which "
        "PatchMon does not call. Ask whoever runs the provider to publish https addresses."
    }


def check(
    before: Config,
    after: Config,
    wanted: Mapping[str, Any],
    *,
    secret_given: bool,
    actor: User | None,
    confirmed: frozenset[str],
) -> None:
    errors: dict[str, list[str]] = {}
    if actor is not None:
        _check_rank(before, after, wanted, Role(actor.role), errors)
    if after.enabled:
        problems = endpoint_problems(after) | enable_problems(after)
        if problems and not before.enabled:
            errors["enabled"] = list(problems.values())
        else:
            known = endpoint_problems(before) | enable_problems(before)
            errors |= {
                name: [f"{text} Single sign-on is enabled and needs it: disable it first."]
                for name, text in problems.items()
                if name not in known
            }
    host_before, host_after = urlsplit(before.issuer).netloc, urlsplit(after.issuer).netloc
    if (
        before.secret_set
        and host_before
        and host_after not in {"", host_before}
        and not secret_given
    ):
        text = (
            f"The issuer's host changes from {host_before} to {host_after}. Paste the client "
            "secret again, so that the stored one is never sent to another host."
        )
        errors[SECRET] = [text]
    if wanted.get("disable_local_auth"):
        _check_disable_local_auth(after, confirmed, errors)
    if errors:
        raise SettingsRefused(errors)


def _check_rank(
    before: Config,
    after: Config,
    wanted: Mapping[str, Any],
    role: Role,
    errors: dict[str, list[str]],
) -> None:
    locked = locked_fields(role, before.mapping)
    errors |= {name: [locked[name]] for name in wanted if name in locked}
    if "default_role" in wanted and not may_set_default_role(role, after.mapping.default_role):
        errors["default_role"] = [ONLY_SUPERADMINS_DEFAULT]


def _check_disable_local_auth(
    after: Config, confirmed: frozenset[str], errors: dict[str, list[str]]
) -> None:
    if not after.enabled:
        errors["disable_local_auth"] = [NOT_ENABLED]
    elif not administrator_came_through_sso(after.issuer):
        errors["disable_local_auth"] = [NO_ADMINISTRATOR_YET]
    elif "disable_local_auth" not in confirmed and not superadmin_has_password():
        errors["confirm_disable_local_auth"] = [NO_WAY_BACK]


def superadmin_has_password() -> bool:
    """Say whether an active superadmin could sign in with a password if SSO broke."""
    superadmins = User.objects.filter(role=Role.SUPERADMIN, is_active=True).only("password")
    return any(user.has_usable_password() for user in superadmins)
