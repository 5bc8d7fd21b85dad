"""What decides who gets in asks for a sign-in within the last fifteen minutes (product.md)."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine
from auditlog.models import LogEntry
from django.core.cache import caches

from accounts.models import User
from accounts.services import make_password_unusable
from entra_sim import defaults, tokens
from sso import conf
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping, SignInAttempt
from sso.services.settings import FreshSignInRequired, save_settings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import SETTINGS, errors_of, form_data, press, reads

pytestmark = pytest.mark.django_db

API = "/api/v1/auth/oidc/settings"
CONFIRM = "/profile/confirm"
CONNECT = "/profile/identities/connect"
ENABLE = f"{SETTINGS}/enable"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"
GROUP = "0b1e2c3d-1111-4222-8333-444455556666"
TOO_OLD = 15 * 60 + 1
SAVED = "OIDC settings saved"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(int(time.time()), tick=False) as traveller:
        yield traveller


@pytest.fixture
def stale(admin_client, clock):
    """The local superadmin, a quarter of an hour and a second after signing in."""
    clock.shift(TOO_OLD)
    return admin_client


@pytest.fixture
def sofia(connected, sign_in, clock):
    """A superadmin who came through the provider and has no password, as long afterwards."""
    browser = sign_in("sofia")
    clock.shift(TOO_OLD)
    return browser


def password_errors(answer) -> list[str]:
    if answer.context is None or "password_form" not in answer.context:
        return []
    form = answer.context["password_form"]
    return list(form.errors.get("current_password", [])) if form.is_bound else []


def last_attempt() -> SignInAttempt:
    attempt = SignInAttempt.objects.first()
    assert attempt is not None
    return attempt


def counted() -> list[str]:
    """Return the counters of passwords that the shared cache holds."""
    return [key for key in caches["default"]._cache if "password/" in key]  # type: ignore[attr-defined]


def rows() -> tuple[dict[str, Any], dict[str, Any]]:
    OIDCSettings.load()
    RoleMapping.load()
    return dict(OIDCSettings.objects.values().get()), dict(RoleMapping.objects.values().get())


def is_asked(browser) -> bool:
    return 'data-needed-in="0"' in browser.get(SETTINGS).text


# The page


def test_a_fresh_sign_in_is_asked_nothing(admin_client):
    page = admin_client.get(SETTINGS)

    assert 'data-needed-in="900"' in page.text
    press(admin_client, page=page, client_id="mine", client_secret=SECRET)
    assert (conf.current().client_id, conf.current().client_secret) == ("mine", SECRET)


def test_the_question_is_there_before_it_is_needed(stale):
    page = stale.get(SETTINGS)

    assert is_asked(stale)
    # In the form that Apply and the secret's Save send.
    assert form_data(page.text)["current_password"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuer", "http://127.0.0.1:9/tenant"),
        ("client_id", "another"),
        ("client_secret", SECRET),
        ("default_role", "readonly"),
        ("superadmin_group", GROUP),
        ("admin_group", GROUP),
        ("host_manager_group", GROUP),
        ("user_group", GROUP),
        ("readonly_group", GROUP),
        ("trust_unverified_email", True),
    ],
)
def test_each_sensitive_change_asks(stale, field, value):
    before = rows()

    refused = press(stale, button_text="With it", **{field: value})

    assert refused.status_code == 200
    assert "Type your PatchMon password" in password_errors(refused)[0]
    assert rows() == before
    assert not LogEntry.objects.filter(object_repr__contains="OIDC").exists()
    assert SAVED not in reads(refused)
    typed = form_data(refused.text)
    assert typed["button_text"] == "With it"
    if field != "client_secret":
        assert typed[field] == ("on" if value is True else value)

    wanted = {"current_password": PASSWORD}
    if field == "client_secret":
        # It is never shown again, so it says so.
        assert "Paste the secret's Value again" in errors_of(refused)["client_secret"][0]
        wanted["client_secret"] = SECRET
    saved = press(stale, page=refused, **wanted)
    assert saved.status_code in {302, 303}, errors_of(saved)
    assert rows() != before
    assert conf.current().button_text == "With it"


def test_disable_local_auth_asks(connected, sign_in, stale):
    sign_in("sofia")
    refused = press(stale, disable_local_auth=True)

    assert password_errors(refused)
    assert conf.current().disable_local_auth is False
    press(stale, page=refused, current_password=PASSWORD)
    assert conf.current().disable_local_auth is True


def test_every_other_change_asks_nothing(stale):
    answer = press(
        stale,
        button_text="Company login",
        scopes="openid email",
        sync_roles=True,
        enforce_https=False,
        auto_create_users=False,
        # Neither judged nor counted where it is not needed.
        current_password="wrong",
    )

    assert answer.status_code in {302, 303}
    assert conf.current().button_text == "Company login"
    assert is_asked(stale)


def test_a_wrong_password_refuses_at_its_field_and_loses_nothing(stale):
    before = rows()

    answer = press(
        stale, client_id="typed", user_group="Staff\nGuests", current_password="wrong horse"
    )

    assert answer.status_code == 200
    assert password_errors(answer) == ["This is not your PatchMon password. Type it again."]
    assert 'href="#id_current_password"' in answer.text
    typed = form_data(answer.text)
    assert typed["client_id"] == "typed"
    assert typed["user_group"].splitlines() == ["Staff", "Guests"]
    assert typed["current_password"] == ""
    assert "wrong horse" not in answer.text
    assert rows() == before


def test_a_right_one_holds_for_another_quarter_of_an_hour(stale, clock):
    press(stale, client_id="one", current_password=PASSWORD)
    assert not is_asked(stale)

    clock.shift(15 * 60 - 1)
    press(stale, client_id="two")
    assert conf.current().client_id == "two"

    clock.shift(1)
    assert password_errors(press(stale, client_id="three"))
    assert conf.current().client_id == "two"


def test_somebody_elses_change_meanwhile_is_no_change_of_ones_own(stale):
    page = stale.get(SETTINGS)
    save_settings({"user_group": "Staff"}, actor=None)

    answer = press(stale, page=page, button_text="Mine")

    assert answer.status_code in {302, 303}
    assert conf.current().button_text == "Mine"
    assert RoleMapping.load().user_group == "Staff"


def test_guessing_is_held_back_and_loses_nothing_typed(stale):
    for _ in range(5):
        assert press(stale, client_id="typed", current_password="wrong").status_code == 200

    answer = press(stale, client_id="typed", current_password=PASSWORD)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert password_errors(answer) == ["Too many attempts. Wait 15 minutes and try again."]
    assert form_data(answer.text)["client_id"] == "typed"
    assert conf.current().client_id == ""


@pytest.mark.parametrize("action", ["save", "clear"])
def test_the_secrets_own_buttons_ask_by_the_same_field(stale, action):
    save_settings({"client_secret": "Before~0123456789"}, actor=None)
    pressed = {"secret_action": action, "client_secret": SECRET, "button_text": "Typed"}

    for typed, says in (("", "Type your PatchMon password"), ("wrong", "This is not your")):
        refused = press(stale, f"{SETTINGS}/secret", **pressed, current_password=typed)
        assert says in password_errors(refused)[0]
        assert form_data(refused.text)["button_text"] == "Typed"
        assert SECRET not in refused.text
        assert conf.current().client_secret == "Before~0123456789"
        assert "Client secret saved" not in reads(refused)

    saved = press(stale, f"{SETTINGS}/secret", **pressed, current_password=PASSWORD)
    assert password_errors(saved) == []
    assert conf.current().client_secret == (SECRET if action == "save" else "")


# Enable


@pytest.mark.parametrize("enabled", [True, False])
def test_enable_asks_on_a_page_of_its_own(sim, stale, enabled):
    connect(sim, enabled=not enabled)
    switch = {"enabled": "on" if enabled else "off"}

    first = stale.post(ENABLE, switch)
    assert first.status_code == 200
    assert password_errors(first) == []
    assert "Confirm that it is you" in reads(first)
    wrong = stale.post(ENABLE, switch | {"current_password": "wrong"})
    assert "This is not your" in password_errors(wrong)[0]
    assert f'name="enabled" value="{switch["enabled"]}"' in wrong.text
    assert conf.current().enabled is not enabled

    right = stale.post(ENABLE, switch | {"current_password": PASSWORD})
    assert right.status_code in {302, 303}
    assert conf.current().enabled is enabled


def test_enable_locks_out_whoever_guesses(sim, stale):
    connect(sim, enabled=False)
    for _ in range(5):
        stale.post(ENABLE, {"enabled": "on", "current_password": "wrong"})

    answer = stale.post(ENABLE, {"enabled": "on", "current_password": PASSWORD})

    assert answer.status_code == 429
    assert conf.current().enabled is False


def test_apply_and_enable_asks_before_it_saves_anything(sim, stale):
    connect(sim, enabled=False)

    refused = press(stale, button_text="Harmless", then="enable")
    assert password_errors(refused)
    assert (conf.current().enabled, conf.current().button_text) == (False, "Sign in with Microsoft")

    press(stale, page=refused, then="enable", current_password=PASSWORD)
    assert (conf.current().enabled, conf.current().button_text) == (True, "Harmless")


# Without a password: at the provider, in a new tab


def confirm(browser, sim, person="sofia"):
    """Press the button, sign in at the provider once more, and come back."""
    page = browser.post(CONFIRM)
    assert page.status_code == 200, page.content
    url = page.context["url"]
    assert f'href="{url.replace("&", "&amp;")}"' in page.text
    callback = sim.new_browser().sign_in(url, person)
    return browser.get(callback.removeprefix(f"http://{HOST}"))


def test_whoever_has_no_password_confirms_at_the_provider(connected, sofia):
    page = sofia.get(SETTINGS)
    assert f'formaction="{CONFIRM}" formtarget="_blank" formnovalidate' in page.text
    assert "current_password" not in form_data(page.text)
    refused = press(sofia, page=page, client_id=defaults.CLIENT_ID, button_text="T", user_group="")
    assert "Confirm at your provider" in password_errors(refused)[0]
    assert conf.current().button_text == "Sign in with Microsoft"
    before = sofia.session.session_key, LinkedIdentity.objects.values().get()

    back = confirm(sofia, connected)

    assert back["Location"] == "/profile/confirmed"
    assert back["Referrer-Policy"] == "no-referrer"
    assert "You can go back to the other tab" in reads(sofia.get("/profile/confirmed"))
    # Nothing but that session's freshness has changed, and what was typed is sent as it stands.
    assert before == (sofia.session.session_key, LinkedIdentity.objects.values().get())
    assert press(sofia, page=refused).status_code in {302, 303}
    assert conf.current().button_text == "T"
    attempt = last_attempt()
    assert (attempt.outcome, attempt.username) == ("signed_in", "sofia")
    assert "confirmed" in attempt.notes


def test_the_provider_is_asked_to_sign_them_in_afresh(connected, sofia):
    url = sofia.post(CONFIRM).context["url"]

    assert "prompt=login" in url
    assert url.startswith(connected.url)


def test_somebody_else_at_the_provider_confirms_nothing(connected, sofia):
    people = User.objects.count()

    back = confirm(sofia, connected, "adam")

    assert back["Location"] == "/profile/confirmed"
    page = reads(sofia.get("/profile/confirmed"))
    assert "could not be confirmed" in page
    assert "Not confirmed yet" in page
    assert is_asked(sofia)
    assert User.objects.count() == people
    assert LinkedIdentity.objects.count() == 1
    assert sofia.get("/api/v1/auth/profile").json()["username"] == "sofia"
    refusal = last_attempt()
    assert (refusal.outcome, refusal.reason) == ("refused", "connect_other_user")


def test_a_journey_confirms_only_the_session_that_began_it(connected, sofia, sign_in):
    url = sofia.post(CONFIRM).context["url"]
    callback = connected.new_browser().sign_in(url, "sofia").removeprefix(f"http://{HOST}")
    adam = User.objects.get(pk=sign_in("adam").session["_auth_user_id"])
    sofia.force_login(adam, backend="accounts.backends.PasswordBackend")
    session = sofia.session
    session["signed_in_at"] = int(time.time()) - TOO_OLD
    session.save()

    sofia.get(callback)

    assert "confirmed_at" not in sofia.session
    assert last_attempt().reason == "connect_other_user"


@pytest.mark.parametrize(
    ("age", "confirms"), [(0, True), (100, True), (200, False), (86_400, False), ("soon", False)]
)
def test_the_tokens_own_word_on_when_it_was_counts(connected, sofia, monkeypatch, age, confirms):
    optional = tokens._optional

    def with_auth_time(*args, **kwargs):
        moment = age if isinstance(age, str) else int(time.time()) - age
        return optional(*args, **kwargs) | {"auth_time": moment}

    monkeypatch.setattr(tokens, "_optional", with_auth_time)

    confirm(sofia, connected)

    assert is_asked(sofia) is not confirms
    if not confirms:
        assert last_attempt().reason == "auth_time"


def test_a_cancelled_confirmation_leaves_everything_as_it_was(connected, sofia):
    callback = connected.new_browser().cancel(sofia.post(CONFIRM).context["url"])

    assert sofia.get(callback.removeprefix(f"http://{HOST}"))["Location"] == "/profile/confirmed"
    assert "You cancelled" in reads(sofia.get("/profile/confirmed"))
    assert is_asked(sofia)
    assert sofia.get("/profile").status_code == 200


def test_it_starts_by_post_and_for_somebody_signed_in(connected, sofia, client):
    assert sofia.get(CONFIRM)["Location"] == "/profile"
    assert client.post(CONFIRM)["Location"].startswith("/login?next=")
    assert client.get("/profile/confirmed")["Location"].startswith("/login?next=")


# While SSO is not ready


def test_without_password_and_sso_an_expired_secret_can_still_be_replaced(connected, sofia, clock):
    connected.fail("discovery", 503)
    clock.shift(120)

    page = sofia.get(SETTINGS)
    assert "you can still save Issuer URL, Client ID and Client Secret" in reads(page)
    answer = press(sofia, f"{SETTINGS}/secret", secret_action="save", client_secret=SECRET)
    assert password_errors(answer) == []
    assert conf.current().client_secret == SECRET
    entry = LogEntry.objects.all()[0]
    assert entry.actor.username == "sofia"
    assert entry.changes["client_secret"] == ["set", "changed"]
    assert "without a fresh sign-in" in entry.changes["sign-in"][1]
    assert SECRET not in str(entry.changes)

    press(sofia, client_id=defaults.OTHER_TENANT_ID)
    assert conf.current().client_id == defaults.OTHER_TENANT_ID


@pytest.mark.parametrize("field", ["user_group", "superadmin_group", "default_role"])
def test_but_nothing_else(connected, sofia, clock, field):
    connected.fail("discovery", 503)
    clock.shift(120)
    before = rows()

    answer = press(
        sofia, client_secret=SECRET, **{field: "admin" if field == "default_role" else GROUP}
    )

    assert "no way to confirm" in password_errors(answer)[0]
    assert rows() == before
    assert sofia.post(ENABLE, {"enabled": "off"}).status_code == 200
    assert conf.current().enabled is True


def test_an_account_with_a_password_uses_it_then(connected, stale, clock):
    connected.fail("discovery", 503)
    clock.shift(120)

    assert password_errors(press(stale, client_secret=SECRET))
    assert conf.current().client_secret == defaults.SECRET_VALUE
    press(stale, client_secret=SECRET, current_password=PASSWORD)
    assert conf.current().client_secret == SECRET


# Every other way to change the settings


def test_the_api_names_what_asks_for_it(stale):
    answer = stale.patch(
        API,
        {"oidc_client_id": "x", "oidc_user_group": "Staff", "oidc_button_text": "B"},
        content_type="application/json",
    )

    assert answer.status_code == 403
    assert answer.json()["code"] == "fresh_sign_in_required"
    assert "oidc_client_id, oidc_user_group" in answer.json()["detail"]
    assert (conf.current().client_id, conf.current().button_text) == ("", "Login with SSO")

    harmless = {"oidc_button_text": "B", "oidc_client_id": ""}
    assert stale.patch(API, harmless, content_type="application/json").status_code == 200
    assert conf.current().button_text == "B"


def test_the_api_takes_them_from_a_fresh_sign_in(admin_client):
    answer = admin_client.patch(API, {"oidc_client_id": "x"}, content_type="application/json")

    assert answer.status_code == 200
    assert conf.current().client_id == "x"


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [("oidcsettings", "client_id", "from-the-admin"), ("rolemapping", "user_group", "Staff")],
)
def test_the_admin_site_asks_as_well(stale, model, field, value):
    path = f"/admin/sso/{model}/1/change/"
    before = rows()
    page = stale.get(path)
    data = form_data(page.text, f"{model}_form") | {field: value}
    assert data["current_password"] == ""

    assert "Type your PatchMon password" in stale.post(path, data).text
    wrong = stale.post(path, data | {"current_password": "wrong"})
    assert "This is not your PatchMon password" in wrong.text
    assert form_data(wrong.text, f"{model}_form")[field] == value
    assert rows() == before

    assert stale.post(path, data | {"current_password": PASSWORD}).status_code == 302
    assert value in {*rows()[0].values(), *rows()[1].values()}


def test_no_caller_of_the_service_forgets_to_ask(administrator):
    with pytest.raises(FreshSignInRequired) as required:
        save_settings({"client_id": "x", "button_text": "y"}, actor=administrator)

    assert required.value.fields == {"client_id"}
    assert (conf.current().client_id, conf.current().button_text) == ("", "Login with SSO")
    save_settings({"client_id": "x"}, actor=None)


# Connecting an account


def test_connecting_asks_for_the_password_however_fresh_the_session_is(connected, admin_client):
    for typed in ("", "wrong"):
        answer = admin_client.post(CONNECT, {"current_password": typed})
        assert answer["Location"] == "/profile"
    assert "not your PatchMon password" in reads(admin_client.get("/profile"))

    right = admin_client.post(CONNECT, {"current_password": PASSWORD})
    assert right.context["url"].startswith(connected.url)


def test_guessing_on_the_connect_form_is_held_back(connected, admin_client):
    for _ in range(5):
        admin_client.post(CONNECT, {"current_password": "wrong"})

    answer = admin_client.post(CONNECT, {"current_password": PASSWORD})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Too many attempts. Wait 15 minutes and try again." in reads(answer)
    assert not connected.requests.count("token")


def test_without_a_password_connecting_needs_a_fresh_sign_in(connected, sofia):
    # Unlinked meanwhile, in an open session: whoever sits there must not tie themselves to it.
    LinkedIdentity.objects.update(issuer="https://elsewhere.example")

    answer = sofia.post(CONNECT)

    assert answer["Location"] == "/profile"
    assert "no way to confirm that it is you" in reads(sofia.get("/profile"))


def test_with_a_fresh_one_it_signs_in_afresh_at_the_provider(connected, sign_in):
    browser = sign_in("sofia")
    LinkedIdentity.objects.update(issuer="https://elsewhere.example")

    assert "prompt=login" in browser.post(CONNECT).context["url"]


# While local sign-in is off, no password counts anywhere


@pytest.fixture
def enforced(connected, sign_in, administrator):
    sign_in("sofia")
    save_settings(
        {"disable_local_auth": True}, actor=None, confirmed=frozenset({"disable_local_auth"})
    )
    return connected


def test_off_means_off_everywhere_a_password_is_accepted(enforced, stale, client, administrator):
    assert client.post("/login", {"username": "boss", "password": PASSWORD}).status_code == 403
    basic = {"authorization": "Basic Ym9zczpjb3JyZWN0IGhvcnNlIGJhdHRlcnk="}
    assert client.get("/api/v1/auth/profile", headers=basic).status_code == 401
    admin = client.post("/admin/login/", {"username": "boss", "password": PASSWORD})
    assert admin["Location"].startswith("/login")

    new = "another long secret"
    stale.post(
        "/profile/password",
        {"current_password": PASSWORD, "new_password": new, "new_password_again": new},
    )
    made = stale.post(f"/settings/users/{administrator.pk}/password-link", follow=True)
    assert "Passwords are not accepted" in reads(made)
    answer = press(stale, user_group="", current_password=PASSWORD)
    assert "no way to confirm" in password_errors(answer)[0]
    assert stale.post(CONNECT, {"current_password": PASSWORD})["Location"] == "/profile"

    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)
    assert RoleMapping.load().user_group == defaults.ROLE_GROUPS["user"]
    # Nor was one compared: a wrong one reads the same and nothing is counted.
    assert not counted()


def test_a_linked_account_with_a_password_confirms_at_the_provider_then(
    enforced, stale, administrator
):
    sofias = LinkedIdentity.objects.get()
    sofias.user = administrator
    sofias.save()

    assert f'formaction="{CONFIRM}"' in stale.get(SETTINGS).text
    confirm(stale, enforced)

    press(stale, disable_local_auth=False)
    assert conf.current().disable_local_auth is False


def test_passwords_count_again_once_sso_is_not_ready(enforced, stale, client, clock):
    enforced.fail("discovery", 503)
    clock.shift(61)

    assert client.post("/login", {"username": "boss", "password": PASSWORD}).status_code == 303
    press(stale, client_secret=SECRET, current_password=PASSWORD)
    assert conf.current().client_secret == SECRET


def test_an_account_made_by_sso_has_no_password_and_gets_none_by_itself(connected, sign_in):
    browser = sign_in("alice")

    alice = User.objects.get(username="alice")
    assert not alice.has_usable_password()
    new = {"new_password": "another long secret", "new_password_again": "another long secret"}
    answer = browser.post("/profile/password", {"current_password": "", **new})
    assert answer.status_code == 404
    assert not User.objects.get(pk=alice.pk).has_usable_password()


# Single sign-on and the counters of passwords


def test_sign_ins_that_fail_at_the_provider_count_against_no_password(connected, client, sign_in):
    for _ in range(8):
        client.get("/api/v1/auth/oidc/callback?state=forged&code=x")
    connected.tenant.people["alice"].mail = "boss@example.org"
    for _ in range(8):
        sign_in("alice")

    assert not counted()
    assert client.post("/login", {"username": "boss", "password": PASSWORD}).status_code == 303


def test_the_password_goes_and_the_provider_takes_its_place(connected, stale, administrator, clock):
    LinkedIdentity.objects.create(user=administrator, issuer=connected.issuer, subject="x")
    make_password_unusable(administrator, actor=None)
    stale.force_login(administrator, backend="accounts.backends.PasswordBackend")
    clock.shift(TOO_OLD)

    answer = press(stale, user_group=GROUP)

    assert "Confirm at your provider" in password_errors(answer)[0]
    assert form_data(answer.text)["user_group"] == GROUP
