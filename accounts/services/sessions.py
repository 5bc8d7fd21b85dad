from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.browsers import describe_browser
from accounts.models import Session, User
from accounts.sessions import ADDRESS, SIGNED_IN_AT, USER_AGENT

PRUNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its owner sees it; `reference` stands for the key, which no page may show."""

    reference: str
    browser: str
    address: str
    created_at: datetime
    is_current: bool


@transaction.atomic
def start_session(
    request: HttpRequest,
    user: User,
    *,
    backend: str,
    notes: Mapping[str, str] | None = None,
    still_holds: Callable[[], bool] = lambda: True,
) -> bool:
    """Sign somebody in to this browser; False, and nothing changed, where that is not so any more.

    The session is written while its account is locked. Whatever ends an account's sessions locks
    it too: it comes before, and is seen here, or after, and finds this session among the others.
    ``still_holds`` asks, under the lock, for whatever else let the person in.
    """
    rows = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True)
    if not rows.exists() or not still_holds():
        return False
    # Whoever used this browser before: nothing of their session goes on.
    request.session.flush()
    login(request, user, backend=backend)
    request.session.update(notes or {})
    # Once and whole, while the lock is held; the cookie finds it written.
    request.session.save()
    return True


def stamp_session(request: HttpRequest) -> None:
    """Note in the session of a fresh sign-in when and from where it came."""
    request.session[SIGNED_IN_AT] = int(time.time())
    request.session[ADDRESS] = _address(request)
    agent = request.headers.get("User-Agent", "")
    request.session[USER_AGENT] = "".join(c for c in agent if c.isprintable())[:300]
    _prune()


def _address(request: HttpRequest) -> str:
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        # A Unix socket has none.
        return ""


def _prune() -> None:
    """Delete what has ended, a bounded number of rows, so that no cron job is needed."""
    ended = Session.objects.filter(expire_date__lt=timezone.now()).values_list("pk", flat=True)
    keys = list(ended[:PRUNED_AT_ONCE])
    if keys:
        Session.objects.filter(pk__in=keys).delete()


def own_sessions(user: User, *, current_key: str | None) -> list[OwnSession]:
    """List the account's running sessions, this browser's first, then the newest."""
    rows = Session.objects.filter(user_id=user.pk, expire_date__gt=timezone.now())
    sessions = [
        OwnSession(
            reference=_reference(row.session_key),
            browser=describe_browser(row.user_agent),
            address=row.address or "",
            created_at=row.created_at,
            is_current=row.session_key == current_key,
        )
        for row in rows.order_by("-created_at")
    ]
    return sorted(sessions, key=lambda session: not session.is_current)


def session_key_of(user: User, reference: str) -> str | None:
    """Find the key behind a reference, among this account's own sessions only."""
    keys = Session.objects.filter(user_id=user.pk).values_list("session_key", flat=True)
    return next((key for key in keys if _reference(key) == reference), None)


def _reference(key: str) -> str:
    return salted_hmac("accounts.session", key, algorithm="sha256").hexdigest()[:32]
