"""Settings → OIDC / SSO: the page, and the secret's own buttons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.forms import CurrentPasswordForm
from accounts.freshness import NotConfirmed
from accounts.seen import both_values
from accounts.views.who import PostOnly, wait
from sso import conf
from sso.conf import Config
from sso.forms import SWITCHES, OIDCSettingsForm
from sso.fresh_sign_in import assurance, with_fresh_sign_in
from sso.rules.repair import NoteKind
from sso.rules.secret_expiry import EXPIRY_REMOVED
from sso.secret_forms import SECRET_AGAIN, ClientSecretForm, SecretExpiryForm
from sso.seen_values import FORM_FIELDS, open_base, seal_base
from sso.services.look_up import look_up
from sso.services.preview import PreviewRequired
from sso.services.settings import (
    EXPIRES,
    SECRET,
    SECRET_SEEN,
    Assurance,
    FreshSignInRequired,
    Saved,
    SettingsConflict,
    SettingsRefused,
    save_settings,
    shown_values,
    superadmin_has_password,
)
from sso.views.role_preview import DIGEST_FIELD, approval, card
from sso.views.settings_enable import enable
from sso.views.settings_page import SettingsPage

CLEARED: Final = "Client secret cleared"
CHANGED_AND_SAVED: Final = (
    "Somebody else changed the client secret while this page was open, so nothing was saved: "
    "paste yours once more and press {button} again to put it in the place of theirs."
)
CHANGED_AND_CLEARED: Final = (
    "Somebody else changed the client secret while this page was open, so nothing was cleared: "
    "press Clear again to remove theirs."
)
SAVED: Final = "OIDC settings saved"
PASTE_FIRST: Final = (
    "Paste the secret's Value first, then press Save. Its date alone is saved by Apply."
)


class SettingsView(SettingsPage):
    """Show the page; save panel, toggles and role mapping together, all or nothing."""

    preview: dict[str, Any] | None = None

    def get(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        return self.page(request, config, self.form(config))

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        if config.from_environment:
            messages.error(request, "The values come from the environment and are read-only here.")
            return redirect("sso:settings")
        data = request.POST.copy()
        if "use_scopes" in data:
            # The scopes that a refusal suggested, by a button of the page.
            data["scopes"] = request.POST.get("use_scopes", "")
        discovered = look_up(
            request.POST.get("issuer", config.issuer),
            known=config.issuer,
            enforce_https="enforce_https" in request.POST,
        )
        form = self.form(
            config,
            data,
            discovered=discovered,
            ask_confirmation="disable_local_auth" in request.POST and not superadmin_has_password(),
        )
        secret_form = ClientSecretForm(request.POST)
        password_form = CurrentPasswordForm(request.POST)
        saved: Saved | None = None
        retry_after = 0
        if form.is_valid() and secret_form.is_valid() and password_form.is_valid():
            try:
                saved = with_fresh_sign_in(request, partial(self._save, form, secret_form))
            except NotConfirmed as refused:
                retry_after = refused.retry_after
                password_form.refuse(refused.sentence)
        if saved is not None:
            messages.success(request, SAVED)
            if saved.expiry_removed:
                messages.warning(request, EXPIRY_REMOVED)
            for note in form.notes:
                add = messages.warning if note.kind is NoteKind.AMBER else messages.info
                add(request, note.text)
            if self._then_enable:
                enable(assurance(request), request=request, actor=self.actor, enabled=True)
            return redirect("sso:settings")
        if self.preview is None:
            _ask_again(secret_form)
        page = self.page(request, config, form, secret_form, password_form, preview=self.preview)
        return wait(page, retry_after)

    @property
    def _then_enable(self) -> bool:
        """Say whether Apply and enable was pressed, the preview in between or not."""
        told = self.request.GET if DIGEST_FIELD in self.request.POST else self.request.POST
        return told.get("then") == "enable"

    def _save(
        self, form: OIDCSettingsForm, secret_form: ClientSecretForm, covered: Assurance
    ) -> Saved | None:
        """Save what was typed; None where the form, or the preview, says why not."""
        if self._then_enable and "enabled" not in covered.fields:
            # Asked for now, or the panel would be saved and Enable refused afterwards.
            raise FreshSignInRequired(frozenset({"enabled"}))
        values = form.values()
        if secret_form.cleaned_data[SECRET]:
            # Typed and not saved by its own button: it belongs to what is applied.
            values[SECRET] = secret_form.cleaned_data[SECRET]
        try:
            return save_settings(
                values,
                actor=self.actor,
                base=form.seen(),
                confirmed=form.confirmed(),
                assurance=covered,
                approve=approval(self.request, self.actor),
            )
        except PreviewRequired as required:
            self.preview = card(required, self.actor) | {
                "secret_typed": SECRET in values,
                "action": "?then=enable" if self._then_enable else "",
            }
        except SettingsConflict as conflict:
            _refuse_changed(conflict, form, secret_form, button="Apply")
            form.data = {
                **{name: form.data[name] for name in form.data},
                "base": seal_base({**(form.seen() or shown_values()), **_theirs(conflict)}),
            }
        except SettingsRefused as refused:
            errors = dict(refused.errors)
            secret_errors = errors.pop(SECRET, [])
            form.refuse(errors)
            for text in secret_errors:
                secret_form.add_error(SECRET, text)
        return None


def _refuse_changed(
    conflict: SettingsConflict,
    form: OIDCSettingsForm | SecretExpiryForm,
    secret_form: ClientSecretForm,
    *,
    button: str,
    words: str = CHANGED_AND_SAVED,
) -> None:
    """Name both values at each field that somebody else changed meanwhile."""
    for name, (mine, theirs) in conflict.conflicts.items():
        if name == SECRET:
            secret_form.add_error(SECRET, words.format(button=button))
        else:
            form.add_error(name, both_values(mine, theirs, button=button))


def _theirs(conflict: SettingsConflict) -> dict[str, Any]:
    """Return what the editor has seen from here on: the other's value of these, of no others."""
    return {
        SECRET_SEEN if name == SECRET else name: theirs
        for name, (_mine, theirs) in conflict.conflicts.items()
    }


