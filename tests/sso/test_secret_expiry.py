"""The day on which the client secret expires is kept beside it, and goes with it (issue 5)."""

from __future__ import annotations

import json
import time
from datetime import date

import pytest
import time_machine
from auditlog.models import LogEntry
from django.core.management import CommandError
from django.test import Client

from accounts.roles import Role
from accounts.services import create_user
from accounts.sessions import SIGNED_IN_AT
from entra_sim import defaults
from sso import conf
from sso.environment import read_environment
from sso.models import OIDCSettings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.expiries import API, LATER, SOON, TODAY, dated, metric, move_to, run, stored
from tests.sso.pages import SETTINGS, errors_of, form_data, press, reads
from tests.sso.test_admin import SETTINGS as ADMIN
from tests.sso.test_admin import save as save_in_the_admin
from tests.sso.test_undo import CHANGES, offered, undo

pytestmark = pytest.mark.django_db

FIELD = "client_secret_expires"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"
REMOVED = "The date on which the old secret expired was removed; enter the new one."


@pytest.fixture(autouse=True)
def clock():
    """Stand still at noon on the last of November, until a test moves on."""
    with time_machine.travel(TODAY, tick=False) as traveller:
        yield traveller


def save_secret(browser, *, page=None, **values):
    return press(browser, f"{SETTINGS}/secret", page=page, secret_action="save", **values)


