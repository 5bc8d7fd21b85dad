"""A browser's visit to PatchMon, and everything that a refusal must leave as it was."""

from __future__ import annotations

import logging
import time
from typing import Any

from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from accounts.models import Installation, ProfilePhoto, Session, User
from accounts.roles import Role
from accounts.services import create_user
from accounts.sessions import SessionStore
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping, SignInAttempt
from sso.rules.reasons import Reason
from sso.services.settings import save_settings
from sso.views.browser_key import COOKIE
from tests.fakes.provider import TENANT
from tests.people import HOST
from tests.sso.cases.hostile import EMAIL, ENTRA_GROUP, GROUP, HostileProvider, Query

OBJECT_ID = "7d0d3c1e-51b2-4c5a-8f1b-5f9b5a0d4e11"
CALLBACK = "/api/v1/auth/oidc/callback"
START = "/api/v1/auth/oidc/login"
KEPT = (
    User,
    LinkedIdentity,
    OIDCSettings,
    RoleMapping,
    Installation,
    ProfilePhoto,
    Session,
    LogEntry,
)
LOUD = ("", "django.request", "django.security", "django.db", "urllib3", "mozilla_django_oidc")


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row that a refused sign-in has no business to touch."""
    rows = {model.__name__: list(model.objects.order_by("pk").values()) for model in KEPT}
    for row in rows["OIDCSettings"]:
        # Not a setting: that the provider refused the client ends readiness at once.
        del row["client_refused"]
    return rows


def connect(provider: HostileProvider, **values: Any) -> None:
    """Set PatchMon up for this provider, with the roles from its groups."""
    save_settings(
        {
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "scopes": provider.scope,
            "sync_roles": True,
            "enabled": True,
            "host_manager_group": ENTRA_GROUP if provider.entra else GROUP,
            **values,
        },
        actor=None,
    )


def make_alice(provider: HostileProvider) -> User:
    """Make the person who has signed in before, as a User; her groups would give her more."""
    user = create_user(
        usernames=["alice"],
        email=EMAIL,
        first_name="Alice",
        last_name="Example",
        role=Role.USER,
        actor=None,
    )
    LinkedIdentity.objects.create(
        user=user,
        issuer=provider.issuer,
        subject=provider.subject,
        tenant_id=TENANT if provider.entra else "",
        object_id=OBJECT_ID if provider.entra else "",
        email=EMAIL,
    )
    return user


class Log(logging.Handler):
    """Every line that PatchMon and its libraries would log at their most talkative."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._before: list[tuple[logging.Logger, int]] = []
        # As production writes them.
        self.setFormatter(logging.getLogger("django").handlers[0].formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def attach(self) -> None:
        for name in LOUD:
            logger = logging.getLogger(name)
            self._before.append((logger, logger.level))
            logger.addHandler(self)
            logger.setLevel(logging.DEBUG)

    def detach(self) -> None:
        for logger, level in self._before:
            logger.removeHandler(self)
            logger.setLevel(level)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Browser(Client):
    """A browser that presses the button and comes back."""

    def __init__(self, provider: HostileProvider, log: Log, **kwargs: Any) -> None:
        super().__init__(headers={"host": HOST}, **kwargs)
        self.provider = provider
        self.log = log
        self.answer: Any = None
        self.seconds = 0.0
        self.remember()

    def remember(self) -> None:
        """Take what is now for what a refusal must leave as it is."""
        self.before = everything()
        self.attempts = SignInAttempt.objects.count()

    def begin(self, target: str = "") -> Query:
        """Press the button and sign in at the provider; return the query of the way back."""
        self.answer = self.get(START, {"next": target} if target else {})
        assert self.answer.status_code == 302, self.answer.content
        self.provider.secrets.add(self.cookies[COOKIE].value)
        return self.provider.authorize(self.answer["Location"])

    def come_back(self, query: Query | dict[str, Any]) -> Any:
        began = time.monotonic()
        self.answer = self.get(CALLBACK, query)
        self.seconds = time.monotonic() - began
        return self.answer

    def sign_in(self, target: str = "") -> Any:
        return self.come_back(self.begin(target))

    @property
    def session_data(self) -> dict[str, Any]:
        """What the session holds, without making one."""
        cookie = self.cookies.get(settings.SESSION_COOKIE_NAME)
        return dict(SessionStore(cookie.value).load()) if cookie and cookie.value else {}

    @property
    def username(self) -> str:
        """Who is signed in; '' for nobody."""
        answer = self.get(reverse("sso:api-profile"))
        return answer.json()["username"] if answer.status_code == 200 else ""

    @property
    def page(self) -> str:
        """The sign-in page, with what is said there."""
        return self.get("/login").content.decode()


def assert_refused(browser: Browser, reason: Reason | None) -> SignInAttempt | None:
    """Assert all that a refusal is: nobody came in, nothing changed, it is on record, and safe.

    Without a reason the state was not genuine: then there is nothing to record.
    """
    assert (browser.answer.status_code, browser.answer["Location"]) == (302, "/login")
    assert browser.seconds < 10
    assert everything() == browser.before
    assert SESSION_KEY not in browser.session_data
    recorded = SignInAttempt.objects.count() - browser.attempts
    attempt = None
    if reason is None:
        assert recorded == 0
    else:
        assert recorded == 1
        attempt = SignInAttempt.objects.order_by("-pk")[0]
        assert (attempt.outcome, attempt.reason) == ("refused", reason.value), attempt.detail
    page = browser.page
    assert browser.username == ""
    assert_no_secret(browser, page, attempt)
    if attempt is None or Reason(attempt.reason).is_about_the_round_trip:
        assert "Session expired. Press the button again." in page
    else:
        assert attempt.reference in page
    return attempt


def assert_no_secret(browser: Browser, page: str = "", attempt: SignInAttempt | None = None):
    """Assert that no secret is in the log, on the page, or in the record."""
    row = (
        {name: value for name, value in vars(attempt).items() if name != "_state"}
        if attempt
        else {}
    )
    places = {"log": browser.log.text, "page": page, "record": repr(row)}
    for place, text in places.items():
        for secret in browser.provider.secrets:
            assert secret not in text, f"a secret is in the {place}"
    for line in browser.log.lines:
        assert line.isprintable(), "a line of the log is more than a line"
