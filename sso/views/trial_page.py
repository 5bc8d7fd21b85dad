"""What the page of a test sign-in's report shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpRequest

from accounts.addresses import email_key
from accounts.freshness import Way, is_fresh, way_to_confirm
from accounts.models import User
from accounts.roles import ROLES, Role
from accounts.views.who import person as whoever
from sso.conf import GROUP_FIELDS, Config, provider_label
from sso.forms import ConnectForm
from sso.provider.checkup.findings import explained
from sso.readiness import readiness
from sso.rules.aadsts import explain_error
from sso.rules.decision import Refuse, SignIn
from sso.rules.meanings import explain_reason
from sso.rules.permissions import locked_fields
from sso.rules.reasons import ProviderError, Reason
from sso.rules.trial_words import decision_words, email_words, groups_words, role_words, rule_words
from sso.seen_values import seal_base
from sso.services.settings import current_values
from sso.services.trial import Verdict, verdict
from sso.services.trial_reports import Person, Photo, Trial, fingerprint
from sso.views.checkup import shown

GROUPS_SHOWN: Final = 100
REFUSED: Final = ("red", "Would be refused")
WORKS: Final = ("green", "Would work")
FAILED: Final = ("red", "Failed")


def report_context(request: HttpRequest, trial: Trial, config: Config) -> dict[str, Any]:
    """Return what the template shows; decided anew, so that it fits the settings of now."""
    context: dict[str, Any] = {
        "trial": trial,
        "at": datetime.fromtimestamp(trial.at, tz=UTC),
        "outdated": trial.settings != fingerprint(config),
        "off": not config.enabled,
    }
    if trial.person is None:
        return context | _failure(trial, config)
    return context | _found(request, trial, trial.person, config)


def row_name(group: str) -> str:
    """Name the choice of a row that stands beside a group."""
    return f"row {group}"


def _failure(trial: Trial, config: Config) -> dict[str, Any]:
    return {
        "pill": FAILED,
        "heading": "Nobody came back who could be verified.",
        "finding": _explained(trial.reason or Reason.CONFLICT, trial.provider_error, config),
        "detail": trial.detail,
        "provider_error": trial.provider_error,
    }


def _explained(reason: Reason, error: ProviderError | None, config: Config) -> dict[str, Any]:
    explanation = explain_reason(reason) if error is None else explain_error(error)
    return shown(explained(explanation, error=error), config)


def _found(request: HttpRequest, trial: Trial, person: Person, config: Config) -> dict[str, Any]:
    user = whoever(request)
    told = verdict(person, config)
    decision = told.decision
    refused = isinstance(decision, Refuse)
    return {
        "pill": REFUSED if refused else WORKS,
        "heading": decision_words(decision, told.username),
        "finding": _explained(decision.reason, None, config)
        if isinstance(decision, Refuse)
        else None,
        "account": told.account,
        "username": told.username,
        "role": role_words(told.role_before, told.role) if told.role else "",
        "rule": "" if isinstance(decision, Refuse) else rule_words(decision.role_rule),
        "identity": person.identity,
        "email_verdict": email_words(
            person.identity, trusted=config.trust_unverified_email, is_entra=person.is_entra
        ),
        "claims": person.claims,
        "userinfo": person.userinfo,
        "photo": _photo_words(trial.photo, is_entra=person.is_entra),
        "connect": _connect(request, person, told, user, config),
        **_groups(person, told, user, config),
    }


def _groups(person: Person, told: Verdict, user: User, config: Config) -> dict[str, Any]:
    found = told.decision.role_match
    locked = locked_fields(Role(user.role), config.mapping)
    choices = [(role.value, _row_label(role)) for role in ROLES if GROUP_FIELDS[role] not in locked]
    return {
        "groups_from": groups_words(
            person.groups,
            in_token=person.identity.groups.source,
            sync_roles=config.sync_roles,
            is_entra=person.is_entra,
        ),
        "groups_ignored": person.groups.ignored,
        "sync_off": not config.sync_roles,
        "matched": [(group, _row_label(role)) for role, group in found.matched[:GROUPS_SHOWN]],
        "unmatched": [(group, row_name(group)) for group in found.unmatched[:GROUPS_SHOWN]],
        "unmatched_more": max(0, len(found.unmatched) - GROUPS_SHOWN),
        "row_choices": choices,
        "row_chosen": Role.USER.value,
        "row_base": "" if config.from_environment else seal_base(current_values()),
        "read_only": config.from_environment,
    }


def _row_label(role: Role) -> str:
    return role.value.replace("_", " ")


def _photo_words(photo: Photo | None, *, is_entra: bool) -> str:
    if photo is None or not photo.asked:
        if is_entra:
            return "Not asked for: the permission User.Read was not granted."
        return "Not asked for: photos come from Microsoft Graph alone."
    if photo.size:
        return f"Found: {photo.size} bytes as PatchMon would keep it. It was not kept."
    return photo.detail or "There is none."


def _connect(
    request: HttpRequest, person: Person, told: Verdict, user: User, config: Config
) -> dict[str, Any] | None:
    """Offer to connect an identity that has the address of the one who runs the test."""
    identity, decision = person.identity, told.decision
    label = provider_label(identity.issuer, identity.tenant_id)
    if isinstance(decision, SignIn):
        is_theirs = decision.account_id == user.pk
        return {"connected": True, "label": label} if is_theirs else None
    if not identity.email or email_key(identity.email) != user.email_key:
        return None
    if user.linked_identities.filter(issuer=identity.issuer).exists():
        return None
    by_password = way_to_confirm(user) is Way.PASSWORD
    return {
        "connected": False,
        "label": label,
        "ready": readiness(config).ready,
        # Its own names for the fields: another password is asked for on other pages' forms.
        "form": ConnectForm(auto_id="connect_%s") if by_password else None,
        "may_at_once": by_password or is_fresh(request),
    }