@pytest.fixture
def admin_of_rank_90(administrator) -> Client:
    user = create_user(
        usernames=["adele"],
        email="",
        first_name="",
        last_name="",
        role=Role.ADMIN,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


# The field


def test_the_field_is_right_under_the_secret_with_a_picker_and_its_help(admin_client):
    page = admin_client.get(SETTINGS)

    assert form_data(page.text)[FIELD] == ""
    text = reads(page)
    assert "Secret expires on (optional)" in text
    assert "Entra shows it in the column Expires" in text
    at = [page.text.index(f'id="id_{name}"') for name in ("client_secret", FIELD, "redirect_uri")]
    assert at == sorted(at)
    tag = page.text[page.text.rindex("<input", 0, at[1]) : page.text.index(">", at[1])]
    assert 'type="date"' in tag
    assert f'aria-describedby="id_{FIELD}_helptext"' in tag


def test_apply_saves_it_and_the_change_is_recorded(connected, administrator, admin_client):
    answer = press(admin_client, client_secret_expires="2026-12-12")

    assert answer.status_code == 302
    assert stored() == (defaults.SECRET_VALUE, SOON)
    assert form_data(admin_client.get(SETTINGS).text)[FIELD] == "2026-12-12"
    entry = LogEntry.objects.latest("pk")
    assert (entry.actor, entry.changes) == (administrator, {FIELD: ["", "2026-12-12"]})
    assert "Secret expires on: 2026-12-12" in reads(admin_client.get(CHANGES))

    press(admin_client, client_secret_expires="")

    assert stored() == (defaults.SECRET_VALUE, None)
    assert "2026-12-12 → empty" in reads(admin_client.get(CHANGES))


def test_apply_saves_a_secret_that_was_typed_together_with_its_date(sim, admin_client):
    dated(sim)

    answer = press(admin_client, client_secret=SECRET, client_secret_expires="2027-06-01")

    assert answer.status_code == 302
    assert stored() == (SECRET, LATER)
    assert REMOVED not in reads(admin_client.get(SETTINGS))


def test_the_secrets_own_save_keeps_both_and_nothing_else(sim, admin_client):
    dated(sim)

    answer = save_secret(
        admin_client, client_secret=SECRET, client_secret_expires="2027-06-01", button_text="Typed"
    )

    assert stored() == (SECRET, LATER)
    assert conf.current().button_text == "Sign in with Microsoft"
    typed = form_data(answer.text)
    assert (typed[FIELD], typed["button_text"]) == ("2027-06-01", "Typed")
    assert "Client secret saved" in reads(answer)
    assert REMOVED not in reads(answer)
    assert SECRET not in answer.text
    # What is on the page can be applied as it stands, and the date corrected.
    assert press(admin_client, page=answer, client_secret_expires="2027-06-02").status_code == 302
    assert stored() == (SECRET, date(2027, 6, 2))
    assert conf.current().button_text == "Typed"


def test_a_first_secret_keeps_a_date_that_was_there_before_it(sim, admin_client):
    connect(sim, enabled=False, client_secret="")
    press(admin_client, client_secret_expires="2026-12-12")

    answer = save_secret(admin_client, client_secret=SECRET)

    assert stored() == (SECRET, SOON)
    assert REMOVED not in reads(answer)


def test_clear_empties_both(sim, admin_client):
    dated(sim, enabled=False)

    answer = press(
        admin_client,
        f"{SETTINGS}/secret",
        secret_action="clear",
        client_secret_expires="2027-06-01",
        button_text="Typed",
    )

    assert conf.current().secret_set is False
    assert stored() == ("", None)
    typed = form_data(answer.text)
    assert (typed[FIELD], typed["button_text"]) == ("", "Typed")
    assert LogEntry.objects.latest("pk").changes == {
        "client_secret": ["set", "not set"],
        FIELD: ["2026-12-12", ""],
    }
    # They have seen that it is empty: a date for the next secret is no conflict.
    assert press(admin_client, page=answer, client_secret_expires="2027-06-01").status_code == 302
    assert stored() == ("", LATER)


def test_an_emptied_issuer_takes_the_secret_and_its_date_along(sim, admin_client):
    dated(sim, enabled=False)

    press(admin_client, issuer="", client_secret_expires="2027-06-01")

    assert conf.current().secret_set is False
    assert stored() == ("", None)


@pytest.mark.parametrize("button", ["apply", "save"])
def test_a_secret_replaced_with_the_old_date_left_removes_the_date_and_says_so(
    sim, admin_client, button
):
    dated(sim)

    if button == "apply":
        answer = press(admin_client, client_secret=SECRET)
        assert answer.status_code == 302
        answer = admin_client.get(SETTINGS)
    else:
        answer = save_secret(admin_client, client_secret=SECRET)

    assert stored() == (SECRET, None)
    assert REMOVED in reads(answer)
    assert form_data(answer.text)[FIELD] == ""
    assert LogEntry.objects.latest("pk").changes[FIELD] == ["2026-12-12", ""]
    # The new one can be entered at once.
    assert press(admin_client, page=answer, client_secret_expires="2027-06-01").status_code == 302
    assert stored() == (SECRET, LATER)


@pytest.mark.parametrize("button", ["apply", "save"])
def test_a_secret_replaced_with_the_field_emptied_removes_the_date_and_need_not_say_so(
    sim, admin_client, button
):
    dated(sim)

    path = SETTINGS if button == "apply" else f"{SETTINGS}/secret"
    press(admin_client, path, secret_action="save", client_secret=SECRET, client_secret_expires="")

    assert stored() == (SECRET, None)
    assert REMOVED not in reads(admin_client.get(SETTINGS))


def test_the_same_secret_pasted_again_keeps_its_date(sim, admin_client):
    dated(sim)

    answer = save_secret(admin_client, client_secret=defaults.SECRET_VALUE)

    assert stored() == (defaults.SECRET_VALUE, SOON)
    assert REMOVED not in reads(answer)


@pytest.mark.parametrize("button", ["apply", "save"])
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("2026-11-29", "This day has passed."),
        ("0001-01-01", "This day has passed."),
        ("12/12/2026", "This is no date."),
        ("2026-02-30", "This is no date."),
        ("soon\x00", "This is no date."),
    ],
)
def test_a_day_that_has_passed_or_is_none_is_refused_at_the_field(
    sim, admin_client, button, typed, says
):
    dated(sim)
    before = OIDCSettings.objects.values().get()

    path = SETTINGS if button == "apply" else f"{SETTINGS}/secret"
    answer = press(
        admin_client, path, secret_action="save", client_secret=SECRET, client_secret_expires=typed
    )

    errors = errors_of(answer)
    assert errors[FIELD][0].startswith(says)
    # What was typed is never shown again: to go on without it would give its date to the old one.
    assert errors["client_secret"] == [
        "Paste the secret's Value again: what was typed is never shown once more."
    ]
    assert f'<a href="#id_{FIELD}">' in answer.text
    assert OIDCSettings.objects.values().get() == before
    assert SECRET not in answer.text
    assert "Client secret saved" not in reads(answer)


