"""The setup guide in the page: this installation's values, and what is done (issue 5)."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from entra_sim import defaults
from sso import conf
from sso.models import LinkedIdentity
from sso.services.guide import guide
from sso.services.settings import save_settings
from tests.sso.pages import SETTINGS, reads

pytestmark = pytest.mark.django_db

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "99999999-8888-4777-8666-555555555555"


def steps(page) -> dict[int, tuple[str, bool]]:
    """Return each step's title, and whether it is marked as done."""
    part = page.text.partition('id="setup-guide"')[2].partition("</details>")[0]
    heads = re.findall(r"<h4>(.*?)</h4>(.*?)</div>", part, re.DOTALL)
    return {number: (title, "Done" in rest) for number, (title, rest) in enumerate(heads, start=1)}


def done(page) -> set[int]:
    return {number for number, (_, is_done) in steps(page).items() if is_done}


def test_an_empty_installation_has_everything_to_do(admin_client):
    page = admin_client.get(SETTINGS)

    assert [title for title, _ in steps(page).values()] == [
        "Copy the callback URL",
        "Register the application",
        "Create a client secret",
        "Put the groups into the token",
        "Grant the permission",
        "Make the groups",
        "Fill in OAuth2 Configuration",
        "Set the toggles",
        "Fill in Role Mapping",
        "Enable, connect yourself, try it",
    ]
    assert done(page) == set()
    text = reads(page)
    assert "Next: step 1." in text
    assert 'id="guide_callback_url" value="http://localhost:3000/api/v1/auth' in page.text
    assert "https://login.microsoftonline.com/<TENANT_ID>/v2.0" in text
    assert 'href="https://entra.microsoft.com/"' in page.text
    assert "RegisteredApps/ApplicationsListBlade" in page.text
    assert "Optional: SSO only" in text


def test_the_page_says_what_to_do_next_until_sso_is_on(connected, admin_client):
    def ahead():
        return reads(admin_client.get(SETTINGS)).partition("Configuration Enable OIDC")[0]

    assert "Before you can enable" not in ahead()
    assert "still off" not in ahead()

    save_settings({"enabled": False}, actor=None)
    assert "Everything is filled in. Check it next" in ahead()

    admin_client.post(f"{SETTINGS}/check")
    assert "Filled in, and still off The last check passed." in ahead()

    save_settings({"client_id": ""}, actor=None)
    assert "Before you can enable OIDC / SSO Client ID is empty." in ahead()


def test_values_and_deep_links_are_those_of_this_installation(admin_client):
    save_settings(
        {
            "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "client_id": CLIENT,
            "client_secret": "Pasted~Value.0123456789-abcdefghijklmnop",
            "scopes": "openid email profile User.Read",
            "button_text": "Company login",
            "sync_roles": True,
            "user_group": defaults.ROLE_GROUPS["user"],
        },
        actor=None,
    )

    page = admin_client.get(SETTINGS)

    assert done(page) == {2, 3, 6, 7, 8, 9}
    for blade in ("Overview", "Credentials", "TokenConfiguration", "CallAnAPI"):
        link = f"https://entra.microsoft.com/{TENANT}/#view/Microsoft_AAD_RegisteredApps"
        assert f'href="{link}/ApplicationMenuBlade/~/{blade}/appId/{CLIENT}"' in page.text
    text = reads(page)
    assert f"https://login.microsoftonline.com/{TENANT}/v2.0" in text
    assert "press Company login" in text
    assert "Put your Directory (tenant) ID" not in text
    assert "Pasted~Value" not in page.text


def test_what_worked_ticks_the_rest(connected, administrator, admin_client):
    before = done(admin_client.get(SETTINGS))
    assert before == {2, 3, 6, 7, 8, 9}
    LinkedIdentity.objects.create(
        user=administrator,
        issuer=conf.current().issuer,
        subject="boss",
        groups=[defaults.ROLE_GROUPS["superadmin"]],
        last_sign_in=timezone.now(),
    )

    page = admin_client.get(SETTINGS)

    assert done(page) == set(range(1, 11))
    assert "All ten steps are done." in reads(page)
    assert guide(conf.current()).enforced is False


def test_a_check_that_passed_ticks_what_only_the_provider_knows(connected, admin_client):
    admin_client.post(f"{SETTINGS}/check")

    assert done(admin_client.get(SETTINGS)) >= {1, 5}


def test_a_check_that_failed_ticks_nothing(connected, admin_client):
    save_settings({"client_secret": "Another~Value.0123456789-abcdefghijklmn"}, actor=None)
    admin_client.post(f"{SETTINGS}/check")

    assert not done(admin_client.get(SETTINGS)) & {1, 4, 5, 10}


def test_sso_only_is_ticked_once_it_is_on(connected, administrator, admin_client):
    LinkedIdentity.objects.create(
        user=administrator,
        issuer=conf.current().issuer,
        subject="boss",
        last_sign_in=timezone.now(),
    )
    save_settings({"disable_local_auth": True}, actor=None)

    assert guide(conf.current()).enforced is True
    # No group came with it.
    assert 4 not in done(admin_client.get(SETTINGS))


def test_another_provider_gets_no_link_into_entra(admin_client):
    save_settings({"issuer": "https://login.example.com/realms/x"}, actor=None)

    page = admin_client.get(SETTINGS)

    guide_text = page.text.partition('id="setup-guide"')[2]
    assert "entra.microsoft.com" not in guide_text
    assert "https://login.example.com/realms/x" in guide_text


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://patchmon.example.com", True),
        ("http://localhost:3000", True),
        ("http://patchmon.example.com", False),
    ],
)
def test_an_address_that_entra_does_not_take_is_said(admin_client, settings, url, fits):
    settings.SERVER_URL = url
    host = url.partition("//")[2]

    text = reads(admin_client.get(SETTINGS, headers={"host": host}))

    assert ("put PatchMon behind https" in text) is not fits
