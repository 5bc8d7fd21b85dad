"""Every URL and method as nobody and as each role: denied unless a rule below allows it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from typing import Any, Final

import pytest
from auditlog import get_logentry_model
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.template.backends.django import Template
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.backends import PasswordBackend
from accounts.models import Installation, Session, User
from accounts.roles import ROLES, Role
from accounts.services import create_user
from accounts.services.password_links import tokens
from accounts.sessions import SessionStore
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping, SignInAttempt
from tests.people import HOST, PASSWORD

pytestmark = pytest.mark.django_db

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOBODY: Final = "nobody"
REFERENCE: Final = "REFERENC"
SIGNED_IN: Final = frozenset(ROLES)
EVERYBODY: Final = SIGNED_IN | {NOBODY}
ADMINISTRATORS: Final = frozenset({Role.ADMIN, Role.SUPERADMIN})
SUPERADMINS: Final = frozenset({Role.SUPERADMIN})
Who = frozenset[str]

# Each URL by its name, with who is let through the door by which method. What somebody may do
# behind it, by rank or because it is their own, is each page's own test.
RULES: Final[dict[str, dict[str, Who]]] = {
    "home": {"GET": SIGNED_IN},
    "live": {"GET": EVERYBODY},
    "ready": {"GET": EVERYBODY},
    # With a token alone, and none is set here: then it does not exist.
    "metrics": {},
    "favicon.ico": {"GET": EVERYBODY},
    "schema": {"GET": SIGNED_IN},
    # Only while no account exists.
    "accounts:setup": {},
    "accounts:login": {"GET": EVERYBODY, "POST": EVERYBODY},
    "accounts:logout": {"POST": EVERYBODY},
    # The link is the key.
    "accounts:password-link": {"GET": EVERYBODY, "POST": EVERYBODY},
    "accounts:profile": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "accounts:profile-password": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "accounts:profile-sessions-end": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "accounts:profile-session-end": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "accounts:profile-token-make": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "accounts:profile-token-revoke": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    # There is a photo of nobody here.
    "accounts:photo": {},
    "accounts:general": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:changes": {"GET": ADMINISTRATORS},
    "accounts:users": {"GET": ADMINISTRATORS},
    "accounts:user-add": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:user": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:user-deactivate": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:user-activate": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:user-delete": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:user-end-sessions": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "accounts:user-password-link": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:login": {"GET": EVERYBODY},
    "sso:callback": {"GET": EVERYBODY},
    "sso:frontchannel-logout": {"GET": EVERYBODY},
    "sso:api-config": {"GET": EVERYBODY},
    "sso:api-settings": {
        "GET": ADMINISTRATORS,
        "PUT": ADMINISTRATORS,
        "PATCH": ADMINISTRATORS,
    },
    "sso:api-import-env": {"POST": ADMINISTRATORS},
    "sso:api-check": {"POST": ADMINISTRATORS},
    "sso:api-profile": {"GET": SIGNED_IN},
    "sso:api-sign-ins": {"GET": ADMINISTRATORS},
    "sso:settings": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:secret": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:enable": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:import-env": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:check": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:explain": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:test-sign-in": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:test-sign-in-report": {"GET": ADMINISTRATORS},
    "sso:test-sign-in-row": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:sign-ins": {"GET": ADMINISTRATORS},
    "sso:sign-ins-export": {"GET": ADMINISTRATORS},
    "sso:undo": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:link-several": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:link": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:unlink": {"GET": ADMINISTRATORS, "POST": ADMINISTRATORS},
    "sso:sign-in": {"GET": ADMINISTRATORS},
    "sso:connect": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "sso:confirm": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "sso:confirmed": {"GET": SIGNED_IN},
    "sso:disconnect": {"GET": SIGNED_IN, "POST": SIGNED_IN},
}
# The Django admin, every page of it.
ADMIN: Final = "admin:"
ADMIN_RULE: Final = SUPERADMINS


def routes(resolver: Any, path: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Yield every URL pattern: its name (its route, where it has none) and its route."""
    for pattern in resolver.url_patterns:
        route = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from routes(pattern, route, inner)
        else:
            yield f"{space}{pattern.name or route}", route


