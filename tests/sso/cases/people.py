"""Who else there is: local accounts, and people whom nobody knows yet."""

from __future__ import annotations

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.people import PASSWORD
from tests.sso.cases.hostile import HostileProvider


def local(email: str, role: Role = Role.USER, username: str = "local") -> User:
    return create_user(
        usernames=[username],
        email=email,
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )


def somebody(provider: HostileProvider, subject: str, **said) -> None:
    """Let the next sign-in be somebody's whom nobody knows; None takes a claim out."""
    provider.subject = subject
    told = {"sub": subject, "email": f"{subject}@example.com", "groups": []} | said
    if provider.entra:
        provider.claims |= told
    else:
        provider.userinfo = {name: value for name, value in told.items() if value is not None}


def made(subject: str) -> User:
    return User.objects.get(linked_identities__subject=subject)
