"""Home: who you are and what your role allows; for administrators the state of single sign-on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.roles import PERMISSION_GROUPS, Role, permissions_of
from accounts.services import setup_open
from accounts.shared_cache import is_reachable
from patchmon.chart import bar_chart
from sso import conf
from sso.conf import Config, local_sign_in_forced
from sso.models import SignInAttempt
from sso.provider.checkup.findings import Outcome
from sso.readiness import Cause, Readiness, readiness
from sso.rules.meanings import explain_reason
from sso.rules.reasons import Reason
from sso.services.activity import (
    MOST_REFUSALS,
    kept_superadmin,
    newest_sign_ins,
    recent_activity,
    refused_since,
)
from sso.services.checkup_runs import last_check
from sso.services.secret_expiry import reminder

RECENT = 8
PILLS = {Cause.READY: ("green", "Ready"), Cause.OFF: ("grey", "Off")}


@method_decorator([login_not_required, never_cache], name="dispatch")
class HomeView(View):
    """Lead to the wizard while there is nobody, to the sign-in page whoever is nobody yet."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            if setup_open():
                return redirect("accounts:setup")
            return redirect_to_login("/", login_url=reverse("accounts:login"))
        context: dict[str, Any] = {"permission_groups": _allowed(Role(user.role))}
        if user.has_perm("accounts.can_manage_settings"):
            context |= _administration()
        return render(request, "patchmon/home.html", context)


def _allowed(role: Role) -> list[tuple[str, list[str]]]:
    held = permissions_of(role)
    groups = (
        (label, [_words(name) for name in names if name in held])
        for label, names in PERMISSION_GROUPS.items()
    )
    return [(label, names) for label, names in groups if names]


def _words(codename: str) -> str:
    return codename.removeprefix("can_").replace("_", " ").capitalize()


def _administration() -> dict[str, Any]:
    config = conf.current()
    state = readiness(config)
    kind, label = PILLS.get(state.cause, ("red", "Not ready"))
    activity = recent_activity(timezone.now())
    return {
        "activity": activity,
        "chart": bar_chart(activity.days),
        "reasons": [(_reason_text(reason), number) for reason, number in activity.reasons],
        "sso_state": {"kind": kind, "label": label} | _sso_state(config, state),
        "attention": _attention(config, state),
        "recent_attempts": newest_sign_ins(RECENT),
    }


def _sso_state(config: Config, state: Readiness) -> dict[str, Any]:
    """Say how single sign-on is, or where a new installation begins."""
    page = reverse("sso:settings")
    if config.is_untouched:
        return {
            "text": "PatchMon is not connected to a provider yet. The setup guide leads from here "
            "to the first sign-in with Microsoft in about twenty minutes.",
            "begin_url": f"{page}#guide",
        }
    return {"text": state.explanation}


def _reason_text(reason: str) -> str:
    return explain_reason(Reason(reason)).happened if reason in list(Reason) else reason


def _attention(config: Config, state: Readiness) -> list[dict[str, str]]:
    """List what an administrator should look at, the worst first."""
    page = reverse("sso:settings")
    items = []
    if not is_reachable():
        items.append(
            {
                "kind": "amber",
                "heading": "The shared cache cannot be reached",
                "text": "PatchMon goes on without it. Until it is back, each process counts wrong "
                "passwords by itself, and Test sign-in and metrics wait. Ask whoever runs "
                "PatchMon to bring back the server that CACHE_URL names.",
            }
        )
    if state.cause not in {Cause.READY, Cause.OFF}:
        items.append(
            {
                "kind": "red",
                "heading": "Single sign-on is not ready",
                "text": state.explanation,
                "action_url": page,
                "action_label": "Open OIDC / SSO",
            }
        )
    items += _troubles(config)
    if config.from_environment:
        items.append(
            {
                "kind": "amber",
                "heading": "OIDC is configured via .env",
                "text": "Load the values into the database to manage them in the settings page.",
                "action_url": page,
                "action_label": "Open OIDC / SSO",
            }
        )
    if config.enabled and config.sync_roles and not config.mapping.fills(Role.SUPERADMIN):
        items.append(
            {
                "kind": "amber",
                "heading": "The superadmin row is empty",
                "text": "Nobody is promoted to Super Admin through SSO, and those who are keep it.",
                "action_url": f"{page}#mapping",
                "action_label": "Open Role Mapping",
            }
        )
    return items


def _troubles(config: Config) -> list[dict[str, str]]:
    """Say what is about to go wrong or lately has, and what was opened because of it."""
    page = reverse("sso:settings")
    items = []
    expiry = reminder(config)
    if expiry is not None:
        items.append(
            {
                "kind": expiry.kind,
                "heading": expiry.heading,
                "text": expiry.text,
                "action_url": f"{page}#id_client_secret",
                "action_label": "Open Client Secret",
            }
        )
    if config.disable_local_auth and local_sign_in_forced(config):
        items.append(
            {
                "kind": "amber",
                "heading": "Local sign-in is forced open",
                "text": f"The command allow-local-login holds it open until "
                f"{config.local_sign_in_until:%Y-%m-%d %H:%M} UTC, although Disable local auth "
                "is on.",
                "action_url": page,
                "action_label": "Open OIDC / SSO",
            }
        )
    check = last_check(config)
    if check is not None and check.outcome is Outcome.FAILED:
        items.append(
            {
                "kind": "red" if config.enabled else "amber",
                "heading": "The last check of the configuration failed",
                "text": check.sentence,
                "action_url": f"{page}#check-configuration",
                "action_label": "Check configuration",
            }
        )
    kept = kept_superadmin()
    if kept is not None:
        items.append(
            {
                "kind": "amber",
                "heading": f"{kept.username} is Super Admin against their groups",
                "text": "Their groups give another role, but PatchMon never demotes the last "
                "active Super Admin. Make somebody else Super Admin, or put one of their groups "
                "into the superadmin row.",
                "action_url": reverse("sso:sign-in", args=[kept.reference]),
                "action_label": "See the sign-in",
            }
        )
    since = timezone.now() - timedelta(days=1)
    number = refused_since(since)
    if number:
        shown = f"{MOST_REFUSALS} or more" if number == MOST_REFUSALS else str(number)
        query = urlencode({"outcome": SignInAttempt.Outcome.REFUSED, "since": since.date()})
        items.append(
            {
                "kind": "amber",
                "heading": "A sign-in was refused in the last day"
                if number == 1
                else f"{shown} sign-ins were refused in the last day",
                "text": "Each says why, and what mends it.",
                "action_url": f"{reverse('sso:sign-ins')}?{query}",
                "action_label": "See the refused sign-ins",
            }
        )
    return items


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask by the old name, as they do for the admin's pages."""
    return redirect(static("patchmon/img/favicon.svg"))
