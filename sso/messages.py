"""What a person is told when a sign-in does not go through: short, safe, with a way on."""

from __future__ import annotations

from typing import Final

from sso.rules.reasons import Reason

SESSION_EXPIRED: Final = "Session expired. Press the button again."
UNAVAILABLE: Final = "Single sign-on is unavailable at the moment."

_REFERENCE: Final = "give your administrator this reference: {reference}"
_TELL: Final = "tell your administrator."
_CANCELLED: Final = (
    "You cancelled the sign-in. Press the button to try again; if you did not cancel it, {tell}"
)
_UNREACHABLE: Final = (
    "{provider} could not be reached, so nobody was signed in. Try again in a minute; "
    "if it goes on, {tell}"
)
_CONFIGURATION: Final = (
    "{provider} refused PatchMon itself, so nobody was signed in. This is not about your "
    "account: {tell}"
)
# One text for every reason that has to do with accounts, so that nobody learns who has one.
_ACCOUNT: Final = (
    "Your sign-in with {provider} worked, but PatchMon could not let you in. If you have a "
    "PatchMon password, sign in with it and connect your {provider} account on your profile; "
    "otherwise {tell}"
)
_TAKEN: Final = "This {provider} account could not be connected to yours. To find out why, {tell}"
_REFUSED: Final = (
    "Your sign-in could not be completed. Press the button to try again; if it goes on, {tell}"
)

_UNREACHABLE_REASONS: Final = frozenset(
    {
        Reason.PROVIDER_UNREACHABLE,
        Reason.PROVIDER_TIMEOUT,
        Reason.PROVIDER_TLS,
        Reason.PROVIDER_STATUS,
        Reason.PROVIDER_THROTTLED,
        Reason.PROVIDER_PAUSED,
    }
)
_CONFIGURATION_REASONS: Final = frozenset(
    {
        Reason.CLIENT_REFUSED,
        Reason.SECRET_UNREADABLE,
        Reason.DISCOVERY,
        Reason.ISSUER_MISMATCH,
        Reason.SEVERAL_TENANTS,
        Reason.PROVIDER_BLOCKED,
        Reason.PROVIDER_ADDRESS,
    }
)
_TAKEN_REASONS: Final = frozenset({Reason.IDENTITY_TAKEN, Reason.CONNECT_OTHER_USER})


def sentence_for(reason: Reason, *, reference: str, provider: str) -> str:
    """Return what the person at the browser reads; nothing in it comes from the provider.

    Without a reference nothing is on record under one.
    """
    if reason.is_about_the_round_trip:
        return SESSION_EXPIRED
    if reason is Reason.NOT_READY:
        return UNAVAILABLE
    if reason is Reason.CANCELLED:
        text = _CANCELLED
    elif reason.is_about_accounts:
        text = _ACCOUNT
    elif reason in _TAKEN_REASONS:
        text = _TAKEN
    elif reason in _UNREACHABLE_REASONS:
        text = _UNREACHABLE
    elif reason in _CONFIGURATION_REASONS:
        text = _CONFIGURATION
    else:
        text = _REFUSED
    tell = _REFERENCE.format(reference=reference) if reference else _TELL
    return text.format(tell=tell, provider=provider)
