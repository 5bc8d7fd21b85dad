"""Settings → Changes: take the last change of the settings back."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.forms import CurrentPasswordForm
from accounts.freshness import PASSWORD_FIELD, NotConfirmed
from accounts.views.who import see_other, wait
from sso import conf
from sso.fresh_sign_in import with_fresh_sign_in
from sso.services.preview import PreviewRequired
from sso.services.settings import Assurance, SettingsConflict, SettingsRefused
from sso.services.undo import LastChange, last_change, undo
from sso.views.role_preview import approval, card
from sso.views.settings_page import SettingsPage

CHANGES: Final = "accounts:changes"
READ_ONLY: Final = "OIDC is configured via .env: what is saved here is not in force."
OVERTAKEN: Final = "Somebody changed the settings again meanwhile. Nothing was undone."
NOTHING_TO_RESTORE: Final = (
    "This change was of the client secret alone, which cannot be undone: PatchMon keeps no "
    "earlier one. Save the right one under Settings → OIDC / SSO."
)
CONFIRM_ELSEWHERE: Final = (
    "No active Super Admin has a password to fall back on when SSO breaks. Switch Disable local "
    "auth on under Settings → OIDC / SSO, where you can confirm that."
)


class UndoView(SettingsPage):
    """Restore what the newest change replaced; ask first only where something must be confirmed."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(CHANGES)

    def post(self, request: HttpRequest) -> HttpResponse:
        change = self._change(request)
        if change is None:
            return see_other(CHANGES)
        password_form = CurrentPasswordForm()
        retry_after = 0
        preview: dict[str, Any] | None = None
        try:
            with_fresh_sign_in(request, lambda covered: self._undo(change, covered))
        except NotConfirmed as refused:
            if PASSWORD_FIELD in request.POST:
                password_form = CurrentPasswordForm(request.POST)
                password_form.refuse(refused.sentence)
            retry_after = refused.retry_after
        except PreviewRequired as required:
            preview = card(required, self.actor)
        except SettingsConflict:
            messages.error(request, OVERTAKEN)
            return see_other(CHANGES)
        except SettingsRefused as refused:
            self._say_why(refused)
            return see_other(CHANGES)
        else:
            messages.success(request, f"Undone: {', '.join(change.labels)}.")
            if change.kept:
                messages.warning(request, change.kept)
            return see_other(CHANGES)
        context = {
            "change": change,
            "preview": preview,
            "fresh": self.fresh(request),
            "password_form": password_form,
        }
        return wait(render(request, "sso/undo.html", context), retry_after)

    def _change(self, request: HttpRequest) -> LastChange | None:
        """Return the change that the form names; None where it cannot be undone, and say why."""
        change = last_change()
        if conf.current().from_environment:
            messages.error(request, READ_ONLY)
        elif change is None or change.save_id != request.POST.get("save"):
            messages.error(request, OVERTAKEN)
        elif not change.fields:
            messages.error(request, NOTHING_TO_RESTORE)
        else:
            return change
        return None

    def _undo(self, change: LastChange, covered: Assurance) -> None:
        undo(
            change,
            actor=self.actor,
            assurance=covered,
            approve=approval(self.request, self.actor),
        )

    def _say_why(self, refused: SettingsRefused) -> None:
        for name, texts in refused.errors.items():
            sentences = [CONFIRM_ELSEWHERE] if name == "confirm_disable_local_auth" else texts
            messages.error(self.request, f"{' '.join(sentences)} Nothing was undone.")
