"""Secrets, what browsers are told, and what a log holds (rp-cases 4.8, cases 141 to 146)."""

from __future__ import annotations

import re

import pytest
from auditlog.models import LogEntry
from django.conf import settings as django_settings
from django.core import mail, serializers
from django.test import Client

from accounts.models import Session
from sso import conf
from sso.backends import OIDCBackend
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping, SignInAttempt
from sso.rules.reasons import Reason
from sso.services.settings import SettingsRefused, save_settings
from sso.views.browser_key import COOKIE
from tests.fakes.provider import Reply
from tests.people import HOST
from tests.sso.cases.front_door import START, Browser, assert_refused, connect
from tests.sso.cases.hostile import HostileProvider

pytestmark = pytest.mark.django_db

PAGES = ("/", "/settings/oidc", "/settings/users", "/settings/general", "/settings/sign-ins")
SIGNED_OUT = ("/login", "/setup", START)


def stored() -> str:
    """Return every row about single sign-on, as a dump or an export would show it."""
    models = (OIDCSettings, RoleMapping, LinkedIdentity, SignInAttempt, LogEntry, Session)
    rows = [row for model in models for row in model.objects.all()]
    return f"{serializers.serialize('json', rows)}{[vars(row) for row in rows]!r}"


@pytest.mark.case(141, "D59")
def test_the_client_secret_is_shown_nowhere(provider, log, admin_client):
    connect(provider)
    Browser(provider, log).sign_in()
    connect(provider, client_secret="another-Secret~value-0123456789")
    told = [admin_client.get(page).text for page in PAGES]
    told += [admin_client.get("/api/v1/auth/oidc/settings").text, admin_client.get("/admin/").text]
    told += [
        admin_client.get(page).text
        for page in ("/admin/sso/oidcsettings/", "/admin/auditlog/logentry/")
    ]
    told += [stored(), repr(conf.current()), log.text, repr(mail.outbox)]

    for secret in ("another-Secret~value-0123456789", provider.client_secret):
        for place, text in enumerate(told):
            assert secret not in text, place
    assert "client_secret" in stored()


@pytest.mark.case(141)
def test_another_key_switches_single_sign_on_off_and_sends_nothing(provider, log, settings):
    connect(provider)
    stored_secret = OIDCSettings.load().client_secret_encrypted
    settings.ENCRYPTION_KEYS = ["c29tZS1vdGhlci1rZXktb2YtMzItYnl0ZXMtaGVyZSE="]
    browser = Browser(provider, log)

    answer = browser.get(START)

    assert answer.status_code == 503
    assert "unavailable at the moment" in browser.page
    assert provider.asked["token"] == 0
    assert stored_secret not in log.text + answer.text
    assert OIDCSettings.load().client_secret_encrypted == stored_secret


@pytest.mark.case(141, "D59")
def test_no_error_page_shows_what_is_on_its_way(browser, provider, monkeypatch, settings):
    """A fault of ours, with everything on the stack that a callback has."""

    def fail(*_args, **_kwargs):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("sso.services.verification.identity_from", fail)
    assert settings.DEBUG is False
    browser.raise_request_exception = False
    query = browser.begin()
    answer = browser.come_back(query)

    assert answer.status_code == 500
    for secret in provider.secrets:
        assert secret not in answer.text + browser.log.text
    assert browser.username == ""


@pytest.mark.case(142)
def test_the_stored_secret_goes_to_no_other_host(provider):
    connect(provider)
    before = OIDCSettings.objects.values().get()
    for issuer in ("https://evil.example", "https://sso.example.com:444/realms/main"):
        with pytest.raises(SettingsRefused) as refused:
            save_settings({"issuer": issuer}, actor=None)
        assert "client_secret" in refused.value.errors
        assert provider.client_secret not in repr(refused.value.errors)

    assert OIDCSettings.objects.values().get() == before


