"""`manage.py sso` (product.md, Command line)."""

from __future__ import annotations

import io
import json
import logging

import pytest
from auditlog.models import LogEntry
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import OperationalError

from accounts.models import Session, User
from accounts.roles import Role
from entra_sim import defaults
from sso import conf
from sso.environment import read_environment
from sso.models import OIDCSettings, SignInAttempt
from sso.services.settings import save_settings
from sso.services.undo import last_change
from tests.people import PASSWORD
from tests.sso.conftest import connect
from tests.sso.test_recording import failing

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "a quite different secret"


class Piped(io.StringIO):
    """Standard input that is no terminal."""


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("sso", *words, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*words)
    text = str(caught.value)
    assert "\n" not in text
    assert defaults.SECRET_VALUE not in text
    return text


# status, enable, disable


def test_status_of_a_fresh_installation(db):
    told = run("status")

    assert "switched off" in told
    assert "configured by: database" in told
    assert "passwords accepted: yes" in told


def test_status_says_ready_or_why_not(connected):
    assert run("status").startswith("ready:")

    OIDCSettings.objects.update(client_secret_encrypted="gAAAA-not-ours")
    told = run("status")
    assert "cannot be decrypted" in told
    assert defaults.SECRET_VALUE not in told


def test_status_names_the_environment(administrator, sim, settings):
    settings.SSO_ENVIRONMENT = read_environment({"OIDC_BUTTON_TEXT": "x"}.get)

    assert "configured by: environment" in run("status")


def test_enable_is_refused_naming_what_is_missing(db):
    text = refused("enable")

    for label in ("Issuer URL", "Client ID", "Client Secret"):
        assert label in text
    assert conf.current().enabled is False


def test_enable_and_disable(sim, administrator):
    connect(sim, enabled=False)

    run("enable")
    assert conf.current().enabled is True

    run("disable")
    assert conf.current().enabled is False
    assert LogEntry.objects.first().changes == {"enabled": ["on", "off"]}
    assert LogEntry.objects.first().actor is None


# export, import


def test_what_is_exported_is_everything_but_the_secret_and_imports_again(connected, tmp_path):
    file = tmp_path / "sso.json"
    run("export", str(file))
    text = file.read_text()
    assert defaults.SECRET_VALUE not in text
    assert OIDCSettings.load().client_secret_encrypted not in text
    document = json.loads(text)
    assert "oidc_client_secret" not in document
    assert "version" not in document
    assert document["oidc_issuer_url"] == connected.issuer
    assert document["oidc_superadmin_group"] == defaults.ROLE_GROUPS["superadmin"]
    before = conf.current()
    save_settings({"enabled": False}, actor=None)
    save_settings(
        {"issuer": "", "client_id": "", "button_text": "Other", "superadmin_group": ""}, actor=None
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THE_SECRET", defaults.SECRET_VALUE)
        run("import", str(file), "--secret-from", "THE_SECRET")

    after = conf.current()
    assert (after.issuer, after.client_id, after.enabled) == (
        before.issuer,
        before.client_id,
        True,
    )
    assert after.client_secret == defaults.SECRET_VALUE
    assert after.mapping == before.mapping
    assert after.button_text == "Sign in with Microsoft"


def test_export_without_a_file_writes_to_standard_output(connected):
    assert json.loads(run("export"))["oidc_enabled"] is True


def test_import_takes_the_secret_from_standard_input(db, tmp_path, monkeypatch):
    file = tmp_path / "sso.json"
    file.write_text('{"oidc_button_text": "From a file"}')
    monkeypatch.setattr("sys.stdin", Piped(f"{defaults.SECRET_VALUE}\n"))

    told = run("import", str(file), "--secret-stdin")

    assert defaults.SECRET_VALUE not in told
    assert conf.current().client_secret == defaults.SECRET_VALUE
    assert conf.current().button_text == "From a file"


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"oidc_redirect_uri": "https://x.example/"}, "oidc_redirect_uri"),
        ({"oidc_nonsense": 1}, "oidc_nonsense"),
        ({"oidc_sync_roles": "yes"}, "oidc_sync_roles"),
        ({"oidc_enabled": True}, "oidc_enabled"),
        ({"oidc_admin_group": "Staff", "oidc_user_group": "staff"}, "oidc_admin_group"),
        ({"oidc_disable_local_auth": True}, "oidc_disable_local_auth"),
        ([], "JSON object"),
    ],
)
def test_import_changes_all_or_nothing(db, tmp_path, document, names):
    file = tmp_path / "sso.json"
    if isinstance(document, dict):
        document = {"oidc_button_text": "Never", **document}
    file.write_text(json.dumps(document))

    assert names in refused("import", str(file))

    assert conf.current().button_text == "Login with SSO"
    assert conf.current().version == 1


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "\x00"])
def test_import_of_what_is_no_json_is_one_line(db, tmp_path, text):
    file = tmp_path / "sso.json"
    file.write_text(text)

    assert "no JSON document" in refused("import", str(file))


