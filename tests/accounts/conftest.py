from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db.models import Q
from django.test import Client

from accounts import external
from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user

HOST = "localhost:3000"
PASSWORD = "correct horse battery"

MakePerson = Callable[..., User]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def client() -> Client:
    return Client(headers={"host": HOST})


@pytest.fixture
def make_person(db: None) -> MakePerson:
    def make(
        username: str,
        role: Role = Role.USER,
        *,
        password: str | None = PASSWORD,
        email: str | None = None,
    ) -> User:
        return create_user(
            usernames=[username],
            email=f"{username}@example.com" if email is None else email,
            first_name=username.title(),
            last_name="Example",
            role=role,
            actor=None,
            password=password,
        )

    return make


@pytest.fixture
def alice(make_person: MakePerson) -> User:
    """The superadmin."""
    return make_person("alice", Role.SUPERADMIN)


@pytest.fixture
def bob(make_person: MakePerson) -> User:
    """An admin."""
    return make_person("bob", Role.ADMIN)


@pytest.fixture
def carol(make_person: MakePerson) -> User:
    """A plain user."""
    return make_person("carol")


SignedIn = Callable[[User], Client]


@pytest.fixture
def signed_in() -> SignedIn:
    def sign_in(user: User) -> Client:
        client = Client(headers={"host": HOST, "user-agent": "Firefox/130 (X11; Linux)"})
        client.force_login(user)
        return client

    return sign_in


class FakeSignIn:
    """An app that signs people in from outside, as accounts sees it."""

    def __init__(self) -> None:
        self.accepted = True
        self.confirm_path = ""
        self.managed: dict[int, str] = {}
        self.names: dict[int, tuple[str, ...]] = {}
        self.known: dict[int, list[external.ExternalIdentity]] = {}

    def labels(self, user_ids):
        return {key: self.names[key] for key in user_ids if key in self.names}

    def role_managed_reason(self, user):
        return self.managed.get(user.pk, "")

    def passwords_accepted(self, request=None):
        return self.accepted

    def confirm_url(self, user, request=None):
        return self.confirm_path

    def after_sign_out(self, request, user):
        return None

    def has_identity(self):
        return Q(pk__in=list(self.names))

    def identities(self, user):
        return self.known.get(user.pk, [])

    def refused_identities(self, user):
        return []


@pytest.fixture
def outside() -> Iterator[FakeSignIn]:
    before = external.current()
    fake = FakeSignIn()
    external.register(fake)
    yield fake
    external.register(before)
