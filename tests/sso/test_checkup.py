"""Check configuration as an administrator, a script and the command line meet it."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from sso import conf
from sso.encryption import encrypt
from sso.environment import read_environment
from sso.models import LinkedIdentity, OIDCSettings, SignInAttempt
from sso.provider import breaker
from sso.provider.checkup.findings import Outcome, Step
from sso.readiness import readiness
from sso.services.checkup_runs import CHECKS_A_MINUTE, run_all
from sso.services.settings import save_settings
from tests.fakes.provider import FakeProvider, Reply, jwk
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.misconfigurations import CALLBACK
from tests.sso.pages import SETTINGS, reads

pytestmark = pytest.mark.django_db

CHECK = f"{SETTINGS}/check"
API = "/api/v1/auth/oidc/settings/check"
STEPS = [step.value for step in Step]


def run_steps(browser: Client, *, until: str = "") -> list[dict[str, Any]]:
    """Press the button as the page's script does: one request a step, as each answer names it."""
    answers = []
    step = STEPS[0]
    while step:
        answer = browser.post(CHECK, {"step": step})
        assert answer.status_code == 200, answer.content
        answers.append(answer.json())
        step = answers[-1]["next"]
        if step == until:
            break
    return answers


def outcomes() -> dict[str, str]:
    return {each.step.value: each.outcome.value for each in run_all(conf.current()).steps}


def finding(step: Step):
    result = next(each for each in run_all(conf.current()).steps if each.step is step)
    assert len(result.findings) == 1, result.findings
    return result.findings[0]


# Who may


def test_a_visitor_is_led_to_the_sign_in_page(administrator, client):
    assert client.post(CHECK)["Location"] == f"/login?next={CHECK}"
    assert client.post(API, content_type="application/json").status_code == 401


