"""Somebody who is signed in signs in at the provider once more (product.md, fresh sign-in)."""

from __future__ import annotations

from typing import Final

from accounts.models import User
from sso.rules.claims import Identity
from sso.rules.reasons import Reason, SignInRefused
from sso.services.linked import find

# Between two clocks (verification.md, ID token).
LEEWAY: Final = 120


def check_confirmation(user: User, identity: Identity, *, began: int, is_entra: bool) -> None:
    """Refuse unless it is an identity of this very account, signed in since the journey began.

    Anybody can take ``prompt`` out of the address that their browser is sent to, so the token's
    own word counts where there is one. Entra's has it only where the app registration adds the
    optional claim auth_time; any other provider owes it to ``max_age``.
    """
    linked, _ = find(identity)
    if linked is None or linked.user_id != user.pk:
        raise SignInRefused(
            Reason.CONNECT_OTHER_USER,
            detail="Confirmed with an identity that is not linked to the account.",
        )
    if identity.auth_time is None and is_entra:
        return
    if identity.auth_time is None or identity.auth_time < began - LEEWAY:
        raise SignInRefused(Reason.AUTH_TIME, detail="The last sign-in there is older than asked.")
