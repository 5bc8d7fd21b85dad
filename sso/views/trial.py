"""Test sign-in, on Settings → OIDC / SSO: begin it, read its report, act on a group in it."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.forms import CurrentPasswordForm
from accounts.freshness import PASSWORD_FIELD, NotConfirmed, confirm
from accounts.roles import Role
from accounts.views.who import see_other, wait
from sso import conf, round_trip
from sso.conf import Config
from sso.fresh_sign_in import with_fresh_sign_in
from sso.round_trip import Purpose
from sso.rules.permissions import locked_fields
from sso.rules.reasons import SignInRefused
from sso.rules.repair import NotAcceptable, NoteKind
from sso.seen_values import open_base
from sso.services.attempts import Attempt
from sso.services.journey import begin
from sso.services.mapping_rows import Addition, add_to_row, save_addition
from sso.services.preview import PreviewRequired
from sso.services.settings import Assurance, SettingsConflict, SettingsRefused, current_values
from sso.services.trial import unstarted
from sso.services.trial_reports import can_be_kept, is_lost, keep, kept
from sso.views.browser_key import browser_cookie_name, remember_browser
from sso.views.settings_page import SettingsPage
from sso.views.trial_page import report_context, row_name

REPORT: Final = "sso:test-sign-in-report"
CHANGES_SHOWN: Final = 50
GONE: Final = "This report is not kept any more, so nothing was changed. Run the test again."
READ_ONLY: Final = "The role mapping comes from the environment and is read-only here."
CHANGED_MEANWHILE: Final = (
    "Somebody else changed the {} row to “{}” meanwhile. Nothing was saved: look at it and press "
    "the button again."
)
OWN_DEMOTION: Final = (
    "Your own role would become lower. Tick the box to go on all the same, or cancel."
)


class StartView(SettingsPage):
    """Send an administrator to the provider, in the tab that this opens in.

    The answer is a page that goes on by itself: browsers hold ``form-action`` against every
    redirect behind a form.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("sso:settings")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not can_be_kept():
            # Nobody is sent away for a report that would be lost; the page says what mends it.
            return see_other(REPORT)
        config = conf.current()
        try:
            url, trip = begin(
                purpose=Purpose.TEST,
                target=reverse(REPORT),
                config=config,
                browser_key=round_trip.new_browser_key(
                    request.COOKIES.get(browser_cookie_name(), "")
                ),
                user_id=self.actor.pk,
                prompt="select_account",
            )
        except SignInRefused as refused:
            attempt = Attempt(issuer=config.issuer, address=request.META.get("REMOTE_ADDR", ""))
            trial = unstarted(refused, config=config, attempt=attempt)
            keep(request.session, self.actor.pk, trial)
            return see_other(REPORT)
        context = {
            "url": url,
            "heading": "Test sign-in",
            "text": "You are taken to your identity provider. Nobody is signed in to PatchMon.",
        }
        response: HttpResponse = render(request, "sso/post_redirect.html", context)
        remember_browser(response, trip)
        return response


class ReportView(SettingsPage):
    """Show the report to the person who ran the test, in the session that ran it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        trial = kept(request.session, self.actor.pk)
        context = (
            {"lost": is_lost(request.session)}
            if trial is None
            else report_context(request, trial, conf.current())
        )
        return render(request, "sso/trial.html", context)


class RowView(SettingsPage):
    """Put an unmatched group of the report into a row of the mapping."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(REPORT)

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        addition = self._addition(request, config)
        if addition is None:
            return see_other(REPORT)
        password_form = CurrentPasswordForm(
            request.POST if PASSWORD_FIELD in request.POST else None
        )
        retry_after = 0
        try:
            if password_form.is_bound:
                confirm(request)
            if self._is_confirmed(request, addition):
                with_fresh_sign_in(request, partial(self._save, addition))
                return see_other(REPORT)
        except NotConfirmed as refused:
            retry_after = refused.retry_after
            if password_form.is_bound:
                password_form.refuse(refused.sentence)
        except PreviewRequired:
            # The settings changed while this was on its way: they look at it as it is now.
            addition = self._addition(request, conf.current())
            if addition is None:
                return see_other(REPORT)
        return wait(self._ask(request, addition, password_form), retry_after)

    def _addition(self, request: HttpRequest, config: Config) -> Addition | None:
        """Read what is asked for; None where it cannot be done, and a message says why."""
        trial = kept(request.session, self.actor.pk)
        group = request.POST.get("group", "")
        named = request.POST.get("row") or request.POST.get(row_name(group), "")
        person = trial.person if trial is not None else None
        if config.from_environment:
            messages.error(request, READ_ONLY)
        elif person is None or group not in person.groups.values or named not in list(Role):
            messages.error(request, GONE)
        else:
            role = Role(named)
            seen = open_base(request.POST.get("base", "")) or current_values()
            try:
                addition = add_to_row(
                    group, role, seen=seen, config=config, is_entra=person.is_entra
                )
            except NotAcceptable as refused:
                messages.error(request, refused.message)
                return None
            locked = locked_fields(Role(self.actor.role), config.mapping)
            if addition.field not in locked:
                return addition
            messages.error(request, locked[addition.field])
        return None

    def _is_confirmed(self, request: HttpRequest, addition: Addition) -> bool:
        """Say whether they have seen what it does to people; their own demotion counts twice."""
        foreseen = addition.preview
        if foreseen.changes and request.POST.get("seen") != foreseen.digest:
            return False
        return not foreseen.demotes(self.actor) or "own_demotion" in request.POST

    def _save(self, addition: Addition, covered: Assurance) -> None:
        row = addition.role.value.replace("_", " ")
        seen = open_base(self.request.POST.get("base", "")) or current_values()
        try:
            save_addition(
                addition,
                seen=seen,
                actor=self.actor,
                own_demotion="own_demotion" in self.request.POST,
                assurance=covered,
            )
        except SettingsConflict as conflict:
            _, theirs = conflict.conflicts[addition.field]
            messages.error(self.request, CHANGED_MEANWHILE.format(row, theirs))
        except SettingsRefused as refused:
            for texts in refused.errors.values():
                messages.error(self.request, " ".join(texts))
        else:
            messages.success(self.request, f"“{addition.group}” is in the {row} row now.")
            for note in addition.notes:
                add = messages.warning if note.kind is NoteKind.AMBER else messages.info
                add(self.request, note.text)

    def _ask(
        self, request: HttpRequest, addition: Addition, password_form: CurrentPasswordForm
    ) -> HttpResponse:
        foreseen = addition.preview
        demotes = foreseen.demotes(self.actor)
        context = {
            "addition": addition,
            "row": addition.role.value.replace("_", " "),
            "base": request.POST.get("base", ""),
            "changes": foreseen.changes[:CHANGES_SHOWN],
            "more": max(0, len(foreseen.changes) - CHANGES_SHOWN),
            "preview": foreseen,
            "demotes": demotes,
            "demotion_refused": OWN_DEMOTION
            if demotes and "seen" in request.POST and "own_demotion" not in request.POST
            else "",
            "fresh": self.fresh(request),
            "password_form": password_form,
        }
        return render(request, "sso/trial_row.html", context)