@pytest.mark.case(97)
@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER])
def test_only_who_can_manage_settings_checks(connected, role):
    user = create_user(
        usernames=["someone"],
        email="someone@example.org",
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    connected.requests.clear()

    assert browser.post(CHECK).status_code == 403
    assert browser.post(CHECK, {"step": "client"}).status_code == 403
    assert browser.post(API, content_type="application/json").status_code == 403
    assert list(connected.requests) == []


def test_another_site_starts_no_check(connected, administrator):
    browser = Client(enforce_csrf_checks=True, headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")
    connected.requests.clear()

    assert browser.post(CHECK).status_code == 403
    assert browser.post(API, content_type="application/json").status_code == 403
    assert list(connected.requests) == []


def test_the_address_alone_leads_back_to_the_page(admin_client):
    assert admin_client.get(CHECK)["Location"] == SETTINGS


# How it runs


def test_step_after_step_is_answered_as_it_finishes(connected, admin_client):
    answers = run_steps(admin_client)

    assert [answer["step"] for answer in answers] == STEPS
    assert [answer["number"] for answer in answers] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {answer["outcome"] for answer in answers} == {"passed"}
    assert [bool(answer["summary"]) for answer in answers] == [False] * 7 + [True]
    assert answers[-1]["summary"] == "The last check passed."
    for answer in answers:
        assert answer["html"].lstrip().startswith("<li")
        assert "Passed" in answer["html"]


def test_it_changes_nothing_and_signs_nobody_in(connected, admin_client):
    before = OIDCSettings.objects.values().get()
    sessions = Session.objects.count()

    run_steps(admin_client)

    assert OIDCSettings.objects.values().get() == before
    assert Session.objects.count() == sessions
    assert not SignInAttempt.objects.exists()
    assert not LinkedIdentity.objects.exists()
    assert User.objects.count() == 1


def test_each_step_finds_out_for_itself_when_nothing_is_remembered(connected, admin_client):
    for step in reversed(STEPS):
        cache.clear()
        answer = admin_client.post(CHECK, {"step": step}).json()
        assert (answer["step"], answer["outcome"]) == (step, "passed")


def test_what_hangs_on_a_failed_step_is_not_tried(connected, admin_client):
    connected.fail("discovery", 404, body="<html></html>")
    connected.requests.clear()

    answers = {answer["step"]: answer for answer in run_steps(admin_client)}

    assert answers["discovery"]["outcome"] == "failed"
    for step in ("keys", "client", "redirect", "graph"):
        assert answers[step]["outcome"] == "unknown"
        assert "because step 3 did not pass" in answers[step]["html"]
    assert {entry.endpoint.value for entry in connected.requests} == {"discovery"}
    assert answers["mapping"]["summary"].startswith("The last check failed at step 3")


def test_a_step_that_does_not_exist(connected, admin_client):
    assert admin_client.post(CHECK, {"step": "secrets"}).status_code == 400


def test_without_javascript_one_page_has_all_steps(connected, admin_client):
    connected.tenant.app.secrets.clear()

    page = admin_client.post(CHECK)

    text = reads(page)
    assert page.status_code == 200
    assert page.text.count('class="check-step"') == 8
    assert "The last check failed at step 5 (Client ID and secret)." in text
    assert "The client secret is wrong." in text
    assert 'href="/settings/oidc#id_client_secret"' in page.text
    assert "App registrations → your app → Certificates &amp; secrets" in page.text
    assert "Trace ID" in text


def test_the_settings_page_offers_it_and_tells_how_it_ended_last(connected, admin_client):
    fresh = admin_client.get(SETTINGS)
    admin_client.post(CHECK)
    checked = admin_client.get(SETTINGS)

    assert f'action="{CHECK}"' in fresh.text
    assert "The last check passed." not in reads(fresh)
    assert "The last check passed." in reads(checked)
    # Neither box is inside the form that Apply sends.
    form = fresh.text[fresh.text.index('id="settings-form"') :].partition("</form>")[0]
    assert CHECK not in form
    assert "explain" not in form


def test_a_few_checks_a_minute_and_no_more(connected, admin_client):
    for _ in range(CHECKS_A_MINUTE):
        assert admin_client.post(CHECK).status_code == 200
    connected.requests.clear()

    page = admin_client.post(CHECK)
    answer = admin_client.post(API, content_type="application/json")

    assert (page.status_code, answer.status_code) == (429, 429)
    assert "Wait a minute" in reads(page)
    assert answer["Retry-After"] == "60"
    assert list(connected.requests) == []
    for _ in range(CHECKS_A_MINUTE * len(STEPS)):
        assert admin_client.post(CHECK, {"step": "fields"}).status_code == 200
    assert admin_client.post(CHECK, {"step": "client"}).status_code == 429
    assert list(connected.requests) == []


def test_it_works_before_sso_is_enabled_and_after_a_change_only_what_is_saved_counts(
    administrator, admin_client, sim
):
    connect(sim, enabled=False)
    assert admin_client.post(CHECK).context["summary"] == "The last check passed."

    save_settings({"client_secret": "Some~other.secret"}, actor=None)

    assert "The last check" not in reads(admin_client.get(SETTINGS))
    assert admin_client.post(CHECK).context["summary"].startswith("The last check failed at step 5")


def test_settings_that_change_in_the_middle_leave_no_verdict(connected, admin_client):
    run_steps(admin_client, until="redirect")
    save_settings({"scopes": "openid User.Read"}, actor=None)

    last = [admin_client.post(CHECK, {"step": step}).json() for step in STEPS[5:]][-1]

    assert last["summary"] == ""
    assert "The last check" not in reads(admin_client.get(SETTINGS))


def test_the_environment_s_values_are_checked(administrator, admin_client, sim, settings):
    settings.SSO_ENVIRONMENT = read_environment(
        {
            "OIDC_ISSUER_URL": sim.issuer,
            "OIDC_CLIENT_ID": defaults.CLIENT_ID,
            "OIDC_CLIENT_SECRET": defaults.EXPIRED_SECRET_VALUE,
        }.get
    )

    page = reads(admin_client.post(CHECK))

    assert "The client secret has expired." in page
    settings.SSO_ENVIRONMENT = read_environment({"OIDC_ISSUER_URL": sim.issuer}.get)
    text = reads(admin_client.post(CHECK))
    assert "Set OIDC_CLIENT_ID and restart PatchMon." in text
    assert "Set OIDC_CLIENT_SECRET and restart PatchMon." in text


def test_a_value_in_the_database_that_nobody_judged(administrator, sim):
    issuer = f"https://login.microsoftonline.com/{defaults.TENANT_ID}/v2.0/"
    OIDCSettings.load()
    OIDCSettings.objects.update(
        issuer=issuer,
        client_id="PatchMon",
        client_secret_encrypted=encrypt(defaults.SECRET_ID),
        scopes="openid groups",
    )

    check = run_all(conf.current())

    causes = {each.place: (each.happened, each.cure) for each in check.steps[0].findings}
    assert causes["issuer"][1] == f"Change it to {issuer[:-1]}"
    assert causes["client_id"][1].startswith("Copy the Application (client) ID")
    assert causes["client_secret"][0] == "This looks like the Secret ID."
    assert "no scope “groups”" in causes["scopes"][0]
    # Nothing is asked of anybody with values like these.
    assert {each.outcome for each in check.steps[1:7]} == {Outcome.UNKNOWN}


# The secret


def test_the_token_is_thrown_away_and_the_secret_shown_nowhere(connected, admin_client, caplog):
    caplog.set_level(logging.DEBUG)

    page = admin_client.post(CHECK)
    answers = run_steps(admin_client)
    api = admin_client.post(API, content_type="application/json")

    told = page.text + json.dumps(answers) + api.text + caplog.text
    assert defaults.SECRET_VALUE not in told
    assert "eyJ" not in told
    asked = [entry.request for entry in connected.requests if entry.endpoint.value == "token"]
    assert {request.form["grant_type"] for request in asked} == {"client_credentials"}
    assert {request.form["scope"] for request in asked} == {f"{connected.url}/.default"}
    # An invented code says nothing about the secret, and is never sent.
    assert not any("code" in request.form for request in asked)


def test_a_refused_client_ends_readiness_and_an_accepted_one_takes_that_back(connected):
    connected.tenant.app.secrets[0].expired = True
    outcomes()
    assert readiness(conf.current()).cause == "client_refused"

    connected.tenant.app.secrets[0].expired = False
    outcomes()

    assert readiness(conf.current()).ready


def test_a_refusal_is_no_matter_while_sso_is_off(administrator, sim):
    connect(sim, enabled=False, client_secret="Some~other.secret")

    assert outcomes()["client"] == "failed"

    assert not conf.current().client_refused
    assert readiness(conf.current()).cause == "off"


@pytest.mark.parametrize("code", [53003, 7000229])
def test_what_only_the_probe_meets_leaves_sso_ready(connected, code):
    connected.tenant.app.app_only_refusal = code

    assert finding(Step.CLIENT).code == f"AADSTS{code}"

    assert readiness(conf.current()).ready


def test_an_outage_is_told_as_one(connected):
    connected.fail("token", 503)
    connected.fail("keys", 429, body="{}", content_type="application/json")
    connected.fail("authorize", 503)
    connected.fail("page", 503)

    found = outcomes()

    for step in (Step.KEYS, Step.CLIENT, Step.REDIRECT, Step.GRAPH):
        assert found[step.value] == "unknown"
    assert readiness(conf.current()).ready


# What is asked of the provider


def test_the_authorization_request_is_the_real_one_without_a_person(connected):
    connected.requests.clear()

    outcomes()

    (asked,) = [entry for entry in connected.requests if entry.endpoint.value == "authorize"]
    query = asked.request.query
    assert query["prompt"] == "none"
    assert query["redirect_uri"] == CALLBACK
    assert query["scope"] == "openid email profile User.Read"
    assert query["code_challenge_method"] == "S256"
    assert "client_secret" not in query


def test_a_check_asks_little(connected):
    connected.requests.clear()

    outcomes()

    asked = [entry.endpoint.value for entry in connected.requests]
    assert asked.count("token") == asked.count("authorize") == asked.count("keys") == 1
    assert len(asked) <= 7


def test_a_host_that_is_left_alone_is_asked_all_the_same(connected):
    host = urlsplit(connected.url).hostname
    for _ in range(breaker.FAILURES):
        breaker.failed(host)
    assert breaker.is_open(host)

    assert set(outcomes().values()) == {"passed"}
    assert not breaker.is_open(host)


def test_a_redirect_is_told_and_not_followed(administrator):
    with FakeProvider.serving() as provider:
        away = Reply(302, headers={"Location": "https://portal.example/sign-in"})
        provider.reply("discovery", away)
        use(provider)

        found = finding(Step.DISCOVERY)

    assert "sends PatchMon on to portal.example" in found.happened
    assert dict(provider.asked) == {"discovery": 2}


@pytest.mark.parametrize(("skew", "warned"), [(90, False), (-90, False), (600, True), (-600, True)])
def test_the_clocks_may_differ_by_two_minutes(connected, skew, warned):
    connected.tenant.clock_skew = skew

    assert (outcomes()["host"] == "warning") is warned


# Providers that are not Entra


def use(provider: FakeProvider) -> None:
    save_settings(
        {
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "scopes": "openid email profile",
        },
        actor=None,
    )


@pytest.mark.parametrize(
    ("status", "told", "outcome"),
    [
        (200, {"access_token": "t", "token_type": "Bearer"}, Outcome.PASSED),
        (401, {"error": "invalid_client"}, Outcome.FAILED),
        (401, {"error": "unauthorized_client"}, Outcome.UNKNOWN),
        (400, {"error": "unsupported_grant_type"}, Outcome.UNKNOWN),
        (200, {}, Outcome.UNKNOWN),
        (200, {"access_token": 7}, Outcome.UNKNOWN),
    ],
)
def test_of_another_provider_only_a_clear_answer_counts(administrator, status, told, outcome):
    with FakeProvider.serving() as provider:
        provider.reply("token", Reply.json(told, status))
        use(provider)

        assert finding(Step.CLIENT).outcome is outcome

    assert "scope" not in provider.seen[-1].form
    assert "Not needed" in finding(Step.GRAPH).happened or outcome is not Outcome.PASSED


LEADS_BACK = f"{CALLBACK}?error=login_required&state=x"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(302, headers={"Location": LEADS_BACK}), Outcome.PASSED),
        (Reply(303, headers={"Location": LEADS_BACK}), Outcome.PASSED),
        (Reply(302, headers={"Location": f"{CALLBACK}?error=invalid_scope"}), Outcome.FAILED),
        (Reply(302, headers={"Location": f"{CALLBACK}?error=consent_required"}), Outcome.WARNING),
        (Reply(302, headers={"Location": f"{CALLBACK}?error=access_denied"}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": f"{CALLBACK}?{'a=1&' * 99}"}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": CALLBACK}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": "/login"}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": f"https://evil.example/?r={CALLBACK}"}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": f"{CALLBACK}.evil.example/"}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": "http://[broken"}), Outcome.UNKNOWN),
        (Reply(302), Outcome.UNKNOWN),
        (Reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), Outcome.UNKNOWN),
        (Reply(400, b"\xff\xfe"), Outcome.UNKNOWN),
    ],
)
def test_where_the_authorization_request_leads(administrator, reply, outcome):
    with FakeProvider.serving() as provider:
        provider.reply("unknown", reply)
        use(provider)

        assert finding(Step.REDIRECT).outcome is outcome

    asked = parse_qs(urlsplit(provider.seen[-1].url).query)
    assert asked["prompt"] == ["none"]


