from __future__ import annotations

import pytest

from accounts import services
from accounts.models import Installation, User
from accounts.policy import AccountRefused
from accounts.roles import Role
from accounts.setup_code import setup_code, setup_link
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

WIZARD = {
    "username": "root",
    "email": "root@example.com",
    "new_password": PASSWORD,
    "new_password_again": PASSWORD,
    "server_url": "http://localhost:3000",
}


def with_code():
    return f"/setup?code={setup_code()}"


def test_the_link_opens_the_wizard_with_this_servers_address(client):
    assert setup_link() == f"http://localhost:3000{with_code()}"
    assert len(setup_code()) == 20

    page = client.get(with_code())

    assert page.status_code == 200
    assert 'value="http://localhost:3000"' in page.text


def test_an_address_that_no_column_holds_is_refused_before_anything_is_made(client):
    answer = client.post(with_code(), WIZARD | {"email": f"{'a' * 243}@example.com"})

    assert "at most 254 characters" in answer.text
    assert not User.objects.exists()
    assert services.setup_open()


@pytest.mark.parametrize("query", ["", "?code=", "?code=wrong", "?code=%C3%A9"])
def test_without_the_code_the_page_says_where_to_find_it(client, query):
    for answer in (client.get(f"/setup{query}"), client.post(f"/setup{query}", WIZARD)):
        assert answer.status_code == 403
        assert "/setup?code=" in answer.text
        assert setup_code() not in answer.text
    assert not User.objects.exists()


def test_the_wizard_makes_the_first_superadmin_signs_in_and_is_closed_for_ever(client):
    answer = client.post(with_code(), WIZARD)

    assert answer.status_code == 303
    assert answer["Location"] == "/"
    user = User.objects.get()
    assert (user.username, user.email, user.role) == ("root", "root@example.com", Role.SUPERADMIN)
    assert user.check_password(PASSWORD)
    assert client.get("/profile").status_code == 200
    assert Installation.load().administrator_existed
    assert services.server_url() == "http://localhost:3000"

    for again in (client.get(with_code()), client.post(with_code(), WIZARD | {"username": "x"})):
        assert again.status_code == 404
    User.objects.all().delete()
    assert client.get(with_code()).status_code == 404
    assert not services.setup_open()


def test_an_account_or_an_administrator_closes_the_wizard(client, carol):
    assert not services.setup_open()
    assert client.get(with_code()).status_code == 404


def test_a_first_administrator_from_elsewhere_wins_over_a_wizard_that_is_open(client):
    services.claim_first_administrator()

    with pytest.raises(AccountRefused):
        services.set_up(username="root", email="", password=PASSWORD, url="http://localhost:3000")

    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("username", "root user", "Enter a valid username"),
        ("username", "röot", "Enter a valid username"),
        ("email", "nonsense", "valid email address"),
        ("new_password", "short", "too short"),
        ("new_password_again", "another password", "differ"),
        ("server_url", "patchmon.example.com", "not a web address"),
        ("server_url", "https://patchmon.example.com/path", "nothing after them"),
        ("server_url", "https://patchmon.example.com", "Confirm that this address"),
    ],
)
def test_what_does_not_work_is_refused_beside_its_field(client, field, value, says):
    answer = client.post(with_code(), WIZARD | {field: value})

    assert answer.status_code == 200
    assert says in answer.text
    assert PASSWORD not in answer.text
    assert "root@example.com" in answer.text or field == "email"
    assert not User.objects.exists()
    assert services.setup_open()


@pytest.mark.django_db(transaction=True)
def test_another_address_is_confirmed_and_said_where_to_go_on(client):
    elsewhere = {"server_url": "https://patchmon.example.com", "confirm_server_url": "on"}

    answer = client.post(with_code(), WIZARD | elsewhere)

    assert answer.status_code == 200
    assert 'href="https://patchmon.example.com/"' in answer.text
    assert services.server_url() == "https://patchmon.example.com"
    assert client.get("/login").status_code == 400