def _ask_again(secret_form: ClientSecretForm) -> None:
    """Say at the field that a secret which was not saved has to be pasted once more."""
    if secret_form.data.get(SECRET) and not secret_form.errors:
        secret_form.add_error(SECRET, SECRET_AGAIN)


class SecretView(SettingsPage, PostOnly):
    """Save or clear the secret with its date, and keep what else was typed and not applied."""

    leads_to = "sso:settings"
    # What this answer tells of what others saved: they have seen it from here on.
    _told: Mapping[str, Any] = MappingProxyType({})

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        if config.from_environment:
            messages.error(request, "The secret comes from the environment and is read-only here.")
            return redirect("sso:settings")
        secret_form = ClientSecretForm(request.POST)
        expiry_form = SecretExpiryForm(request.POST, initial=self.initial(config))
        password_form = CurrentPasswordForm(request.POST)
        saved, retry_after = False, 0
        if password_form.is_valid():
            try:
                saved = self._act(request, secret_form, expiry_form)
            except NotConfirmed as refused:
                retry_after = refused.retry_after
                password_form.refuse(refused.sentence)
        # The page as it was typed, with the badge as it is now.
        config = conf.current()
        form = self.form(config, initial=self._typed(request, config, saved=saved))
        if not saved:
            _ask_again(secret_form)
            form.refuse({EXPIRES: [str(text) for text in expiry_form.errors.get(EXPIRES, ())]})
        page = self.page(
            request,
            config,
            form,
            secret_form if secret_form.errors else None,
            password_form if password_form.errors else None,
        )
        return wait(page, retry_after)

    def _act(
        self,
        request: HttpRequest,
        secret_form: ClientSecretForm,
        expiry_form: SecretExpiryForm,
    ) -> bool:
        """Do what was pressed; False where the forms say why not."""
        if request.POST.get("secret_action") == "clear":
            return self._store({SECRET: ""}, secret_form, expiry_form, done=CLEARED)
        if not (secret_form.is_valid() and expiry_form.is_valid()):
            return False
        secret = secret_form.cleaned_data[SECRET]
        if not secret:
            secret_form.add_error(SECRET, PASTE_FIRST)
            return False
        values: dict[str, Any] = {SECRET: secret}
        expires, seen = expiry_form.cleaned_data[EXPIRES], expiry_form.seen()
        if EXPIRES in request.POST and (seen is None or expires != seen[EXPIRES]):
            values[EXPIRES] = expires
        return self._store(values, secret_form, expiry_form, done="Client secret saved")

    def _store(
        self,
        values: Mapping[str, Any],
        secret_form: ClientSecretForm,
        expiry_form: SecretExpiryForm,
        *,
        done: str,
    ) -> bool:
        save = partial(save_settings, values, actor=self.actor, base=expiry_form.seen())
        try:
            saved = with_fresh_sign_in(self.request, lambda covered: save(assurance=covered))
        except SettingsConflict as conflict:
            words = CHANGED_AND_CLEARED if done == CLEARED else CHANGED_AND_SAVED
            _refuse_changed(conflict, expiry_form, secret_form, button="Save", words=words)
            self._told = _theirs(conflict)
            return False
        except SettingsRefused as refused:
            for texts in refused.errors.values():
                for text in texts:
                    secret_form.add_error(SECRET, text)
            return False
        messages.success(self.request, done)
        if saved.expiry_removed:
            messages.warning(self.request, EXPIRY_REMOVED)
        return True

    def _typed(self, request: HttpRequest, config: Config, *, saved: bool) -> dict[str, Any]:
        stored = self.initial(config)
        values = dict(stored)
        for name in FORM_FIELDS:
            if name in SWITCHES:
                # An unticked box is not sent; a locked one is not either, but keeps its value.
                values[name] = name in request.POST
            elif name in request.POST:
                values[name] = request.POST[name]
        sealed = request.POST.get("base", "")
        seen = open_base(sealed)
        if saved:
            # The date was saved too, or removed: they see it as it is from here on.
            values[EXPIRES] = stored[EXPIRES]
            self._told = {EXPIRES: stored[EXPIRES], SECRET_SEEN: stored[SECRET_SEEN]}
        if seen is not None:
            sealed = seal_base({**seen, **self._told})
        values["base"] = sealed if seen is not None else seal_base(stored)
        return values