ROUTES: Final = tuple(routes(get_resolver()))
PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")
# Routes that are regular expressions.
UNCOMMON: Final = {
    "admin:app_list": "/admin/accounts/",
    "admin:admin/(?P<url>.*)$": "/admin/no-such-page",
}


@pytest.fixture
def people(db) -> dict[str, User]:
    """One account of each role, each with an identity, and somebody whom the rest is done to."""
    names = {role.value: role for role in reversed(ROLES)} | {"target": Role.READONLY}
    made = {}
    for name, role in names.items():
        made[name] = create_user(
            usernames=[name],
            email=f"{name}@example.com",
            first_name="",
            last_name="",
            role=role,
            actor=None,
            password=PASSWORD,
        )
        LinkedIdentity.objects.create(
            user=made[name], issuer="https://provider.example", subject=name
        )
    OIDCSettings.load()
    RoleMapping.load()
    Installation.load()
    SignInAttempt.objects.create(
        reference=REFERENCE,
        outcome="refused",
        reason="email_unverified",
        issuer="https://provider.example",
        subject="somebody",
        email="target@example.com",
        is_guest=False,
    )
    return made


def addresses(who: str, people: dict[str, User]) -> dict[str, str]:
    """Fill every route in with things that exist: one's own where only those are reached."""
    target = people["target"]
    identity = target.linked_identities.get().pk
    own = people.get(who, target).linked_identities.get().pk
    values = {
        "pk": target.pk,
        "identity": identity,
        "reference": REFERENCE,
        "uidb64": urlsafe_base64_encode(force_bytes(target.pk)),
        "token": tokens.make_token(target),
        "content_type_id": ContentType.objects.get_for_model(User).pk,
    }
    objects = {
        "accounts/user": target.pk,
        "sso/linkedidentity": identity,
        "sso/signinattempt": SignInAttempt.objects.get().pk,
        "auditlog/logentry": get_logentry_model().objects.order_by("pk")[0].pk,
    }
    filled = {}
    for name, route in ROUTES:
        # One row is the key of each singleton.
        key = next((key for model, key in objects.items() if f"admin/{model}/" in route), 1)
        theirs = values | {"object_id": key} | ({"pk": own} if name == "sso:disconnect" else {})
        filled[name] = UNCOMMON.get(name) or "/" + PARAMETER.sub("{\\1}", route).format(**theirs)
    return filled


def is_denied(answer: Any) -> bool:
    """A door that did not open: led to the sign-in page, refused, not there, or not offered."""
    location = answer.headers.get("Location", "")
    led_away = location == "/admin/" or re.match(r"(/admin)?/login/?\?next=", location)
    return bool(led_away) or answer.status_code in {401, 403, 404, 405}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Read every row that a request could change, but for sessions, which requests renew."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
        if model is not Session
    }


class Browser:
    """A browser that comes with the same cookies however the last request ended."""

    def __init__(self, user: User | None) -> None:
        self._client = Client(headers={"host": HOST})
        if user is not None:
            self._client.force_login(user, backend="accounts.backends.PasswordBackend")
        self._cookies = {name: morsel.value for name, morsel in self._client.cookies.items()}

    def ask(self, method: str, address: str, data: dict[str, Any]) -> Any:
        self._client.cookies.clear()
        for name, value in self._cookies.items():
            self._client.cookies[name] = value
        if address.startswith("/api/") and method != "GET":
            return self._client.generic(method, address, "{}", content_type="application/json")
        if method == "POST":
            return self._client.post(address, data)
        return self._client.generic(method, address)


def allowed(name: str, method: str) -> Who:
    return ADMIN_RULE if name.startswith(ADMIN) else RULES.get(name, {}).get(method, frozenset())


@pytest.fixture
def statuses_alone(monkeypatch) -> Iterator[None]:
    """Answer without writing pages or log lines: where only the status is looked at."""
    monkeypatch.setattr(Template, "render", lambda template, context=None, request=None: "")
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    known: dict[tuple[Any, ...], Any] = {}

    def until_written(execute, sql, *details):
        if not sql.startswith("SELECT"):
            known.clear()
        return execute(sql, *details)

    # Half of each request would be Django reading the same session and person once more.
    for owner, name in ((SessionStore, "_get_session_from_db"), (PasswordBackend, "get_user")):
        monkeypatch.setattr(owner, name, kept(getattr(owner, name), known))
    with connection.execute_wrapper(until_written):
        yield
    logging.disable(disabled)


