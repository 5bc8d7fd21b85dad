"""The JSON interface with an API token (product.md, HTTP interface)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.test import Client

from accounts import services
from accounts.models import ApiToken, Session, User
from accounts.policy import Scope
from accounts.roles import Role
from accounts.throttle import TOKENS
from sso import conf
from sso.models import LinkedIdentity, OIDCSettings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db

PROFILE = "/api/v1/auth/profile"
CONFIG = "/api/v1/auth/oidc/config"
SETTINGS = "/api/v1/auth/oidc/settings"
IMPORT = f"{SETTINGS}/import-from-env"
CHECK = f"{SETTINGS}/check"
SIGN_INS = "/api/v1/auth/sign-ins"
SCHEMA = "/api/v1/schema"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"
GROUP = "0b1e2c3d-1111-4222-8333-444455556666"

DOORS = {
    ("get", PROFILE): {Scope.PROFILE_READ},
    ("get", SETTINGS): {Scope.SETTINGS_READ, Scope.SETTINGS_WRITE},
    ("put", SETTINGS): {Scope.SETTINGS_WRITE},
    ("patch", SETTINGS): {Scope.SETTINGS_WRITE},
    ("post", IMPORT): {Scope.SETTINGS_WRITE},
    ("post", CHECK): {Scope.SETTINGS_READ, Scope.SETTINGS_WRITE},
    ("get", SIGN_INS): {Scope.SIGN_INS_READ},
}


def token_of(user: User, *scopes: Scope, name: str = "terraform") -> str:
    return services.make_token(
        user,
        name=name,
        scopes=scopes or list(Scope),
        lifetime=timedelta(days=30),
        actor=user,
        fresh=True,
    ).text


def with_token(text: str, *, scheme: str = "Bearer") -> Client:
    """A program: no cookie, and no CSRF token."""
    headers = {"host": HOST, "authorization": f"{scheme} {text}"}
    return Client(enforce_csrf_checks=True, headers=headers)


def ask(client: Client, method: str, path: str, body=None):
    data = [] if method == "get" else [body or {}]
    return getattr(client, method)(path, *data, content_type="application/json")


@pytest.fixture
def admin(administrator) -> User:
    return services.create_user(
        usernames=["adam"],
        email="adam@example.org",
        first_name="",
        last_name="",
        role=Role.ADMIN,
        actor=None,
        password=PASSWORD,
    )


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_opens_what_its_scope_names_and_nothing_else(administrator, scope):
    program = with_token(token_of(administrator, scope))

    for (method, path), scopes in DOORS.items():
        status = ask(program, method, path).status_code
        # Nothing is set in the environment: the import answers that, behind the door.
        opened = 400 if path == IMPORT else 200
        assert status == (opened if scope in scopes else 403), (method, path)
    assert program.get(CONFIG).status_code == 200
    assert program.get(SCHEMA).status_code == 200
    assert not Session.objects.exists()


def test_whose_token_it_is(administrator, admin):
    program = with_token(token_of(admin, Scope.PROFILE_READ), scheme="bearer")

    assert program.get(PROFILE).json()["username"] == "adam"
    assert not program.cookies
    assert ApiToken.objects.get().last_used is not None


def test_a_write_stands_in_for_a_fresh_sign_in_and_names_the_token(sim, administrator):
    connect(sim, enabled=False)
    program = with_token(token_of(administrator, Scope.SETTINGS_WRITE))

    answer = ask(program, "patch", SETTINGS, {"oidc_client_secret": SECRET})

    assert answer.status_code == 200
    assert conf.current().client_secret == SECRET
    entry = LogEntry.objects.get(object_repr__contains="OIDC", actor=administrator)
    assert entry.changes == {
        "client_secret": ["set", "changed"],
        "sign-in": ["", "by the API token terraform"],
    }


def test_a_reading_token_beside_a_fresh_session_writes_nothing(administrator, settings_row):
    browser = Client(headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")
    reading = token_of(administrator, Scope.SETTINGS_READ)

    answer = browser.patch(
        SETTINGS,
        {"oidc_client_secret": SECRET},
        content_type="application/json",
        headers={"authorization": f"Bearer {reading}"},
    )

    assert answer.status_code == 403
    assert conf.current().secret_set is False


def test_a_wrong_token_beside_a_session_is_nobody(administrator):
    browser = Client(headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")

    answer = browser.get(PROFILE, headers={"authorization": "Bearer wrong"})

    assert answer.status_code == 401


# The owner's role


def test_it_follows_its_owners_role(administrator, admin):
    program = with_token(token_of(admin))
    assert program.get(SETTINGS).status_code == 200

    services.change_role(admin, Role.USER, actor=administrator)

    for path in (SETTINGS, SIGN_INS):
        assert program.get(path).status_code == 403
    assert ask(program, "put", SETTINGS, {"oidc_button_text": "x"}).status_code == 403
    assert program.get(PROFILE).json()["role"] == "user"
    assert OIDCSettings.load().button_text != "x"


def test_rank_holds_for_a_token_as_for_its_owner(administrator, admin):
    program = with_token(token_of(admin))

    answer = ask(program, "put", SETTINGS, {"oidc_superadmin_group": GROUP})

    assert answer.status_code == 400
    assert set(answer.json()) == {"oidc_superadmin_group"}
    assert conf.current().mapping.rows[Role.SUPERADMIN] == ()


# What ends it


def test_a_deactivated_owner_is_nobody(administrator, admin):
    program = with_token(token_of(admin))

    services.deactivate(admin, actor=administrator)
    assert program.get(PROFILE).status_code == 401
    services.activate(admin, actor=administrator)
    assert program.get(PROFILE).status_code == 401


def test_a_row_that_went_inactive_behind_the_services_is_nobody(administrator, admin):
    program = with_token(token_of(admin))
    User.objects.filter(pk=admin.pk).update(is_active=False)

    assert program.get(PROFILE).status_code == 401


def test_a_new_password_ends_it(administrator, admin):
    program = with_token(token_of(admin))

    services.set_password(admin, "another long secret", actor=administrator)

    assert program.get(PROFILE).status_code == 401


def test_it_ends_when_an_identity_is_disconnected(connected, sign_in, administrator):
    browser = sign_in("alice")
    alice = User.objects.get(username="alice")
    services.set_password(alice, PASSWORD, actor=None)
    browser.force_login(alice, backend="accounts.backends.PasswordBackend")
    program = with_token(token_of(alice, Scope.PROFILE_READ))
    identity = LinkedIdentity.objects.get(user=alice)
    assert program.get(PROFILE).status_code == 200

    browser.post(f"/profile/identities/{identity.pk}/disconnect")

    assert not LinkedIdentity.objects.filter(user=alice).exists()
    assert program.get(PROFILE).status_code == 401


def test_it_ends_when_an_identity_is_unlinked(connected, sign_in, administrator, admin_client):
    sign_in("alice")
    alice = User.objects.get(username="alice")
    services.set_password(alice, PASSWORD, actor=None)
    program = with_token(token_of(alice, Scope.PROFILE_READ))
    identity = LinkedIdentity.objects.get(user=alice)

    admin_client.post(f"/settings/users/{alice.pk}/identities/{identity.pk}/unlink")

    assert program.get(PROFILE).status_code == 401


@pytest.mark.parametrize("password", [PASSWORD, None])
def test_it_ends_when_the_account_is_linked_by_its_address(connected, sign_in, password):
    # A token made before by whoever held the account must not outlive their password.
    connected.tenant.app.claims.xms_edov = True
    alice = services.create_user(
        usernames=["alice"],
        email="alice@contoso.com",
        first_name="",
        last_name="",
        role=Role.USER,
        actor=None,
        password=password,
    )
    program = with_token(token_of(alice, Scope.PROFILE_READ))

    sign_in("alice")

    assert LinkedIdentity.objects.get().user == alice
    assert program.get(PROFILE).status_code == 401


# Anything else


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer  ", "Bearer pm_nothing", "bearer a b", "Bearer \u00e9", "BEARER"],
)
def test_no_token_is_401_and_says_what_is_asked_for(administrator, header):
    token_of(administrator)

    answer = Client(headers={"host": HOST, "authorization": header}).get(PROFILE)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="PatchMon"'
    assert "not valid" in answer.json()["detail"]
    assert ApiToken.objects.get().last_used is None


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest", ""])
def test_a_token_counts_in_no_other_scheme(administrator, scheme):
    assert with_token(token_of(administrator), scheme=scheme).get(PROFILE).status_code == 401


def test_a_token_opens_no_page(administrator):
    program = with_token(token_of(administrator))

    for page in ("/", "/profile", "/settings/oidc", "/admin/"):
        assert program.get(page).status_code == 302
    assert not Session.objects.exists()


def test_wrong_ones_are_slowed_and_the_right_ones_beside_them_are_not(administrator, caplog):
    program, wrong = with_token(token_of(administrator)), with_token("pm_wrong-and-never-logged")
    caplog.set_level(logging.INFO)
    for _ in range(TOKENS.amount):
        assert wrong.get(PROFILE).status_code == 401

    answer = wrong.get(PROFILE)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert program.get(PROFILE).status_code == 200
    elsewhere = Client(REMOTE_ADDR="192.0.2.7", headers={"host": HOST})
    assert elsewhere.get(PROFILE, headers={"authorization": "Bearer x"}).status_code == 401
    # Passwords from there are taken as before.
    signed_in = Client(headers={"host": HOST}).post(
        "/login", {"username": administrator.username, "password": PASSWORD}
    )
    assert signed_in.status_code == 303
    assert "accounts.token.locked" in caplog.text
    assert "never-logged" not in caplog.text


def test_the_document_describes_it(administrator):
    document = with_token(token_of(administrator)).get(SCHEMA, {"format": "json"}).json()

    scheme = document["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    put = document["paths"][SETTINGS]["put"]
    assert {"token": []} in put["security"]
    assert all("basic" not in str(found).lower() for found in put["security"])
