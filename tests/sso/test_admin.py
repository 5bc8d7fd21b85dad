"""Single sign-on in the Django admin: the page's form and service, and nothing past them."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from sso import conf
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping, SignInAttempt
from sso.provider import http
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import form_data, reads, typed_into

pytestmark = pytest.mark.django_db

ADMIN = "/admin/sso"
SETTINGS = f"{ADMIN}/oidcsettings/1/change/"
MAPPING = f"{ADMIN}/rolemapping/1/change/"
FORMS = {SETTINGS: "oidcsettings_form", MAPPING: "rolemapping_form"}
CONFIRMED = frozenset({"disable_local_auth"})
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"
GROUP = "0b1e2c3d-1111-4222-8333-444455556666"


@pytest.fixture(autouse=True)
def _rows(db):
    """As after the first visit: an admin's list makes the row, this test posts straight to it."""
    OIDCSettings.load()
    RoleMapping.load()


def save(browser: Client, path: str, *, page=None, **values):
    page = browser.get(path) if page is None else page
    assert page.status_code == 200
    return browser.post(path, typed_into(form_data(page.text, FORMS[path]), values))


@pytest.mark.parametrize("model", ["oidcsettings", "rolemapping"])
def test_a_singleton_has_one_page_and_nothing_to_add_or_delete(admin_client, model):
    assert admin_client.get(f"{ADMIN}/{model}/")["Location"] == f"{ADMIN}/{model}/1/change/"
    assert admin_client.get(f"{ADMIN}/{model}/add/").status_code == 403
    assert admin_client.post(f"{ADMIN}/{model}/1/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{ADMIN}/{model}/1/change/").status_code == 200
    assert (OIDCSettings.objects.count(), RoleMapping.objects.count()) == (1, 1)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HOST_MANAGER, Role.USER, Role.READONLY])
