from __future__ import annotations

import json
import re

import pytest

from entra_sim import defaults
from entra_sim.browser import StoppedAtProvider
from tests.entra_sim.client import CALLBACK, found, query_of


def page_code(answer):
    """Read the AADSTS number from $Config, having checked that the page is one of Entra's own."""
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    config = json.loads(found(r"\$Config=(\{.*\});", answer.text))
    assert config["strServiceExceptionMessage"].startswith(f"AADSTS{config['iErrorCode']}: ")
    assert config["correlationId"] in answer.text.partition("<script>")[0]
    return config["iErrorCode"]


def redirected(answer):
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    values = query_of(answer.headers["Location"])
    assert values["state"] == "the-state"
    assert "code" not in values
    return values


def test_the_picker_lists_everybody_with_their_case(client):
    page = client.authorize()

    assert page.status_code == 200
    for person in client.sim.tenant.people.values():
        assert f'value="{person.key}"' in page.text
    assert "王美丽 ليلى حسن" in page.text


def test_picking_a_person_goes_back_with_a_code(client):
    answer = client.pick(client.authorize(), person="alice")

    assert answer.status_code == 302
    values = query_of(answer.headers["Location"])
    assert set(values) == {"code", "state", "session_state"}
    assert values["state"] == "the-state"


def test_a_form_sent_twice_gives_one_code(client):
    page = client.authorize()
    client.pick(page, person="alice")

    assert page_code(client.pick(page, person="alice")) == 50089


def test_fragment_and_form_post_are_answered_in_kind(client):
    fragment = client.pick(client.authorize(response_mode="fragment"), person="alice")
    posted = client.pick(client.authorize(response_mode="form_post"), person="alice")

    assert fragment.headers["Location"].startswith(f"{CALLBACK}#code=")
    assert posted.status_code == 200
    assert f'action="{CALLBACK}"' in posted.text
    assert 'name="code"' in posted.text


@pytest.mark.parametrize(
    ("tenant", "changes", "code"),
    [
        ("11111111-2222-4333-8444-555555555555", {}, 90002),
        ("nonsense", {}, 900023),
        ("", {"client_id": "11111111-2222-4333-8444-555555555555"}, 700016),
        ("", {"client_id": None}, 900144),
        (defaults.OTHER_TENANT_ID, {}, 700016),
        ("common", {}, 50194),
        ("organizations", {}, 50194),
        ("", {"redirect_uri": None}, 900971),
        ("", {"redirect_uri": "/api/v1/auth/oidc/callback"}, 90102),
        ("", {"redirect_uri": "http://["}, 50011),
        ("", {"redirect_uri": CALLBACK + "/"}, 50011),
        ("", {"redirect_uri": CALLBACK.replace("callback", "Callback")}, 50011),
        ("", {"redirect_uri": CALLBACK.replace("http:", "https:")}, 50011),
        ("", {"redirect_uri": CALLBACK + "?x=1"}, 50011),
    ],
)
def test_what_is_wrong_before_the_address_is_trusted_stays_on_the_page(
    client, tenant, changes, code
):
    assert page_code(client.authorize(tenant, **changes)) == code


def test_an_app_without_addresses_or_switched_off_stays_on_the_page(client):
    client.sim.tenant.app.callback_urls = []
    assert page_code(client.authorize()) == 500113
    client.sim.tenant.app.enabled = False
    assert page_code(client.authorize()) == 7000112


def test_a_doubled_parameter_stays_on_the_page(client):
    assert page_code(client.get(client.authorize_url() + "&state=other")) == 90100


def test_only_the_port_of_localhost_is_left_out_of_the_comparison(client):
    other_port = CALLBACK.replace(":3000", ":4711")
    other_host = CALLBACK.replace("localhost", "127.0.0.1")

    assert "Pick an account" in client.authorize(redirect_uri=other_port).text
    assert page_code(client.authorize(redirect_uri=other_host)) == 50011
    client.sim.tenant.app.callback_urls.append("https://patchmon.example:8443/callback")
    wrong_port = "https://patchmon.example:9443/callback"
    assert page_code(client.authorize(redirect_uri=wrong_port)) == 50011


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"scope": "openid email profile groups"}, "invalid_client", 650053),
        ({"scope": "openid address"}, "invalid_scope", 70011),
        ({"scope": "openid api://x/.default"}, "invalid_resource", 500011),
        ({"scope": None}, "invalid_request", 900144),
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"response_type": "token"}, "unsupported_response_type", 70005),
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_mode": "carrier_pigeon"}, "invalid_request", 70007),
        ({"prompt": "create"}, "invalid_request", 90023),
        ({"prompt": "select_account", "login_hint": "a@b.example"}, "invalid_request", 90023),
        ({"code_challenge": "short"}, "invalid_request", 50147),
        ({"code_challenge": None}, "invalid_request", 90023),
        ({"prompt": "none"}, "login_required", 50058),
    ],
)
def test_what_is_wrong_afterwards_goes_back_to_the_application(client, changes, error, code):
    values = redirected(client.authorize(**changes))

    assert values["error"] == error
    assert values["error_description"].startswith(f"AADSTS{code}: ")
    assert re.search(r"\r\nTrace ID: \S+\r\nCorrelation ID: \S+\r\n", values["error_description"])
    assert values["error_uri"].endswith(f"/error?code={code}")


def test_the_scope_groups_can_be_refused_as_the_guide_says(client):
    client.sim.tenant.unknown_scope_code = 70011
    values = redirected(client.authorize(scope="openid groups"))
    assert (values["error"], values["error_description"][:11]) == ("invalid_scope", "AADSTS70011")


def test_cancelling_comes_back_without_a_description(client):
    values = redirected(client.pick(client.authorize(), action="cancel"))
    assert values == {"error": "access_denied", "error_subcode": "cancel", "state": "the-state"}


