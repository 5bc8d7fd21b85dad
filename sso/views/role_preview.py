"""The card that shows what a change of the role mapping would do, before it is applied."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from accounts.models import User
from sso.services.preview import Approval, PreviewRequired

SHOWN: Final = 20
DIGEST_FIELD: Final = "preview"
OWN_DEMOTION_FIELD: Final = "confirm_own_demotion"
OWN_DEMOTION: Final = (
    "Your own role would become lower, and you could not take it back yourself. Tick the box to "
    "go on all the same."
)


def approval(request: HttpRequest, actor: User) -> Approval:
    """Return what the form says of having seen a preview."""
    return Approval(
        actor=actor,
        seen=request.POST.get(DIGEST_FIELD, ""),
        own_demotion=OWN_DEMOTION_FIELD in request.POST,
    )


def card(required: PreviewRequired, actor: User) -> dict[str, Any]:
    """Return what the template shows of a preview."""
    foreseen = required.preview
    own = next((change for change in foreseen.changes if change.user_id == actor.pk), None)
    return {
        "number": len(foreseen.changes),
        "total": foreseen.total,
        "changes": foreseen.changes[:SHOWN],
        "more": max(0, len(foreseen.changes) - SHOWN),
        "digest": foreseen.digest,
        "own": own if own is not None and own.is_demotion else None,
        "own_refused": OWN_DEMOTION if required.own_demotion else "",
    }
