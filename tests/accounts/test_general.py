from __future__ import annotations

import pytest
from auditlog import get_logentry_model
from django.core.management import CommandError, call_command

from accounts.origins import ServerUrlError, clean_server_url, is_unprotected
from accounts.services import server_url

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_the_server_url_is_saved_recorded_and_in_force_at_once(alice, signed_in):
    browser = signed_in(alice)

    answer = browser.post(
        "/settings/general",
        {"server_url": "https://patchmon.example.com/", "confirm_server_url": "on"},
    )

    assert answer.status_code == 200
    assert 'href="https://patchmon.example.com/"' in answer.text
    assert server_url() == "https://patchmon.example.com"
    assert browser.get("/settings/general").status_code == 400
    assert (
        browser.get("/settings/general", headers={"host": "patchmon.example.com"}).status_code
        == 200
    )
    entry = get_logentry_model().objects.order_by("-pk").first()
    assert entry.changes["server_url"] == ["http://localhost:3000", "https://patchmon.example.com"]
    assert entry.actor == alice


def test_an_address_that_this_browser_did_not_come_by_asks_once_more(alice, signed_in):
    browser = signed_in(alice)

    answer = browser.post("/settings/general", {"server_url": "https://patchmon.example.com"})

    assert "Confirm that this address leads to PatchMon" in answer.text
    assert 'value="https://patchmon.example.com"' in answer.text
    assert server_url() == "http://localhost:3000"


def test_the_present_address_is_saved_without_a_question(alice, signed_in):
    answer = signed_in(alice).post("/settings/general", {"server_url": "http://localhost:3000"})

    assert answer.status_code == 303


@pytest.mark.parametrize("someone", ["carol", None])
def test_nobody_else_sees_or_saves_it(client, alice, carol, signed_in, someone):
    browser = signed_in(carol) if someone else client

    for answer in (
        browser.get("/settings/general"),
        browser.post("/settings/general", {"server_url": "http://localhost:3000"}),
    ):
        assert answer.status_code == (403 if someone else 302)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  HTTPS://PatchMon.Example.com:443/ ", "https://patchmon.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://patchmon.example.com:8443\u200b", "https://patchmon.example.com:8443"),
    ],
)
def test_a_server_url_is_kept_as_scheme_host_and_port(typed, kept):
    assert clean_server_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "patchmon", "ftp://patchmon.example.com", "https://", "https://a.example/b",
        "https://a.example?b", "https://u:p@a.example", "https://a.example:0",
        "https://a.example:99999", "https://a.example#b", "https://[::1", "javascript:alert(1)",
        "https://a,b.example", "https://a.example;x", "https://ä.example",
        # No request for such a host gets as far as PatchMon.
        "https://my_host.example", "https://a!b.example", "https://a$b.example", "https://(x)",
    ],
)  # fmt: skip
def test_anything_else_is_no_server_url(typed):
    with pytest.raises(ServerUrlError):
        clean_server_url(typed)


def test_http_is_unprotected_unless_on_this_machine():
    assert is_unprotected("http://patchmon.example.com")
    assert not is_unprotected("https://patchmon.example.com")
    assert not is_unprotected("http://127.0.0.1:3000")


def test_the_command_line_sets_it_where_no_browser_gets_in(capsys):
    call_command("server_url", "https://patchmon.example.com")
    with pytest.raises(CommandError):
        call_command("server_url", "nonsense")

    assert capsys.readouterr().out == "https://patchmon.example.com\n"
    assert server_url() == "https://patchmon.example.com"
