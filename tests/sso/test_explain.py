"""Explain an error: whatever is pasted is answered, and kept nowhere."""

from __future__ import annotations

import logging

import pytest
from auditlog.models import LogEntry
from django.core.cache import cache
from django.test import Client

from accounts.roles import Role
from accounts.services import create_user
from sso.models import SignInAttempt
from tests.people import HOST, PASSWORD
from tests.sso.pages import SETTINGS, reads

pytestmark = pytest.mark.django_db

EXPLAIN = f"{SETTINGS}/explain"
PAGE = """Sorry, but we’re having trouble signing you in.

AADSTS50011: The redirect URI 'https://patchmon.example.com/callback' specified in the request does
not match the redirect URIs configured for the application.

Request Id: 4f2d4a0e-0000-4000-8000-000000000001
Correlation Id: 4f2d4a0e-0000-4000-8000-000000000002
Timestamp: 2026-08-25T11:20:33Z"""


def explained(browser: Client, text: str) -> str:
    page = browser.post(EXPLAIN, {"text": text, "partial": "1"})
    assert page.status_code == 200
    return reads(page)


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        (PAGE, "The callback URL that PatchMon sends is not registered in Entra."),
        ("50011", "The callback URL that PatchMon sends is not registered in Entra."),
        ("aadsts50011", "The callback URL that PatchMon sends is not registered in Entra."),
        ('"error_codes":[7000215]', "The client secret is wrong."),
        ("https://login.microsoftonline.com/error?code=90094", "only an administrator may agree"),
        ("error=access_denied&state=x", "did not agree to the permissions"),
        ("AADSTS999999", "a code that PatchMon has no words for"),
    ],
)
def test_a_code_or_a_whole_text_is_explained(admin_client, pasted, says):
    assert says in explained(admin_client, pasted)


def test_each_of_several_codes_is_explained_the_most_telling_first(admin_client):
    text = explained(admin_client, "AADSTS70002: … AADSTS999999: … AADSTS54005: …")

    assert text.index("AADSTS54005") < text.index("AADSTS70002")
    assert "AADSTS999999" in text


def test_who_mends_it_and_where(admin_client):
    page = admin_client.post(EXPLAIN, {"text": "AADSTS7000222"})

    text = reads(page)
    assert "Who can mend it: A PatchMon administrator" in text
    assert 'href="/settings/oidc#id_client_secret"' in page.text
    assert "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps" in page.text


@pytest.mark.parametrize("pasted", ["", "   ", "it does not work", "x" * 30_000, "\x00\u200b🔑"])
def test_a_text_without_a_code_is_told_what_to_paste(admin_client, pasted):
    assert "Paste what Microsoft's page says" in explained(admin_client, pasted)


def test_without_javascript_it_is_a_page_that_keeps_what_was_typed(admin_client):
    page = admin_client.post(EXPLAIN, {"text": "AADSTS50105 <b>bold</b>"})

    assert "<!doctype html>" in page.text
    assert "AADSTS50105 &lt;b&gt;bold&lt;/b&gt;</textarea>" in page.text
    assert "The person is not assigned to the app." in reads(page)
    assert admin_client.get(EXPLAIN)["Location"] == SETTINGS


def test_the_box_is_on_the_settings_page_and_empty(admin_client):
    page = admin_client.get(SETTINGS)

    assert f'action="{EXPLAIN}"' in page.text
    assert "Paste what Microsoft's page says from" not in reads(page)


def test_nothing_pasted_is_stored_or_logged(administrator, admin_client, caplog):
    caplog.set_level(logging.DEBUG)
    marker = "Contoso-secret-marker"
    changes = LogEntry.objects.count()

    explained(admin_client, f"AADSTS50011 {marker}")

    assert marker not in caplog.text
    assert not SignInAttempt.objects.exists()
    assert LogEntry.objects.count() == changes
    assert marker not in repr(getattr(cache, "_cache", {}))
    assert marker not in admin_client.get(SETTINGS).text


def test_only_who_can_manage_settings(administrator, client):
    assert client.post(EXPLAIN, {"text": "50011"})["Location"].startswith("/login")
    user = create_user(
        usernames=["someone"],
        email="someone@example.org",
        first_name="",
        last_name="",
        role=Role.HOST_MANAGER,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    assert browser.post(EXPLAIN, {"text": "50011"}).status_code == 403
