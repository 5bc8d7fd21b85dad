from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts.changes import record
from accounts.models import Installation, User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import Role
from accounts.seen import edited
from accounts.services._locks import lock_actor
from accounts.services.people import create_user

# What it asks for once may be kept for the whole of such a request.
READ_ONLY: Final = frozenset({"GET", "HEAD"})


def claim_first_administrator() -> bool:
    """Take the first administrator's place: True exactly once in the life of an installation.

    A conditional update in the caller's transaction, so that of any number of claims at the
    same moment one is told so, and none if that transaction fails (spec/sign-in.md, The first
    administrator).
    """
    return Installation.close_first_administrator()


def setup_open() -> bool:
    """Say whether the first-run wizard may still run: no account, and never an administrator."""
    if Installation.objects.filter(administrator_existed=True).exists():
        return False
    return not User.objects.exists()


def server_url() -> str:
    """Return the Server URL in force: the database's, else the environment's; no final slash."""
    stored = Installation.objects.filter(pk=1).values_list("server_url", flat=True).first()
    return (stored or settings.SERVER_URL).rstrip("/")


def server_url_of(request: HttpRequest) -> str:
    """Return the Server URL in force, read once for a request that changes nothing."""
    if request.method not in READ_ONLY:
        return server_url()
    known: str | None = getattr(request, "server_url", None)
    if known is None:
        known = server_url()
        request.server_url = known  # type: ignore[attr-defined]  # for this request alone
    return known


@transaction.atomic
def set_server_url(
    url: str, *, actor: User | None, fresh: bool = False, seen: str | None = None
) -> bool:
    """Store the Server URL; accepted hosts and origins follow it from the commit on.

    A person may only with a fresh sign-in (spec/product.md, Settings → OIDC / SSO). ``seen`` is
    what their page showed: what was left so changes nothing, and what somebody else changed
    meanwhile raises ChangedMeanwhile.
    """
    if actor is not None:
        lock_actor(actor, "accounts.can_manage_settings")
    Installation.load()
    installation = Installation.objects.select_for_update().get(pk=1)
    before, after = installation.server_url, url.rstrip("/")
    if before == after:
        return False
    in_force = (before or settings.SERVER_URL).rstrip("/")
    if seen is not None and after != in_force:
        wanted = edited({"server_url": after}, {"server_url": in_force}, {"server_url": seen})
        if not wanted:
            return False
    if actor is not None and not fresh and after != in_force:
        raise AccountRefused(Refusal.NOT_FRESH)
    installation.server_url = after
    installation.save(update_fields=["server_url"])
    record(installation, {"server_url": (before or settings.SERVER_URL, after)}, actor=actor)
    Installation.publish()
    return True


@transaction.atomic
def set_up(*, username: str, email: str, password: str, url: str) -> User:
    """Make the first superadmin and store the Server URL: what the wizard does.

    The claim comes first, so that parallel posts make exactly one account.
    """
    if User.objects.exists() or not claim_first_administrator():
        raise AccountRefused(Refusal.SETUP_CLOSED)
    user = create_user(
        usernames=[username],
        email=email,
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
        password=password,
    )
    set_server_url(url, actor=None)
    return user