@pytest.mark.parametrize(
    "keys",
    [[], "none", [jwk("weak")], [jwk("rsa", use="enc")], [{"kty": "RSA"}], [7, None, [[]]]],
)
def test_keys_of_no_use(administrator, keys):
    with FakeProvider.serving() as provider:
        provider.keys = keys
        use(provider)

        found = finding(Step.KEYS)

    assert found.outcome is Outcome.FAILED
    assert "can use none" in found.happened


def test_many_keys_of_which_some_fit(administrator):
    with FakeProvider.serving() as provider:
        provider.keys = [jwk("rsa", kid=f"k{number}") for number in range(8)] + [jwk("weak")]
        use(provider)

        assert finding(Step.KEYS).happened == "8 usable keys for RS256."


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'"text"', b"\xff", b"[" * 5000, b'{"issuer": 1, "issuer": 2}']
)
def test_a_discovery_document_that_makes_no_sense(administrator, body):
    with FakeProvider.serving() as provider:
        provider.reply("discovery", Reply(200, body, {"Content-Type": "application/json"}))
        use(provider)

        assert finding(Step.DISCOVERY).outcome is Outcome.FAILED


def test_a_provider_that_calls_itself_otherwise(administrator):
    with FakeProvider.serving() as provider:
        use(provider)
        provider.document["issuer"] = f"{provider.issuer}/"

        found = finding(Step.DISCOVERY)

    assert found.cure == f"Put this into Issuer URL: {provider.issuer}/"
    assert found.place == "issuer"


