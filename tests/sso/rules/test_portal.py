from __future__ import annotations

import pytest

from sso.rules.explanations import Blade
from sso.rules.portal import blade_link

TENANT = "8b2ff1d1-6f6c-4f0e-9a55-0d3a6bb1c0de"
CLIENT = "0f0e3b1c-9a0b-4f51-8a37-2f0f5b8c9d11"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
PORTAL = f"https://entra.microsoft.com/{TENANT}/"
APPS = "#view/Microsoft_AAD_RegisteredApps"


@pytest.mark.parametrize(
    ("blade", "menu"),
    [
        (Blade.OVERVIEW, "Overview"),
        (Blade.AUTHENTICATION, "Authentication"),
        (Blade.SECRETS, "Credentials"),
        (Blade.TOKEN_CONFIGURATION, "TokenConfiguration"),
        (Blade.PERMISSIONS, "CallAnAPI"),
    ],
)
def test_a_blade_of_the_app_in_its_tenant(blade, menu):
    link = blade_link(blade, issuer=ISSUER, client_id=CLIENT)

    assert link == f"{PORTAL}{APPS}/ApplicationMenuBlade/~/{menu}/appId/{CLIENT}"


@pytest.mark.parametrize(
    ("issuer", "client_id", "link"),
    [
        (ISSUER, "", f"{PORTAL}{APPS}/ApplicationsListBlade"),
        (ISSUER, "not-a-guid/../x", f"{PORTAL}{APPS}/ApplicationsListBlade"),
        ("", "", f"https://entra.microsoft.com/{APPS}/ApplicationsListBlade"),
        ("https://login.microsoftonline.us/x/v2.0", CLIENT, ""),
        ("https://sso.example.com/realms/main", CLIENT, ""),
        ("http://127.0.0.1:8400/x/v2.0", CLIENT, ""),
    ],
)
def test_as_near_as_what_is_known_allows(issuer, client_id, link):
    assert blade_link(Blade.SECRETS, issuer=issuer, client_id=client_id) == link


def test_other_blades_lead_to_the_portal_and_none_to_nowhere():
    assert blade_link(Blade.ASSIGNMENT, issuer=ISSUER, client_id=CLIENT) == PORTAL
    assert blade_link(Blade.NONE, issuer=ISSUER, client_id=CLIENT) == ""
