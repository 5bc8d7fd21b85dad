"""The tie of an identity to an account: found, read, and kept up to date."""

from __future__ import annotations

from typing import Final, Literal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from sso.conf import provider_label
from sso.models import LinkedIdentity, SignInAttempt
from sso.rules.claims import GroupsClaim, Identity

GROUPS_KEPT: Final = 1000
ELSEWHERE: Final = "object_id_elsewhere"


def find(
    identity: Identity | SignInAttempt, rows: QuerySet[LinkedIdentity] | None = None
) -> tuple[LinkedIdentity | None, Literal["subject", "object_id"] | None]:
    """Find the tie of an identity among these rows: by its subject, and only then by Entra's IDs.

    The registration may have been made anew: Entra's `sub` differs per registration, `oid` does
    not (sign-in.md, Who it is, rule 2).
    """
    found = LinkedIdentity.objects.select_related("user") if rows is None else rows
    found = found.filter(issuer=identity.issuer)
    linked = found.filter(subject=identity.subject).first()
    if linked is not None:
        return linked, "subject"
    if identity.tenant_id and identity.object_id:
        linked = found.filter(tenant_id=identity.tenant_id, object_id=identity.object_id).first()
    return linked, "object_id" if linked is not None else None


def is_linked(user: User, identity: Identity) -> bool:
    """Say whether an identity that was let in is still tied to its account."""
    return user.linked_identities.filter(issuer=identity.issuer, subject=identity.subject).exists()


def identity_label(identity: Identity | LinkedIdentity) -> str:
    """Name an identity in the change log: the provider and the address, or the subject."""
    label = provider_label(identity.issuer, identity.tenant_id)
    return f"{label}: {identity.email or identity.subject}"


def bring_up_to_date(
    linked: LinkedIdentity, identity: Identity, groups: GroupsClaim, notes: list[str]
) -> None:
    """Write what a sign-in said into its tie, without saving it.

    A token without Entra's IDs takes none away: they find the person again under a new
    registration. An object ID that another tie holds stays there, and is noted: the subject has
    said who it is.
    """
    linked.subject = identity.subject
    if identity.object_id and _is_held_elsewhere(linked, identity):
        notes.append(ELSEWHERE)
    else:
        linked.tenant_id = identity.tenant_id or linked.tenant_id
        linked.object_id = identity.object_id or linked.object_id
    linked.email = identity.email
    if groups.is_complete:
        linked.groups = list(groups.values[:GROUPS_KEPT])
    linked.last_sign_in = timezone.now()


def _is_held_elsewhere(linked: LinkedIdentity, identity: Identity) -> bool:
    held = (identity.tenant_id, identity.object_id)
    if held == (linked.tenant_id, linked.object_id):
        return False
    others = LinkedIdentity.objects.filter(
        issuer=identity.issuer, tenant_id=identity.tenant_id, object_id=identity.object_id
    )
    return others.exclude(pk=linked.pk).exists()