def test_only_superadmins_get_in(administrator, role):
    user = create_user(
        usernames=["someone"],
        email="",
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    before = OIDCSettings.objects.values().get()

    for path in (SETTINGS, MAPPING, f"{ADMIN}/linkedidentity/", f"{ADMIN}/signinattempt/"):
        assert browser.get(path, follow=True).status_code == 403
        assert browser.post(path, {"button_text": "x"}).status_code in {302, 403}
    assert OIDCSettings.objects.values().get() == before


# Settings


def test_the_same_labels_and_defaults_as_the_page(admin_client):
    page = admin_client.get(SETTINGS)

    text = reads(page)
    for label in ("Enable OIDC / SSO", "Enforce HTTPS", "Issuer URL", "Client Secret", "Scopes"):
        assert label in text
    data = form_data(page.text, "oidcsettings_form")
    assert data["button_text"] == "Login with SSO"
    assert {name for name, value in data.items() if value == "on"} == {
        "enforce_https",
        "auto_create_users",
    }


def test_settings_are_saved_through_the_pages_form_and_service(sim, admin_client, administrator):
    answer = save(
        admin_client,
        SETTINGS,
        issuer=f" {sim.issuer}/.well-known/openid-configuration ",
        client_id=defaults.CLIENT_ID,
        client_secret=f"{SECRET}\u200b",
        scopes="email User.Read",
        sync_roles=True,
    )

    assert answer.status_code == 302
    config = conf.current()
    assert config.issuer == sim.issuer
    assert config.client_secret == SECRET
    assert config.scopes == "openid email User.Read"
    assert config.sync_roles is True
    assert config.version == 2
    entry = LogEntry.objects.get(object_repr__contains="OIDC")
    assert entry.actor == administrator
    assert entry.changes["client_secret"] == ["not set", "set"]
    assert SECRET not in str(entry.changes)
    # The admin's own log holds no value at all.
    for line in AdminLogEntry.objects.all():
        assert SECRET not in line.change_message
        assert sim.issuer not in line.change_message


def test_it_is_refused_for_the_same_reasons(sim, admin_client):
    before = OIDCSettings.objects.values().get()
    for values in (
        {"issuer": "https://login.microsoftonline.com/common/v2.0"},
        {"issuer": "http://sso.example.com"},
        {"client_secret": GROUP},
        {"redirect_uri": "https://front.example.com/elsewhere"},
        {"issuer": sim.issuer, "scopes": "openid groups"},
        {"issuer": sim.issuer, "scopes": "openid", "client_id": "no guid"},
    ):
        answer = save(admin_client, SETTINGS, button_text="Never", **values)
        assert answer.status_code == 200, values
        assert answer.context["adminform"].form.errors
        assert OIDCSettings.objects.values().get() == before


def test_enable_is_refused_until_it_can_work(admin_client):
    answer = save(admin_client, SETTINGS, enabled=True, button_text="Never")

    assert conf.current().enabled is False
    assert conf.current().button_text == "Login with SSO"
    text = reads(admin_client.get(answer["Location"]))
    assert "Issuer URL is empty" in text
    assert "Nothing was saved" in text


def test_enable_and_disable(sim, admin_client):
    connect(sim, enabled=False)

    save(admin_client, SETTINGS, enabled=True)
    assert conf.current().enabled is True

    save(admin_client, SETTINGS, enabled=False)
    assert conf.current().enabled is False
    assert conf.current().client_secret == defaults.SECRET_VALUE


def test_disable_local_auth_is_refused_until_it_can_work(connected, admin_client):
    answer = save(admin_client, SETTINGS, disable_local_auth=True)

    assert conf.current().disable_local_auth is False
    assert "No administrator has signed in through SSO" in reads(
        admin_client.get(answer["Location"])
    )


def test_the_secret_is_written_kept_cleared_and_never_shown(admin_client):
    save(admin_client, SETTINGS, client_secret=SECRET)
    page = admin_client.get(SETTINGS)
    assert conf.current().client_secret == SECRET
    assert SECRET not in page.text

    save(admin_client, SETTINGS, button_text="Other")
    assert conf.current().client_secret == SECRET

    refused = save(admin_client, SETTINGS, client_secret=SECRET, issuer="nonsense")
    assert refused.status_code == 200
    assert SECRET not in refused.text

    save(admin_client, SETTINGS, clear_client_secret=True)
    assert conf.current().secret_set is False


def test_another_issuer_host_asks_for_the_secret_again(sim, admin_client):
    connect(sim, enabled=False)

    answer = save(admin_client, SETTINGS, issuer="http://127.0.0.1:9/other")

    assert conf.current().issuer == sim.issuer
    assert "Paste the client secret again" in reads(admin_client.get(answer["Location"]))


def test_two_at_once_lose_nothing(admin_client):
    opened = admin_client.get(SETTINGS)
    save_settings({"button_text": "From the page", "sync_roles": True}, actor=None)

    save(admin_client, SETTINGS, page=opened, scopes="openid email")
    config = conf.current()
    assert (config.button_text, config.sync_roles) == ("From the page", True)
    assert config.scopes == "openid email"

    answer = save(admin_client, SETTINGS, page=opened, button_text="From the admin")
    assert conf.current().button_text == "From the page"
    assert "changed button_text meanwhile" in reads(admin_client.get(answer["Location"]))


# Mapping


def test_the_mapping_is_saved_through_the_pages_form_and_service(admin_client):
    answer = save(
        admin_client,
        MAPPING,
        default_role="readonly",
        superadmin_group=f" {GROUP} ",
        user_group="Staff\nGuests",
    )

    assert answer.status_code == 302
    mapping = conf.current().mapping
    assert mapping.default_role is Role.READONLY
    assert mapping.rows[Role.SUPERADMIN] == (GROUP,)
    assert mapping.rows[Role.USER] == ("Staff", "Guests")
    # The other singleton is left alone, its toggles too.
    assert conf.current().enforce_https is True
    assert conf.current().auto_create_users is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [SETTINGS, MAPPING])
def test_nobody_waits_for_the_provider_inside_the_admins_transaction(
    connected, admin_client, administrator, monkeypatch, path
):
    """SQLite has one writer at a time: the whole site would wait with it."""
    LinkedIdentity.objects.create(
        user=administrator, issuer=connected.issuer, subject="boss", last_sign_in=timezone.now()
    )
    save_settings({"disable_local_auth": True}, actor=None, confirmed=CONFIRMED)
    session = admin_client.session
    session["signed_in_at"] -= 3600
    session.save()
    page = admin_client.get(path)
    inside = []
    send = http._send

    def spy(*args, **kwargs):
        inside.append(connection.in_atomic_block)
        return send(*args, **kwargs)

    monkeypatch.setattr(http, "_send", spy)
    cache.clear()

    answer = save(admin_client, path, page=page, button_text="New", default_role="readonly")

    assert inside
    assert not any(inside)
    assert answer.status_code in {200, 302}