def test_declining_consent_comes_back_as_65004(client):
    values = redirected(client.pick(client.authorize(), action="decline"))
    assert values["error"] == "consent_required"
    assert values["error_description"].startswith("AADSTS65004: ")


def test_a_planted_failure_stays_or_comes_back_by_its_kind(client):
    assert page_code(client.pick(client.authorize(), fail="53003")) == 53003
    values = redirected(client.pick(client.authorize(), fail="90033"))
    assert values["error"] == "temporarily_unavailable"


def test_people_who_may_not_sign_in_stay_on_the_page(client):
    tenant = client.sim.tenant
    assert page_code(client.pick(client.authorize(), person="dora")) == 50057
    assert page_code(client.pick(client.authorize(), person="mallory")) == 50020
    tenant.people["ravi"].refusal = 53003
    assert page_code(client.pick(client.authorize(), person="ravi")) == 53003
    tenant.app.assignment_required = True
    tenant.app.assigned = {"nora", defaults.ROLE_GROUPS["user"]}
    assert page_code(client.pick(client.authorize(), person="adam")) == 50105
    assert client.pick(client.authorize(), person="nora").status_code == 302
    assert client.pick(client.authorize(), person="alice").status_code == 302


def test_consent_is_asked_once_and_can_be_declined(client):
    client.sim.tenant.app.consented.discard("User.Read")
    asked = client.pick(client.authorize(), person="alice")
    assert "<li>User.Read</li>" in asked.text
    values = redirected(client.pick(asked, action="decline"))
    assert values["error"] == "consent_required"

    given = client.pick(client.pick(client.authorize(), person="alice"), action="accept")

    assert "code" in query_of(given.headers["Location"])
    assert client.pick(client.authorize(), person="alice").status_code == 302
    asked_though_given = client.pick(client.authorize(prompt="consent"), person="alice")
    assert "Permissions requested" in asked_though_given.text


def test_an_address_without_a_path_gets_a_slash(client):
    client.sim.tenant.app.callback_urls.append("https://patchmon.example")
    page = client.authorize(redirect_uri="https://patchmon.example")
    answer = client.pick(page, person="alice")
    assert answer.headers["Location"].startswith("https://patchmon.example/?code=")


def test_a_page_left_open_too_long_starts_again(client):
    page = client.authorize()
    client.sim.tenant.clock_skew = 700
    assert page_code(client.pick(page, person="alice")) == 50089


def test_odd_cookies_are_nobody_s_session(client):
    headers = {"Cookie": "a,b=c; ESTSAUTH=x"}
    answer = client.get(client.authorize_url(prompt="none"), headers=headers)
    assert redirected(answer)["error"] == "login_required"


def test_a_permission_for_administrators_is_refused_on_the_page(client):
    wanted = client.authorize(scope="openid GroupMember.Read.All")
    assert page_code(client.pick(wanted, person="alice")) == 90094


class TestSession:
    def test_none_answers_at_once_after_a_sign_in(self, client):
        first = query_of(client.pick(client.authorize(), person="alice").headers["Location"])

        again = client.authorize(prompt="none")

        assert again.status_code == 302
        values = query_of(again.headers["Location"])
        assert values["session_state"] == first["session_state"]
        assert values["code"] != first["code"]

    def test_none_for_another_account_is_login_required(self, client):
        client.pick(client.authorize(), person="alice")
        values = redirected(client.authorize(prompt="none", login_hint="ravi@contoso.com"))
        assert values["error"] == "login_required"

    def test_none_without_consent_or_for_a_leaver_says_so(self, client):
        client.pick(client.authorize(), person="alice")
        client.sim.tenant.app.consented.discard("User.Read")
        assert redirected(client.authorize(prompt="none"))["error"] == "consent_required"
        client.sim.tenant.people["alice"].enabled = False
        assert redirected(client.authorize(prompt="none"))["error"] == "interaction_required"

    @pytest.mark.parametrize("prompt", [None, "login", "select_account"])
    def test_every_other_prompt_shows_the_picker(self, client, prompt):
        client.pick(client.authorize(), person="alice")
        assert "Pick an account" in client.authorize(prompt=prompt).text

    def test_another_person_gets_a_session_of_their_own(self, client):
        first = query_of(client.pick(client.authorize(), person="alice").headers["Location"])
        second = query_of(client.pick(client.authorize(), person="ravi").headers["Location"])
        assert first["session_state"] != second["session_state"]

    def test_the_hinted_account_comes_first(self, client):
        page = client.authorize(login_hint="RAVI@contoso.com")
        assert found(r'name="person" value="([^"]+)"', page.text) == "ravi"


class TestBrowser:
    def test_each_browser_has_its_own_session(self, client):
        client.sim.sign_in(client.authorize_url(), "alice")
        silent = client.authorize_url(prompt="none")

        assert "code" in query_of(client.sim.browser.silent(silent))
        other = query_of(client.sim.new_browser().silent(silent))
        assert other["error"] == "login_required"

    def test_it_consents_cancels_declines_and_fails(self, client):
        client.sim.tenant.app.consented.discard("User.Read")
        browser, url = client.sim.browser, client.authorize_url()

        assert "code" in query_of(browser.sign_in(url, "alice"))
        assert query_of(browser.cancel(url))["error"] == "access_denied"
        assert query_of(browser.decline(url))["error"] == "consent_required"
        assert query_of(browser.fail(url, 90033))["error"] == "temporarily_unavailable"

    def test_a_page_of_the_tenant_is_an_exception_with_its_number(self, client):
        with pytest.raises(StoppedAtProvider) as stopped:
            client.sim.sign_in(client.authorize_url(), "dora")
        assert stopped.value.code == 50057
