"""Connect and disconnect an identity on purpose (sign-in.md, Who it is, rule 4)."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.changes import record
from accounts.models import User
from accounts.policy import AccountRefused, Refusal
from accounts.services import end_sessions, lock_account, revoke_tokens
from sso.models import LinkedIdentity
from sso.rules.claims import GroupsClaim, Identity
from sso.rules.reasons import Reason, SignInRefused
from sso.services.linked import bring_up_to_date, find, identity_label

_OWN_WAY: Final = (
    "This is the only way this account signs in. "
    "Ask an administrator for a password link first, then disconnect it."
)
_ONLY_WAY: Final = (
    "This is the only way this account signs in. Link another identity or make a password link "
    "first; to keep its owner out, deactivate the account."
)


def connect(
    user: User,
    identity: Identity,
    *,
    groups: GroupsClaim,
    actor: User | None,
    notes: list[str],
) -> LinkedIdentity:
    """Tie a verified identity to this account; refused when another account has it.

    Connecting proves that its owner can sign in through the provider, so it counts as having
    done so. What else there is to say of it is added to `notes`.
    """
    try:
        with transaction.atomic():
            return _connect(user, identity, groups=groups, actor=actor, notes=notes)
    except IntegrityError:
        # Two tabs at once: one of them made the row, and the question is only whose it is.
        raise SignInRefused(Reason.IDENTITY_TAKEN) from None


def _connect(
    user: User,
    identity: Identity,
    *,
    groups: GroupsClaim,
    actor: User | None,
    notes: list[str],
) -> LinkedIdentity:
    owner = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
    if owner is None:
        raise SignInRefused(Reason.INACTIVE)
    linked, _ = find(identity, LinkedIdentity.objects.select_for_update(of=("self",)))
    if linked is not None and linked.user_id != owner.pk:
        raise SignInRefused(Reason.IDENTITY_TAKEN)
    if linked is None:
        linked = LinkedIdentity(user=owner, issuer=identity.issuer)
        record(owner, {"identity": ("", identity_label(identity))}, actor=actor)
    bring_up_to_date(linked, identity, groups, notes)
    linked.save()
    return linked


@transaction.atomic
def disconnect(linked: LinkedIdentity, *, actor: User, keep_session: str | None = None) -> None:
    """Untie an identity, and end the account's other sessions and its tokens; by rank.

    Refused for the last one of an account without a password: nobody could get in any more.
    """
    locked = lock_account(linked.user, actor=actor)
    if not locked.is_self:
        locked.require(policy.may_manage(locked.actor_role, locked.role))
    owner = locked.user
    fresh = owner.linked_identities.filter(pk=linked.pk).first()
    if fresh is None:
        # Two presses of one button: the first has done it.
        return
    others = owner.linked_identities.exclude(pk=fresh.pk)
    if not owner.has_usable_password() and not others.exists():
        raise AccountRefused(Refusal.NOT_ALLOWED, _OWN_WAY if locked.is_self else _ONLY_WAY)
    label = identity_label(fresh)
    fresh.delete()
    end_sessions(owner, except_key=keep_session)
    revoke_tokens(owner, actor=actor)
    record(owner, {"identity": (label, "")}, actor=actor)
