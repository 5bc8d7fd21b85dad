"""The settings as one JSON object: what the API and `manage.py sso export` and `import` speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.models import User
from sso import conf
from sso.conf import Config
from sso.environment import SECRET_VARIABLES, VARIABLES
from sso.forms import SWITCHES, OIDCSettingsForm
from sso.models import OIDCSettings
from sso.secret_forms import ClientSecretForm
from sso.seen_values import FORM_FIELDS
from sso.services.in_force import values_in_force
from sso.services.look_up import look_before_enabling, look_up
from sso.services.settings import (
    EXPIRES,
    NO_ASSURANCE,
    SECRET,
    Assurance,
    Saved,
    SettingsConflict,
    SettingsRefused,
    current_values,
    save_settings,
)

# JSON key → field. Keys carry oidc_, as the guide's variables do; fields do not.
KEYS: Final[Mapping[str, str]] = {
    "oidc_enabled": "enabled",
    "oidc_issuer_url": "issuer",
    **{f"oidc_{name}": name for name in FORM_FIELDS if name not in {"issuer", EXPIRES}},
}
SECRET_KEY: Final = "oidc_client_secret"  # noqa: S105 - the name of a key
SWITCH_FIELDS: Final = frozenset({*SWITCHES, "enabled"})
FIELDS: Final = {**KEYS, SECRET_KEY: SECRET, "version": "version"}
# What GET answers besides the settings: sent back unchanged, it is no mistake.
READ_ONLY: Final = frozenset(
    {"configured_via_env", "env_preview", "callback_url", "oidc_client_secret_set"}
)


class DocumentRefused(Exception):
    """Say, key by key, why nothing was saved."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(", ".join(errors))
        self.errors = {key: list(texts) for key, texts in errors.items()}


def read_document() -> dict[str, Any]:
    """Return the configuration in force by JSON key; of the secret only whether it is set."""
    config = conf.current()
    values = values_in_force(config)
    return {
        "version": config.version,
        "configured_via_env": config.from_environment,
        "env_preview": _preview(config, values),
        "callback_url": config.callback_url,
        "oidc_client_secret_set": config.secret_set,
        **{key: values[name] for key, name in KEYS.items()},
    }


def apply_document(data: Any, *, actor: User | None, assurance: Assurance = NO_ASSURANCE) -> Saved:
    """Change the settings that a document names, all or none; those it leaves out stay.

    The same validation as the page. Raises DocumentRefused, or SettingsConflict for a stale
    ``version``, or FreshSignInRequired.
    """
    given = _given(data)
    values = current_values()
    version, secret, enabled = (given.pop(name, None) for name in ("version", SECRET, "enabled"))
    secret_form = ClientSecretForm({SECRET: secret or ""})
    errors: dict[str, list[str]] = {}
    wanted: dict[str, Any] = {}
    if given:
        # What is saved already is not judged again where a document names none of it.
        form = _form(values, given)
        errors |= _texts(form)
        wanted |= {name: form.cleaned_data.get(name) for name in given}
    errors |= _texts(secret_form)
    if errors:
        raise DocumentRefused(_by_key(errors))
    if enabled is not None:
        wanted["enabled"] = enabled
    if enabled and not values["enabled"]:
        typed = values | wanted
        look_before_enabling(typed["issuer"], enforce_https=typed["enforce_https"])
    if secret is not None:
        wanted[SECRET] = secret_form.cleaned_data[SECRET]
    base = None if version is None else _seen(version, values, wanted)
    try:
        return save_settings(
            wanted,
            actor=actor,
            base=base,
            confirmed=frozenset({"disable_local_auth"}),
            assurance=assurance,
        )
    except SettingsRefused as refused:
        raise DocumentRefused(_by_key(refused.errors)) from None


def key_of(name: str) -> str:
    """Return the JSON key of a field."""
    if name == SECRET:
        return SECRET_KEY
    named = next((key for key, field in KEYS.items() if field == name), name)
    return "non_field_errors" if named == "__all__" else named


def _by_key(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {key_of(name): texts for name, texts in errors.items()}


def _form(values: Mapping[str, Any], given: Mapping[str, Any]) -> OIDCSettingsForm:
    typed = {**values, **given}
    discovered = look_up(
        str(typed["issuer"]), known=values["issuer"], enforce_https=bool(typed["enforce_https"])
    )
    # A form knows an unticked box by its absence.
    data = {name: value for name, value in typed.items() if value is not False}
    # No document names the day on which the secret expires.
    return OIDCSettingsForm(data, discovered=discovered, locked=(EXPIRES,))


def _texts(form: OIDCSettingsForm | ClientSecretForm) -> dict[str, list[str]]:
    return {name: [str(text) for text in texts] for name, texts in form.errors.items()}


def _preview(config: Config, values: Mapping[str, Any]) -> dict[str, str | bool] | None:
    """Show which variables are set; of the secret only that it is."""
    if not config.from_environment:
        return None
    return {
        name: "(set)" if name in SECRET_VARIABLES else values[VARIABLES[name]]
        for name in config.environment_variables
    }


def _given(data: Any) -> dict[str, Any]:
    """Read the body into fields; anything unknown or of a wrong type is an error at its key."""
    if not isinstance(data, dict):
        raise DocumentRefused({"detail": ["Send a JSON object."]})
    named = {key: value for key, value in data.items() if key not in READ_ONLY}
    errors = {
        _writable(key): [text] for key, value in named.items() if (text := _objection(key, value))
    }
    if errors:
        raise DocumentRefused(errors)
    return {FIELDS[key]: value for key, value in named.items()}


def _objection(key: Any, value: Any) -> str:
    """Say what is wrong with one member of the body; '' when nothing is."""
    if key not in FIELDS:
        return "There is no setting of this name."
    if key == "version":
        return "" if type(value) is int else "Send a whole number."
    if FIELDS[key] in SWITCH_FIELDS:
        return "" if isinstance(value, bool) else "Send true or false."
    if not isinstance(value, str):
        return "Send text."
    return "" if value == _writable(value) else "There is half a character in it: send whole ones."


def _writable(text: str) -> str:
    """Return the text without halves of characters, which JSON can name and nothing can write."""
    return text.encode("utf-8", "replace").decode()


def _seen(version: int, values: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the base to compare with; a stale version conflicts in every field it names."""
    if version == OIDCSettings.load().version:
        return values
    raise SettingsConflict(
        {
            name: (value, values.get(name))
            for name, value in wanted.items()
            if name != SECRET and value != values.get(name)
        }
    )
