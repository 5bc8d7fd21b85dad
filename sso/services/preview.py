"""What a role mapping would do to the people who have signed in, before it is applied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Role
from sso.conf import GROUP_FIELDS, Config
from sso.models import LinkedIdentity
from sso.rules.claims import GroupsClaim, GroupsSource, Identity
from sso.rules.decision import Account, Matches, SignIn, SignInPolicy, decide

CHUNK = 2000
# What decides the role of everybody who signs in; any other field changes nobody's.
DECIDES_ROLES = frozenset({"sync_roles", "default_role", *GROUP_FIELDS.values()})


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePreview:
    """One account whose role would change at its next sign-in."""

    user_id: int
    username: str
    before: Role
    after: Role

    @property
    def is_demotion(self) -> bool:
        return self.after.rank < self.before.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everybody whose role would change, of how many who have signed in."""

    changes: tuple[RolePreview, ...]
    total: int

    @property
    def digest(self) -> str:
        """Name exactly this outcome, so that a confirmation of another one does not count."""
        text = ",".join(
            f"{change.user_id}:{change.before}:{change.after}" for change in self.changes
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def demotes(self, user: User) -> bool:
        return any(change.user_id == user.pk and change.is_demotion for change in self.changes)


class PreviewRequired(Exception):
    """Roles would change and nobody has seen it yet; nothing was saved."""

    def __init__(self, preview: Preview, *, own_demotion: bool) -> None:
        super().__init__(f"{len(preview.changes)} of {preview.total} would change role")
        self.preview = preview
        #: They have seen it, and have not said that they give up their own role.
        self.own_demotion = own_demotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What somebody has seen of a preview, and whether they agreed to their own demotion."""

    actor: User
    seen: str = ""
    own_demotion: bool = False

    def __call__(self, config: Config, changed: frozenset[str]) -> None:
        """Raise PreviewRequired unless this very outcome was seen (product.md, preview)."""
        if not changed & DECIDES_ROLES:
            return
        foreseen = preview(config)
        if not foreseen.changes:
            return
        is_seen = self.seen == foreseen.digest
        if not is_seen or (foreseen.demotes(self.actor) and not self.own_demotion):
            raise PreviewRequired(foreseen, own_demotion=is_seen)


def preview(config: Config) -> Preview:
    """Decide every known sign-in anew under ``config``, from the groups of each one's last.

    The very function of real sign-ins decides; nothing is written.
    """
    if not config.sync_roles:
        return Preview(changes=(), total=_people(config.issuer).count())
    policy = SignInPolicy(
        sync_roles=True,
        auto_create_users=config.auto_create_users,
        trust_unverified_email=config.trust_unverified_email,
        is_entra=False,
        mapping=config.mapping,
        first_administrator_open=False,
    )
    superadmins = set(
        User.objects.filter(role=Role.SUPERADMIN, is_active=True).values_list("pk", flat=True)
    )
    changes = []
    total = 0
    for linked in _last_identities(config.issuer):
        total += 1
        user = linked.user
        account = Account(
            id=user.pk,
            username=user.username,
            role=Role(user.role),
            is_active=user.is_active,
            has_identity_of_issuer=True,
            is_last_active_superadmin=superadmins == {user.pk},
        )
        decision = decide(
            Identity(issuer=linked.issuer, subject=linked.subject),
            policy=policy,
            matches=Matches(linked=account, linked_by="subject"),
            groups=GroupsClaim(values=tuple(linked.groups), source=GroupsSource.TOKEN),
        )
        if isinstance(decision, SignIn) and decision.role not in {None, account.role}:
            after = Role(decision.role or account.role)
            changes.append(
                RolePreview(
                    user_id=user.pk, username=user.username, before=account.role, after=after
                )
            )
    changes.sort(key=lambda change: (-change.before.rank, change.username))
    return Preview(changes=tuple(changes), total=total)


def _people(issuer: str) -> QuerySet[LinkedIdentity]:
    return LinkedIdentity.objects.filter(issuer=issuer, last_sign_in__isnull=False)


def _last_identities(issuer: str) -> Iterator[LinkedIdentity]:
    """Yield the identity that each account signed in with last, so that each counts once."""
    rows = _people(issuer).select_related("user").order_by("user_id", "-last_sign_in")
    seen = None
    for linked in rows.iterator(chunk_size=CHUNK):
        if linked.user_id != seen:
            seen = linked.user_id
            yield linked
