"""Link the identity of a recorded attempt to an account (sign-in.md, Who it is, rules 3 and 4)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from accounts import policy
from accounts.addresses import email_key
from accounts.changes import record
from accounts.models import User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import ADMINISTRATORS, Role
from accounts.services import lock_account, with_email
from sso import conf
from sso.conf import Config
from sso.models import LINKABLE_REASONS, LinkedIdentity, SignInAttempt
from sso.rules.claims import GroupsSource
from sso.rules.permissions import why_not_link
from sso.services.linked import GROUPS_KEPT, find, identity_label

# Of the newest refusals this many are looked at, and so many identities are listed at once.
LOOKED_AT: Final = 1000
LISTED: Final = 100

TAKEN: Final = "This identity is linked to another account. Unlink it there first."
INACTIVE: Final = "This account is inactive. Activate it first, then link the identity."
NOT_LINKABLE: Final = "This sign-in cannot be linked: it was not refused over an account."
OTHER_PROVIDER: Final = (
    "This sign-in came from another issuer than the one under Settings → OIDC / SSO. "
    "Ask for a new sign-in and link that one."
)
CHANGED: Final = (
    "{reference} no longer fits the account it was listed with, so nothing was linked. "
    "Look at the list again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An identity that was refused and is linked to nobody, with the account of its address."""

    attempt: SignInAttempt
    account: User | None
    #: Why it is not linked together with others; '' when it may be.
    hindrance: str


def link(attempt: SignInAttempt, user: User, *, actor: User) -> LinkedIdentity:
    """Tie the identity of a refused attempt to this account, for somebody of at least its rank.

    Password and sessions of the account stay: nobody has proved anything with an address, an
    administrator has decided. It counts as a sign-in only once its owner really signs in.
    """
    try:
        with transaction.atomic():
            return _link(attempt, user, actor=actor)
    except IntegrityError:
        # A sign-in or another administrator came first: the row is there now, for whomever.
        _refuse(TAKEN)


def link_several(chosen: Mapping[str, int], *, actor: User) -> int:
    """Link each attempt (by reference) to the account (by key) it was listed with, or none at all.

    Only what `candidates` lists without a hindrance: ordinary accounts, one subject an account,
    no guests.
    """
    try:
        with transaction.atomic():
            _lock_all({*chosen.values(), actor.pk})
            listed = {
                candidate.attempt.reference: candidate
                for candidate in candidates(linker=Role(actor.role))
            }
            for reference, key in chosen.items():
                candidate = listed.get(reference)
                if (
                    candidate is None
                    or candidate.hindrance
                    or candidate.account is None
                    or candidate.account.pk != key
                ):
                    _refuse(CHANGED.format(reference=reference))
                _link(candidate.attempt, candidate.account, actor=actor)
    except IntegrityError:
        _refuse(TAKEN)
    return len(chosen)


