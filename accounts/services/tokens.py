"""API tokens: for automation, in their owner's name (spec/product.md, HTTP interface)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import policy
from accounts.changes import record
from accounts.models import ApiToken, User
from accounts.policy import AccountRefused, Refusal, Scope
from accounts.services._locks import lock

# So that a token is known for one wherever it turns up.
MARK: Final = "pm_"
RANDOM_BYTES: Final = 32
SHOWN: Final = 8
MOST: Final = 25
# What telling when a token was last used may cost: one write a minute.
USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token with its text, which nothing shows a second time."""

    token: ApiToken
    text: str = field(repr=False)


@transaction.atomic
def make_token(
    user: User,
    *,
    name: str,
    scopes: Collection[Scope],
    lifetime: timedelta,
    actor: User,
    fresh: bool = False,
) -> MadeToken:
    """Make a token for oneself; only at a fresh sign-in, since it stands in for one later."""
    locked = lock(user, actor=actor)
    if not locked.is_self or not set(scopes) <= set(policy.grantable_scopes(locked.role)):
        raise AccountRefused(Refusal.NOT_ALLOWED)
    if not fresh:
        raise AccountRefused(Refusal.NOT_FRESH)
    owner = locked.user
    names = set(owner.api_tokens.values_list("name", flat=True))
    if name in names:
        raise AccountRefused(Refusal.TOKEN_NAME_TAKEN)
    if len(names) >= MOST:
        raise AccountRefused(Refusal.TOO_MANY_TOKENS)
    text = MARK + secrets.token_urlsafe(RANDOM_BYTES)
    token = ApiToken.objects.create(
        user=owner,
        name=name,
        digest=_digest(text),
        prefix=text[:SHOWN],
        scopes=[scope.value for scope in Scope if scope in scopes],
        expires_at=timezone.now() + lifetime,
    )
    record(owner, {"API token": ("", name)}, actor=actor)
    return MadeToken(token, text)


@transaction.atomic
def revoke_token(user: User, key: int, *, actor: User) -> bool:
    """Revoke one token of this account; False when it is gone already."""
    locked = lock(user, actor=actor)
    if not locked.is_self:
        locked.require(policy.may_manage(locked.actor_role, locked.role))
    token = locked.user.api_tokens.filter(pk=key).first()
    if token is None:
        return False
    token.delete()
    record(locked.user, {"API token": (token.name, "")}, actor=actor)
    return True


@transaction.atomic
def revoke_tokens(user: User, *, actor: User | None) -> int:
    """Revoke every token, for whatever ends the account's ways in; it holds the account's lock."""
    names = list(user.api_tokens.order_by("pk").values_list("name", flat=True))
    if names:
        user.api_tokens.all().delete()
        record(user, {"API tokens": (", ".join(names), "")}, actor=actor)
    return len(names)


def own_tokens(user: User) -> list[ApiToken]:
    return list(user.api_tokens.order_by("-created_at", "-pk"))


def find_token(text: str) -> ApiToken | None:
    """Find the token that this is, with its owner; None for an old one or an inactive owner.

    Whatever the text is, the work is the same: one digest and one look-up by it, so that no
    comparison with a token takes place whose time could tell how near a guess came.
    """
    token = ApiToken.objects.select_related("user").filter(digest=_digest(text)).first()
    if token is None or token.is_expired or not token.user.is_active:
        return None
    _note_use(token)
    return token


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    before = now - USE_NOTED_EVERY
    if token.last_used is None or token.last_used <= before:
        # Of requests side by side one writes.
        due = Q(last_used=None) | Q(last_used__lte=before)
        ApiToken.objects.filter(due, pk=token.pk).update(last_used=now)


def _digest(text: str) -> str:
    # Plain SHA-256 does for what is 256 random bits: there is nothing to try out.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