def test_one_group_in_two_rows_is_refused_here_too(admin_client):
    answer = save(admin_client, MAPPING, admin_group="Staff", user_group="staff")

    assert answer.status_code == 200
    assert "Admin row" in reads(answer)
    assert conf.current().mapping.rows[Role.ADMIN] == ()


def test_saving_the_mapping_keeps_the_secret_and_enabled(connected, admin_client):
    save(admin_client, MAPPING, readonly_group="")

    config = conf.current()
    assert (config.enabled, config.client_secret) == (True, defaults.SECRET_VALUE)
    assert config.mapping.rows[Role.READONLY] == ()
    assert config.mapping.rows[Role.SUPERADMIN] == (defaults.ROLE_GROUPS["superadmin"],)


# Identities


def test_an_identity_is_shown_and_removed_through_the_service(connected, sign_in, admin_client):
    browser = sign_in("alice")
    alice = User.objects.get(username="alice")
    alice.set_password(PASSWORD)
    alice.save(update_fields=["password"])
    linked = LinkedIdentity.objects.get(user=alice)
    listed = admin_client.get(f"{ADMIN}/linkedidentity/", {"q": "alice"})
    assert "alice@contoso.com" in reads(listed)
    assert admin_client.get(f"{ADMIN}/linkedidentity/{linked.pk}/change/").status_code == 200

    admin_client.post(f"{ADMIN}/linkedidentity/{linked.pk}/delete/", {"post": "yes"})

    assert not LinkedIdentity.objects.exists()
    assert not Session.objects.filter(user=alice).exists()
    assert browser.get("/api/v1/auth/profile").status_code == 401
    assert LogEntry.objects.first().changes == {"identity": ["Microsoft: alice@contoso.com", ""]}


def test_the_only_way_in_of_an_account_stays(connected, sign_in, admin_client):
    browser = sign_in("alice")
    linked = LinkedIdentity.objects.get()

    answer = admin_client.post(
        f"{ADMIN}/linkedidentity/{linked.pk}/delete/", {"post": "yes"}, follow=True
    )

    assert "only way this account signs in" in reads(answer)
    assert LinkedIdentity.objects.filter(pk=linked.pk).exists()
    assert browser.get("/api/v1/auth/profile").status_code == 200


def test_identities_are_neither_added_nor_edited_nor_removed_in_bulk(
    connected, sign_in, admin_client
):
    sign_in("alice")
    before = LinkedIdentity.objects.values().get()

    assert admin_client.get(f"{ADMIN}/linkedidentity/add/").status_code == 403
    changed = admin_client.post(f"{ADMIN}/linkedidentity/{before['id']}/change/", {"subject": "x"})
    assert changed.status_code == 403
    admin_client.post(
        f"{ADMIN}/linkedidentity/",
        {"action": "delete_selected", "_selected_action": before["id"], "post": "yes"},
    )

    assert LinkedIdentity.objects.values().get() == before


# What happened


@pytest.mark.parametrize("path", [f"{ADMIN}/signinattempt/", "/admin/auditlog/logentry/"])
def test_what_happened_is_read_and_changed_by_nobody(connected, sign_in, admin_client, path):
    sign_in("alice")
    admin_client.post("/settings/oidc/enable", {"enabled": "off"})
    key = (SignInAttempt if "signin" in path else LogEntry).objects.latest("pk").pk

    assert admin_client.get(path).status_code == 200
    assert admin_client.get(f"{path}{key}/change/").status_code == 200
    assert admin_client.get(f"{path}add/").status_code == 403
    assert admin_client.post(f"{path}{key}/change/", {"reason": "x"}).status_code == 403
    assert admin_client.post(f"{path}{key}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(path, {"action": "delete_selected", "_selected_action": key, "post": "yes"})
    assert (SignInAttempt if "signin" in path else LogEntry).objects.filter(pk=key).exists()