def _lock_all(keys: set[int]) -> None:
    # All at once in key order: of two such presses, neither holds what the other waits for.
    list(User.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def _link(attempt: SignInAttempt, user: User, *, actor: User) -> LinkedIdentity:
    if not attempt.can_be_linked:
        _refuse(NOT_LINKABLE)
    config = conf.current()
    if attempt.issuer != config.issuer:
        _refuse(OTHER_PROVIDER)
    locked = lock_account(user, actor=actor)
    locked.require(policy.may_manage(locked.actor_role, locked.role))
    owner = locked.user
    if not owner.is_active:
        _refuse(INACTIVE)
    linked = holder_of(attempt)
    if linked is not None:
        if linked.user_id != owner.pk:
            _refuse(TAKEN)
        return linked
    if hindrance := groups_hindrance(attempt, owner, linker=locked.actor_role, config=config):
        _refuse(hindrance)
    linked = LinkedIdentity(
        user=owner,
        issuer=attempt.issuer,
        subject=attempt.subject,
        tenant_id=attempt.tenant_id,
        object_id=attempt.object_id,
        email=attempt.email,
    )
    linked.save(force_insert=True)
    changes = {"identity": ("", identity_label(linked)), "from sign-in": ("", attempt.reference)}
    record(owner, changes, actor=actor)
    return linked


def _refuse(sentence: str) -> NoReturn:
    raise AccountRefused(Refusal.NOT_ALLOWED, sentence)


def groups_hindrance(attempt: SignInAttempt, user: User, *, linker: Role, config: Config) -> str:
    """Say why the groups of this identity keep the linker from tying it to the account."""
    unresolved = {GroupsSource.OVERAGE.value, GroupsSource.INCOMPLETE.value}
    return why_not_link(
        linker,
        Role(user.role),
        attempt.groups,
        all_known=attempt.groups_source not in unresolved and len(attempt.groups) < GROUPS_KEPT,
        mapping=config.mapping,
    )


def holder_of(attempt: SignInAttempt) -> LinkedIdentity | None:
    """Find the tie of this attempt's identity, by subject or by Entra's object ID."""
    return find(attempt)[0]


def accounts_with_address(attempt: SignInAttempt) -> list[User]:
    """Suggest accounts by the address; none where the provider denies that it is theirs."""
    if not attempt.email or attempt.email_verified is False:
        return []
    return with_email(attempt.email)


def candidates(*, linker: Role) -> list[Candidate]:
    """List who was refused and is linked to nobody, the newest first, in a few queries."""
    config = conf.current()
    unlinked = _unlinked(_refused_at(config.issuer)[:LOOKED_AT])
    claims = Counter(email_key(attempt.email) for attempt in unlinked)
    attempts = unlinked[:LISTED]
    # Left out above, where they would be read of a thousand.
    groups = dict(
        SignInAttempt.objects.filter(pk__in=[attempt.pk for attempt in attempts])
        .order_by()
        .values_list("pk", "groups")
    )
    keys = {email_key(attempt.email) for attempt in attempts} - {""}
    by_key: dict[str, list[User]] = defaultdict(list)
    for user in User.objects.filter(email_key__in=keys).order_by("pk"):
        by_key[user.email_key].append(user)
    issuers = {attempt.issuer for attempt in attempts}
    taken = set(
        LinkedIdentity.objects.filter(
            issuer__in=issuers, user__in=[user for users in by_key.values() for user in users]
        ).values_list("user_id", flat=True)
    )
    listed = []
    for attempt in attempts:
        key = email_key(attempt.email)
        accounts = by_key.get(key, [])
        attempt.groups = groups.get(attempt.pk, [])
        hindrance = _hindrance(attempt, accounts, taken=taken, alone=claims[key] == 1)
        if not hindrance:
            hindrance = groups_hindrance(attempt, accounts[0], linker=linker, config=config)
        account = accounts[0] if len(accounts) == 1 and not _is_denied(attempt) else None
        listed.append(Candidate(attempt=attempt, account=account, hindrance=hindrance))
    return listed


def refused_of(user: User, *, at_most: int = 5) -> list[SignInAttempt]:
    """List refused identities with this account's address that are linked to nobody."""
    if not user.email:
        return []
    rows = _refused_at(conf.current().issuer).alias(folded=Lower("email"))
    attempts = _unlinked(rows.filter(folded=user.email.lower())[:LOOKED_AT])
    fitting = [
        attempt
        for attempt in attempts
        if email_key(attempt.email) == user.email_key and not _is_denied(attempt)
    ]
    return fitting[:at_most]


def _refused_at(issuer: str) -> QuerySet[SignInAttempt]:
    return (
        SignInAttempt.objects.filter(
            outcome=SignInAttempt.Outcome.REFUSED, reason__in=LINKABLE_REASONS, issuer=issuer
        )
        .exclude(subject="")
        .defer("groups", "notes", "provider_codes")
        .order_by("-at", "-pk")
    )


def _unlinked(attempts: Iterable[SignInAttempt]) -> list[SignInAttempt]:
    """Keep the newest attempt of each person who is linked to no account."""
    newest: dict[tuple[str, str, str], SignInAttempt] = {}
    for attempt in attempts:
        newest.setdefault(_person(attempt.tenant_id, attempt.object_id, attempt.subject), attempt)
    rows = LinkedIdentity.objects.filter(
        issuer__in={attempt.issuer for attempt in newest.values()}
    ).filter(
        Q(subject__in=[attempt.subject for attempt in newest.values()])
        | Q(object_id__in=[a.object_id for a in newest.values() if a.object_id])
    )
    ties = list(rows.values_list("tenant_id", "object_id", "subject"))
    subjects = {subject for _, _, subject in ties}
    people = {_person(*tie) for tie in ties}
    return [
        attempt
        for person, attempt in newest.items()
        if person not in people and attempt.subject not in subjects
    ]


def _person(tenant_id: str, object_id: str, subject: str) -> tuple[str, str, str]:
    # Under a new app registration the same person has a new subject and the same object ID.
    return (tenant_id, object_id, "") if tenant_id and object_id else ("", "", subject)


def _is_denied(attempt: SignInAttempt) -> bool:
    return attempt.email_verified is False


def _hindrance(
    attempt: SignInAttempt, accounts: list[User], *, taken: set[int], alone: bool
) -> str:
    """Say why an identity is not linked together with others (sign-in.md, rule 3)."""
    account = accounts[0] if len(accounts) == 1 else None
    hindrances = (
        (_is_denied(attempt), "The provider says that the address is not confirmed."),
        # Whatever is unclear counts as a guest.
        (attempt.is_guest is not False, "A guest of the tenant: link it by itself."),
        (not accounts, "No account has this address."),
        (len(accounts) > 1, "Several accounts have this address."),
        (not alone, "Several people came with this address."),
        (account is not None and not account.is_active, "The account is inactive."),
        (
            account is not None and account.role in ADMINISTRATORS,
            "An administrator's account: link it by itself.",
        ),
        (
            account is not None and account.pk in taken,
            "The account signs in with another identity already.",
        ),
    )
    return next((text for hinders, text in hindrances if hinders), "")
