"""Load from .env: the variables go through the same form and service as the page."""

from __future__ import annotations

from accounts.models import User
from sso.conf import Config
from sso.forms import OIDCSettingsForm
from sso.models import OIDCSettings
from sso.secret_forms import ClientSecretForm
from sso.services.in_force import values_in_force
from sso.services.look_up import look_up
from sso.services.settings import EXPIRES, FRESH, SECRET, SettingsRefused, save_settings


def import_environment(config: Config, *, actor: User | None) -> dict[str, list[str]]:
    """Load the variables through the form and the service; return refusals by field."""
    discovered = look_up(config.issuer, known="", enforce_https=config.enforce_https)
    values = values_in_force(config)
    data = {name: value for name, value in values.items() if value is not False}
    # No variable names the day on which the secret expires: it stays while the secret does.
    form = OIDCSettingsForm(data, discovered=discovered, locked=(EXPIRES,))
    secret_form = ClientSecretForm({SECRET: config.client_secret})
    if not (form.is_valid() and secret_form.is_valid()):
        errors = {**form.errors, **secret_form.errors}
        return {name: [str(text) for text in texts] for name, texts in errors.items()}
    wanted = {**form.values(), "enabled": values["enabled"]}
    secret = secret_form.cleaned_data[SECRET]
    if secret or OIDCSettings.load().client_secret_encrypted:
        # One that the environment leaves out goes too: kept, it would join a client it is not of.
        wanted[SECRET] = secret
    try:
        save_settings(
            wanted,
            actor=actor,
            # They are in force already: what holds the way in shut must not depend on a box.
            confirmed=frozenset({"disable_local_auth"}),
            # Nor on a fresh sign-in: nobody chooses these values here, the operator has.
            assurance=FRESH,
        )
    except SettingsRefused as refused:
        return refused.errors
    return {}