def test_import_of_a_missing_file_or_variable_is_one_line(db, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    assert "sso.json" in refused("import", str(tmp_path / "sso.json"))
    file = tmp_path / "there.json"
    file.write_text("{}")
    assert "NO_SUCH_VARIABLE is not set" in refused(
        "import", str(file), "--secret-from", "NO_SUCH_VARIABLE"
    )


# import-env


def test_import_env_copies_the_variables(administrator, sim, settings):
    variables = {
        "OIDC_ISSUER_URL": sim.issuer,
        "OIDC_CLIENT_ID": defaults.CLIENT_ID,
        "OIDC_CLIENT_SECRET": defaults.SECRET_VALUE,
    }
    settings.SSO_ENVIRONMENT = read_environment(variables.get)

    told = run("import-env")

    assert "Remove the OIDC_* lines and restart" in told
    settings.SSO_ENVIRONMENT = None
    assert conf.current().client_secret == defaults.SECRET_VALUE
    assert conf.current().enabled is True


def test_import_env_with_nothing_set_is_refused(db):
    assert "No OIDC_* variable" in refused("import-env")


# rotate-keys


def test_rotated_keys_open_the_secret_with_the_first_alone(connected, settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    save_settings({"client_secret": defaults.SECRET_VALUE}, actor=None)
    settings.ENCRYPTION_KEYS = [new, old]

    told = run("rotate-keys")

    assert defaults.SECRET_VALUE not in told
    settings.ENCRYPTION_KEYS = [new]
    assert conf.current().client_secret == defaults.SECRET_VALUE
    settings.ENCRYPTION_KEYS = [old]
    assert conf.current().secret_readable is False
    changed = LogEntry.objects.first()
    assert changed.changes == {"client_secret": ["set", "encrypted with the first key"]}
    assert defaults.SECRET_VALUE not in str(vars(changed))


def test_a_secret_that_is_saved_while_keys_are_rotated_is_not_lost(connected, monkeypatch):
    """The secret is read under the lock, not before."""
    read: list[OIDCSettings] = []
    load = OIDCSettings.load

    def load_and_let_somebody_save() -> OIDCSettings:
        row = load()
        if not read:
            read.append(row)
            save_settings({"client_secret": "another~secret.Value-12345"}, actor=None)
        return row

    monkeypatch.setattr(OIDCSettings, "load", load_and_let_somebody_save)
    run("rotate-keys")
    monkeypatch.undo()

    assert read
    assert conf.current().client_secret == "another~secret.Value-12345"


def test_rotating_where_no_secret_is_stored_says_so(db):
    assert "No client secret is stored" in run("rotate-keys")

    assert not LogEntry.objects.exists()


def test_rotated_keys_are_no_change_that_could_be_undone(connected):
    save_settings({"button_text": "Enter"}, actor=None)
    run("rotate-keys")

    undone = last_change()
    assert undone is not None
    assert undone.labels == ("Button Text",)
    assert undone.secret is False


def test_rotating_without_the_earlier_key_is_refused_and_loses_nothing(connected, settings):
    stored = OIDCSettings.load().client_secret_encrypted
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert "put the earlier key back" in refused("rotate-keys")

    assert OIDCSettings.load().client_secret_encrypted == stored


# set-password, allow-local-login


def test_set_password_gives_an_account_a_password_and_ends_its_sessions(
    connected, sign_in, monkeypatch
):
    browser = sign_in("alice")
    monkeypatch.setattr("sys.stdin", Piped(f"{NEW_PASSWORD}\n"))

    told = run("set-password", "ALICE")

    assert NEW_PASSWORD not in told
    assert User.objects.get(username="alice").check_password(NEW_PASSWORD)
    assert browser.get("/api/v1/auth/profile").status_code == 401
    assert LogEntry.objects.first().changes == {"password": ["", "changed"]}


def test_set_password_works_while_local_sign_in_is_off(connected, sign_in, monkeypatch):
    sign_in("sofia")
    save_settings({"disable_local_auth": True}, actor=None)
    monkeypatch.setattr("sys.stdin", Piped(NEW_PASSWORD))

    run("set-password", "sofia")

    assert User.objects.get(username="sofia").check_password(NEW_PASSWORD)


@pytest.mark.parametrize("typed", ["short", "password", "123456789012345", ""])
def test_set_password_holds_djangos_validators(administrator, monkeypatch, typed):
    monkeypatch.setattr("sys.stdin", Piped(f"{typed}\n"))

    assert refused("set-password", "boss")

    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)


def test_set_password_of_nobody_is_one_line(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", Piped(NEW_PASSWORD))

    assert "no account named nobody" in refused("set-password", "nobody")


def test_allow_local_login_opens_the_way_back_and_is_recorded(connected, sign_in, client, caplog):
    sign_in("sofia")
    save_settings({"disable_local_auth": True}, actor=None)
    credentials = {"username": "boss", "password": PASSWORD}
    assert client.post("/login", credentials).status_code == 403

    with caplog.at_level(logging.WARNING):
        told = run("allow-local-login", "--minutes", "5")

    assert "5 minutes" in told
    assert "oidc local sign-in allowed" in caplog.text
    assert client.post("/login", credentials).status_code == 303
    assert LogEntry.objects.first().changes == {"local sign-in": ["", "allowed for 5 minutes"]}

    opened = SignInAttempt.objects.get(outcome="local_opened")
    until = OIDCSettings.load().local_sign_in_until
    assert until is not None
    assert (
        opened.detail == f"Until {until:%Y-%m-%d %H:%M} UTC, by the command sso allow-local-login."
    )
    assert (opened.user_id, opened.username, opened.reason, opened.groups) == (None, "", "", [])

    run("allow-local-login", "--minutes", "0")
    # That it was ended is no opening.
    assert SignInAttempt.objects.filter(outcome="local_opened").count() == 1
    client.logout()
    assert client.post("/login", credentials).status_code == 403


@pytest.mark.parametrize("minutes", ["-1", "1441", "99999999999"])
def test_allow_local_login_has_bounds(db, minutes):
    refused("allow-local-login", f"--minutes={minutes}")

    assert OIDCSettings.load().local_sign_in_until is None
    assert not SignInAttempt.objects.exists()


def test_the_way_back_opens_although_it_cannot_be_recorded(connected, sign_in, client):
    sign_in("sofia")
    save_settings({"disable_local_auth": True}, actor=None)

    with failing("INSERT sso_signinattempt"):
        run("allow-local-login", "--minutes", "5")

    assert client.post("/login", {"username": "boss", "password": PASSWORD}).status_code == 303


def test_without_its_change_record_the_way_back_stays_shut(connected):
    with failing("INSERT auditlog_logentry"), pytest.raises(OperationalError):
        run("allow-local-login", "--minutes", "5")

    assert OIDCSettings.load().local_sign_in_until is None
    assert not SignInAttempt.objects.exists()


def test_a_wrong_word_is_a_line_and_not_a_traceback(db):
    with pytest.raises(CommandError):
        run("nonsense")
    with pytest.raises(CommandError):
        run("allow-local-login", "--minutes", "soon")


def test_the_file_has_every_setting(db):
    document = json.loads(run("export"))

    assert len(document) == 17
    assert all(key.startswith("oidc_") for key in document)
    assert document["oidc_default_role"] == Role.USER.value
    assert Session.objects.count() == 0