def test_what_the_provider_says_is_text_and_no_markup(administrator, admin_client):
    with FakeProvider.serving() as provider:
        use(provider)
        provider.document["issuer"] = "https://a.example/<script>alert(1)</script>"

        page = admin_client.post(CHECK)

    assert "<script>alert" not in page.text


# The last check, on enabling


def enabled(browser: Client) -> str:
    browser.post(f"{SETTINGS}/enable", {"enabled": ["off", "on"], "current_password": PASSWORD})
    return reads(browser.get(SETTINGS))


def test_enabling_says_what_the_last_check_found(administrator, admin_client, sim):
    connect(sim, enabled=False)
    assert "It has not been checked" in enabled(admin_client)

    save_settings({"enabled": False}, actor=None)
    admin_client.post(CHECK)
    save_settings({"enabled": False}, actor=None)
    text = enabled(admin_client)

    assert "OIDC / SSO is enabled" in text
    assert "The last check passed." in text


def test_enabling_after_a_failed_check(administrator, admin_client, sim):
    connect(sim, enabled=False, client_secret=defaults.EXPIRED_SECRET_VALUE)
    admin_client.post(CHECK)

    assert "The last check failed at step 5" in enabled(admin_client)


# The API and the command line


def test_the_api_answers_with_every_step(connected, admin_client):
    connected.tenant.app.callback_urls.clear()

    answer = admin_client.post(API, content_type="application/json")

    told = answer.json()
    assert answer["Cache-Control"] == "no-store"
    assert told["outcome"] == "failed"
    assert told["summary"].startswith("The last check failed at step 6")
    assert [step["step"] for step in told["steps"]] == STEPS
    (found,) = told["steps"][5]["findings"]
    assert found["code"] == "AADSTS500113"
    assert found["who"] == "entra_administrator"
    assert found["blade"] == "App registrations → your app → Authentication"
    save_settings({"client_id": "0b1e2c3d-1111-4222-8333-444455556666"}, actor=None)
    (found,) = admin_client.post(API, content_type="application/json").json()["steps"][4][
        "findings"
    ]
    assert found["field"] == "oidc_client_id"


def command() -> str:
    out = io.StringIO()
    call_command("sso", "check", stdout=out)
    return out.getvalue()


def test_the_command_passes(connected):
    text = command()

    assert text.count(": Passed\n") == 8
    assert text.endswith("The last check passed.\n")


def test_the_command_fails_with_the_cause(connected):
    connected.tenant.app.secrets[0].expired = True
    out = io.StringIO()

    with pytest.raises(CommandError, match="failed at step 5"):
        call_command("sso", "check", stdout=out)

    assert "5. Client ID and secret: Failed" in out.getvalue()
    assert "   The client secret has expired." in out.getvalue()
    assert "field: Client Secret" in out.getvalue()
    assert "Certificates & secrets" in out.getvalue()


def test_an_unreachable_provider_takes_no_longer_than_one_step(administrator, monkeypatch):
    monkeypatch.setattr("sso.provider.connections.CONNECT_SECONDS", 0.3)
    # Reserved for documentation: nothing answers there.
    save_settings(
        {"issuer": "https://192.0.2.1/main", "client_id": "x", "client_secret": "y"}, actor=None
    )
    began = time.monotonic()

    found = outcomes()

    assert found["host"] == "failed"
    assert time.monotonic() - began < 2