def test_today_is_no_day_of_the_past_and_blanks_around_a_date_count_for_nothing(
    connected, admin_client
):
    assert press(admin_client, client_secret_expires=" 2026-11-30\u200b\t").status_code == 302

    assert stored() == (defaults.SECRET_VALUE, TODAY.date())


def test_a_stored_day_that_has_passed_meanwhile_is_in_nobodys_way(sim, administrator, clock):
    dated(sim)
    move_to(clock, date(2026, 12, 20))
    browser = Client(headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")

    assert press(browser, button_text="Other").status_code == 302

    assert conf.current().button_text == "Other"
    assert stored() == (defaults.SECRET_VALUE, SOON)


def test_a_date_without_a_secret_is_saved_by_apply_and_save_says_so(sim, admin_client):
    connect(sim)

    answer = save_secret(admin_client, client_secret_expires="2026-12-12")

    (error,) = errors_of(answer)["client_secret"]
    assert "Its date alone is saved by Apply." in error
    assert stored() == (defaults.SECRET_VALUE, None)
    assert form_data(answer.text)[FIELD] == "2026-12-12"


def test_another_refusal_asks_for_the_secret_again_before_its_date_goes_on_without_it(
    sim, admin_client
):
    dated(sim)

    answer = press(
        admin_client,
        client_secret=SECRET,
        client_secret_expires="2027-06-01",
        redirect_uri="https://front.example.com/elsewhere",
    )

    assert set(errors_of(answer)) == {"redirect_uri", "client_secret"}
    assert stored() == (defaults.SECRET_VALUE, SOON)


# Who may, and how fresh


def test_an_admin_without_a_fresh_sign_in_may_set_it(connected, admin_of_rank_90):
    session = admin_of_rank_90.session
    session[SIGNED_IN_AT] = int(time.time()) - 16 * 60
    session.save()

    answer = press(admin_of_rank_90, client_secret_expires="2026-12-12")

    assert answer.status_code == 302
    assert stored() == (defaults.SECRET_VALUE, SOON)


def test_a_stale_sign_in_saves_neither_secret_nor_date_and_keeps_the_date_typed(sim, admin_client):
    dated(sim)
    session = admin_client.session
    session[SIGNED_IN_AT] = int(time.time()) - 16 * 60
    session.save()

    answer = save_secret(admin_client, client_secret=SECRET, client_secret_expires="2027-06-01")

    assert stored() == (defaults.SECRET_VALUE, SOON)
    assert form_data(answer.text)[FIELD] == "2027-06-01"
    assert set(errors_of(answer)) == {"client_secret"}

    save_secret(admin_client, page=answer, client_secret=SECRET, current_password=PASSWORD)

    assert stored() == (SECRET, LATER)


@pytest.mark.parametrize("role", [Role.HOST_MANAGER, Role.READONLY])
def test_nobody_else_sets_it(connected, role):
    user = create_user(
        usernames=["someone"], email="", first_name="", last_name="", role=role, actor=None
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")

    assert browser.post(SETTINGS, {FIELD: "2026-12-12"}).status_code == 403

    assert stored() == (defaults.SECRET_VALUE, None)


# Two administrators at once


def test_two_who_change_it_see_both_values(sim, admin_client):
    dated(sim)
    first, second = admin_client.get(SETTINGS), admin_client.get(SETTINGS)
    press(admin_client, page=first, client_secret_expires="2027-06-01")

    answer = press(admin_client, page=second, client_secret_expires="")

    (error,) = errors_of(answer)[FIELD]
    assert "“2027-06-01” while you had “empty”" in error
    assert stored() == (defaults.SECRET_VALUE, LATER)

    # Having seen both, the second may insist.
    assert press(admin_client, page=answer).status_code == 302
    assert stored() == (defaults.SECRET_VALUE, None)


def test_a_date_untouched_here_does_not_undo_theirs(sim, admin_client):
    dated(sim)
    first, second = admin_client.get(SETTINGS), admin_client.get(SETTINGS)
    press(admin_client, page=first, client_secret_expires="2027-06-01")

    assert press(admin_client, page=second, button_text="Other").status_code == 302

    assert stored() == (defaults.SECRET_VALUE, LATER)


def test_a_date_of_a_secret_that_was_replaced_meanwhile_is_not_given_to_the_next(sim, admin_client):
    dated(sim)
    opened = admin_client.get(SETTINGS)
    theirs = "Their~Value.0123456789-abcdefghijklmnop"
    save_secret(admin_client, client_secret=theirs)

    told = save_secret(admin_client, page=opened, client_secret=SECRET)
    assert stored() == (theirs, None)
    answer = save_secret(admin_client, page=told, client_secret=SECRET)

    assert stored() == (SECRET, None)
    assert form_data(answer.text)[FIELD] == ""


# The other doors


@pytest.mark.parametrize("method", ["put", "patch"])
def test_the_api_has_no_key_for_it_and_a_new_secret_removes_it(sim, admin_client, method):
    dated(sim)
    told = admin_client.get(API)
    assert not any("expires" in key for key in told.json())
    assert "2026-12-12" not in told.text
    ask = getattr(admin_client, method)

    refused = ask(
        API, {f"oidc_{FIELD}": "2027-06-01", "oidc_client_secret": SECRET}, "application/json"
    )
    assert refused.status_code == 400
    assert stored() == (defaults.SECRET_VALUE, SOON)

    same = {"oidc_client_secret": defaults.SECRET_VALUE, "oidc_button_text": "Other"}
    assert ask(API, same, "application/json").status_code == 200
    assert stored() == (defaults.SECRET_VALUE, SOON)

    assert ask(API, {"oidc_client_secret": SECRET}, "application/json").status_code == 200
    assert stored() == (SECRET, None)


def test_a_stored_day_that_has_passed_is_in_no_programs_way(sim, admin_client):
    connect(sim)
    OIDCSettings.objects.update(client_secret_expires=date(2026, 11, 1))

    answer = admin_client.patch(API, {"oidc_button_text": "Other"}, "application/json")

    assert answer.status_code == 200
    assert conf.current().button_text == "Other"
    assert stored() == (defaults.SECRET_VALUE, date(2026, 11, 1))


def test_export_leaves_it_out_and_import_with_a_new_secret_removes_it(sim, monkeypatch, tmp_path):
    dated(sim)
    file = tmp_path / "sso.json"
    run("export", str(file))
    assert not any("expires" in key for key in json.loads(file.read_text()))

    told = run("import", str(file))
    assert REMOVED not in told
    assert stored() == (defaults.SECRET_VALUE, SOON)

    monkeypatch.setenv("NEW_SECRET", SECRET)
    told = run("import", str(file), "--secret-from", "NEW_SECRET")
    assert REMOVED in told
    assert stored() == (SECRET, None)

    file.write_text(json.dumps({f"oidc_{FIELD}": "2027-06-01"}))
    with pytest.raises(CommandError, match="no setting of this name"):
        run("import", str(file))


@pytest.mark.parametrize(("secret", "kept"), [(SECRET, None), (defaults.SECRET_VALUE, SOON)])
def test_load_from_env_removes_it_where_it_replaces_the_secret(
    sim, administrator, settings, secret, kept
):
    dated(sim)
    variables = {
        "OIDC_ISSUER_URL": sim.issuer,
        "OIDC_CLIENT_ID": defaults.CLIENT_ID,
        "OIDC_CLIENT_SECRET": secret,
        "OIDC_ENABLED": "true",
    }
    settings.SSO_ENVIRONMENT = read_environment(variables.get)

    run("import-env")

    settings.SSO_ENVIRONMENT = None
    assert stored() == (secret, kept)


def test_load_from_env_of_an_enabled_environment_without_a_secret_changes_nothing(
    sim, administrator, settings
):
    dated(sim)
    variables = {
        "OIDC_ISSUER_URL": sim.issuer,
        "OIDC_CLIENT_ID": defaults.CLIENT_ID,
        "OIDC_ENABLED": "true",
    }
    settings.SSO_ENVIRONMENT = read_environment(variables.get)

    with pytest.raises(CommandError, match="Client Secret is empty"):
        run("import-env")

    settings.SSO_ENVIRONMENT = None
    assert stored() == (defaults.SECRET_VALUE, SOON)


def test_while_the_environment_configures_no_date_is_known(sim, admin_client, settings):
    dated(sim)
    settings.METRICS_TOKEN = "the-right-one"
    settings.SSO_ENVIRONMENT = read_environment({"OIDC_BUTTON_TEXT": "x"}.get)

    page = admin_client.get(SETTINGS)

    assert conf.current().client_secret_expires is None
    assert f'id="id_{FIELD}"' not in page.text
    assert "12 Dec 2026" not in page.text
    assert "The client secret expires" not in reads(admin_client.get("/"))
    assert "2026" not in run("status")
    assert metric(admin_client) == []
    press(admin_client, client_secret_expires="2027-06-01")
    assert OIDCSettings.load().client_secret_expires == SOON


def test_the_admin_has_the_same_field(sim, admin_client):
    dated(sim)
    page = admin_client.get(ADMIN)
    assert form_data(page.text, "oidcsettings_form")[FIELD] == "2026-12-12"

    refused = save_in_the_admin(
        admin_client, ADMIN, client_secret=SECRET, client_secret_expires="2026-11-29"
    )
    errors = refused.context["adminform"].form.errors
    assert "This day has passed." in errors[FIELD][0]
    assert "again" in errors["client_secret"][0]
    assert stored() == (defaults.SECRET_VALUE, SOON)

    save_in_the_admin(admin_client, ADMIN, client_secret_expires="2027-06-01")
    assert stored() == (defaults.SECRET_VALUE, LATER)

    answer = save_in_the_admin(admin_client, ADMIN, client_secret=SECRET)
    assert stored() == (SECRET, None)
    assert REMOVED in reads(admin_client.get(answer["Location"]))

    save_in_the_admin(
        admin_client,
        ADMIN,
        client_secret="Other~Value.0123456789-abcdefghijklmnop",
        client_secret_expires="2027-06-01",
    )
    assert stored() == ("Other~Value.0123456789-abcdefghijklmnop", LATER)

    save_in_the_admin(admin_client, ADMIN, enabled=False)
    save_in_the_admin(admin_client, ADMIN, clear_client_secret=True)
    assert stored() == ("", None)


# Undo


def test_a_change_of_the_date_alone_is_undone(sim, admin_client):
    dated(sim)
    press(admin_client, client_secret_expires="2027-06-01")

    answer = undo(admin_client)

    assert "Undone: Secret expires on." in reads(answer)
    assert stored() == (defaults.SECRET_VALUE, SOON)

    undo(admin_client, answer)
    assert stored() == (defaults.SECRET_VALUE, LATER)


def test_a_date_that_was_entered_first_is_undone_to_none(connected, admin_client):
    press(admin_client, client_secret_expires="2026-12-12")

    undo(admin_client)

    assert stored() == (defaults.SECRET_VALUE, None)


def test_an_undo_gives_the_old_secrets_date_to_no_other(sim, admin_client):
    dated(sim)
    press(
        admin_client,
        client_secret=SECRET,
        client_secret_expires="2027-06-01",
        button_text="Company login",
    )
    page = admin_client.get(CHANGES)
    assert "The date on which it expires stays with it." in reads(page)

    answer = undo(admin_client, page)

    assert conf.current().button_text == "Sign in with Microsoft"
    assert stored() == (SECRET, LATER)
    assert "So does the date on which it expires." in reads(answer)


def test_a_change_of_secret_and_date_alone_cannot_be_undone(sim, admin_client):
    dated(sim)
    save_secret(admin_client, client_secret=SECRET, client_secret_expires="2027-06-01")

    page = admin_client.get(CHANGES)

    assert "cannot be undone" in reads(page)
    assert offered(page) == ""
    assert stored() == (SECRET, LATER)