@pytest.mark.case(142)
def test_a_change_of_the_issuer_is_on_record_without_the_secret(provider):
    connect(provider)
    save_settings(
        {"issuer": "https://other.example.com", "client_secret": "the-new-secret-value"},
        actor=None,
    )

    entry = LogEntry.objects.filter(object_repr="OIDC / SSO settings").order_by("-pk")[0]
    assert entry.changes["issuer"] == [provider.issuer, "https://other.example.com"]
    assert entry.changes["client_secret"][1] == "changed"
    assert "the-new-secret-value" not in stored()


@pytest.mark.case(144)
def test_cookies_are_out_of_reach_for_scripts_and_come_back_from_the_provider(browser):
    browser.sign_in()

    for name in (django_settings.SESSION_COOKIE_NAME, COOKIE):
        cookie = browser.cookies[name]
        assert cookie["httponly"] is True
        # Strict would not come along on the way back from the provider.
        assert cookie["samesite"] == "Lax"
        assert cookie["domain"] == ""
        assert cookie["path"] == "/"


@pytest.mark.case(145)
@pytest.mark.parametrize("path", [*SIGNED_OUT, *PAGES, "/profile", "/admin/"])
def test_no_page_is_framed_and_none_runs_what_it_did_not_bring(browser, admin_client, path):
    visitor = admin_client if path not in SIGNED_OUT else browser
    answer = visitor.get(path)

    policy = answer["Content-Security-Policy"]
    for directive in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    # What leads to the provider is a link: `form-action` holds against redirects behind forms.
    assert f'action="{START}' not in answer.text
    if not path.startswith("/admin"):
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=", answer.text)


@pytest.mark.case(145)
@pytest.mark.parametrize(
    "path",
    [
        "/settings/oidc",
        "/settings/oidc/secret",
        "/settings/oidc/enable",
        "/profile/identities/connect",
        "/profile/identities/1/disconnect",
        "/login",
    ],
)
def test_a_form_of_another_site_changes_nothing(provider, administrator, path):
    connect(provider)
    client = Client(headers={"host": HOST}, enforce_csrf_checks=True)
    client.force_login(administrator, backend="accounts.backends.PasswordBackend")
    before = OIDCSettings.objects.values().get()

    answer = client.post(path, {"enabled": "", "client_secret": "x"})

    assert answer.status_code == 403
    assert OIDCSettings.objects.values().get() == before


@pytest.mark.case(146, "D19", "D37")
def test_whatever_is_said_is_one_line_of_the_log(browser, provider: HostileProvider):
    nasty = 'a\r\n{"level": "critical"}\x1b[31m\u202e\u2028b'
    refusal = Reply.json({"error": nasty, "error_description": nasty}, 400)
    provider.told["token"] = lambda _honest: refusal
    browser.sign_in()
    assert_refused(browser, Reason.TOKEN_REFUSED)
    browser.remember()
    provider.told = {"userinfo": lambda u: u | {"name": nasty, "email": nasty, "groups": [nasty]}}
    browser.sign_in()
    browser.come_back({"state": nasty, "code": nasty, "iss": nasty})
    browser.get("/login", headers={"user-agent": nasty.replace("\r\n", " ")})

    for line in browser.log.lines:
        assert line.isascii()
        assert line.isprintable()


@pytest.mark.case(143, "D28", "D47", "D57")
def test_upstreams_own_way_in_is_closed(browser, provider):
    """Whatever of mozilla-django-oidc is still reachable answers on the safe side."""
    safe = {
        "OIDC_VERIFY_SSL": True,
        "OIDC_USE_PKCE": True,
        "OIDC_USE_NONCE": True,
        "OIDC_ALLOW_UNSECURED_JWT": False,
        "OIDC_STORE_ACCESS_TOKEN": False,
        "OIDC_STORE_ID_TOKEN": False,
        "OIDC_CREATE_USER": False,
    }
    for name, value in safe.items():
        assert OIDCBackend.get_settings(name) is value
    for path in ("/oidc/callback/", "/oidc/authenticate/", "/oidc/logout/"):
        assert browser.get(path).status_code in {302, 404}
    assert provider.total == 0