def kept(read: Callable[..., Any], known: dict[tuple[Any, ...], Any]) -> Callable[..., Any]:
    """Answer from what was read before, which ``known`` forgets as soon as anything is written."""

    def answer(reader: Any, *asked: Any) -> Any:
        key = (read, getattr(reader, "session_key", None), *asked)
        if key not in known:
            known[key] = read(reader, *asked)
        # Each request has a copy of its own, without what another one remembered on it.
        return copy(known[key])

    return answer


@pytest.mark.usefixtures("statuses_alone")
@pytest.mark.parametrize("who", [NOBODY, *ROLES])
def test_every_url_is_denied_unless_a_rule_allows_it(people, who):
    filled = addresses(who, people)
    browser = Browser(people.get(who))
    data = {"sso:link": {"account": people["target"].pk}}
    before = everything()
    opened, closed = [], []

    for name, _ in ROUTES:
        for method in METHODS:
            try_it = partial(browser.ask, method, filled[name], data.get(name, {}))
            if who not in allowed(name, method):
                # For good: whatever it changed would be found below.
                if not is_denied(try_it()):
                    opened.append(f"{method} {name}")
                continue
            with transaction.atomic():
                if is_denied(try_it()) and not name.startswith(ADMIN):
                    closed.append(f"{method} {name}")
                transaction.set_rollback(True)

    assert opened == [], "reached without a rule"
    assert closed == [], "not reached in spite of a rule"
    assert everything() == before, "changed by somebody who was denied"


def test_every_url_has_a_rule():
    names = {name for name, _ in ROUTES if not name.startswith(ADMIN)}

    assert names - set(RULES) == set(), "give it a rule"
    assert set(RULES) - names == set(), "the URL is gone"
    assert {method for rule in RULES.values() for method in rule} <= set(METHODS)


# What only posts, with the page that its form is on.
POSTED: Final = {
    "accounts:profile-sessions-end": "/profile",
    "accounts:profile-session-end": "/profile",
    "accounts:profile-token-revoke": "/profile",
    "accounts:user-deactivate": "/settings/users/{}",
    "accounts:user-activate": "/settings/users/{}",
    "accounts:user-delete": "/settings/users/{}",
    "accounts:user-end-sessions": "/settings/users/{}",
    "accounts:user-password-link": "/settings/users/{}",
    "accounts:profile-password": "/profile",
    "accounts:profile-token-make": "/profile",
    "sso:secret": "/settings/oidc",
    "sso:enable": "/settings/oidc",
    "sso:import-env": "/settings/oidc",
    "sso:check": "/settings/oidc",
    "sso:explain": "/settings/oidc",
    "sso:test-sign-in": "/settings/oidc",
    "sso:test-sign-in-row": "/settings/oidc/test-sign-in/report",
    "sso:undo": "/settings/changes",
    "sso:unlink": "/settings/users/{}",
    "sso:connect": "/profile",
    "sso:confirm": "/profile",
    "sso:disconnect": "/profile",
}


def test_the_address_of_a_form_opened_by_itself_leads_to_its_page_and_does_nothing(people):
    filled = addresses(Role.SUPERADMIN, people)
    browser = Browser(people[Role.SUPERADMIN])
    before = everything()

    for name, page in POSTED.items():
        for method in ("GET", "HEAD"):
            answer = browser.ask(method, filled[name], {})
            assert answer.status_code == 302, (method, name)
            assert answer["Location"] == page.format(people["target"].pk), (method, name)

    assert everything() == before


def test_the_admin_opens_for_superadmins(people):
    browser = Browser(people[Role.SUPERADMIN])

    assert browser.ask("GET", "/admin/", {}).status_code == 200
    assert browser.ask("GET", "/admin/accounts/user/", {}).status_code == 200
