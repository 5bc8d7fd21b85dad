"""The e-mail address among the claims, and whether the provider vouches for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sso.rules.text import has_invisible, strip_edges

EMAIL_LIMIT = 254

# A comma or a bracket would make one address two in a mail header.
_NEVER_IN_AN_ADDRESS = frozenset(' \t"(),:;<>[\\]')
_PLAINLY_TRUE = frozenset({"true", "1", "yes"})
_VERIFIED_DOMAIN = frozenset({"true", "1"})


def read_email(
    signed: Mapping[str, Any], unsigned: Mapping[str, Any]
) -> tuple[str | None, Mapping[str, Any]]:
    """Return the address ("" none, None unusable) and the document that it stands in."""
    # Signed and empty is the provider's word that there is none: userinfo adds no other.
    document = unsigned if signed.get("email") is None else signed
    value = document.get("email")
    if value is None or (isinstance(value, str) and not strip_edges(value)):
        return "", document
    return _usable_address(value), document


def _usable_address(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    address = value.strip(" ")
    local, at, domain = address.partition("@")
    sound = (
        len(address) <= EMAIL_LIMIT
        and bool(local and at and domain)
        and "@" not in domain
        and not _NEVER_IN_AN_ADDRESS.intersection(address)
        and not has_invisible(address)
        and not any(character.isspace() for character in address)
    )
    return address if sound else None


def verdict(
    signed: Mapping[str, Any],
    unsigned: Mapping[str, Any],
    email_from: Mapping[str, Any],
    *,
    is_entra: bool,
) -> bool | None:
    """Say whether the provider vouches for the address, denies it, or says nothing.

    A denial counts under any casing of the name, in userinfo only where the signed token does
    not speak; trust only under the exact name, in the document that holds the address.
    """
    if _denies(signed) or ("email_verified" not in signed and _denies(unsigned)):
        return False
    vouched = email_from.get("email_verified")
    if vouched is True or vouched == "true":
        return True
    return True if is_entra and _is_edov(signed.get("xms_edov")) else None


def _denies(claims: Mapping[str, Any]) -> bool:
    return any(
        name.lower() == "email_verified" and not is_plainly_true(value)
        for name, value in claims.items()
    )


def _is_edov(value: Any) -> bool:
    """Read Entra's word for a verified domain: true, 1, "1" or "true" (entra-facts §2.3)."""
    if isinstance(value, str):
        return value.lower() in _VERIFIED_DOMAIN
    return value is True or (type(value) is int and value == 1)


def is_plainly_true(value: Any) -> bool:
    # `1 == True == 1.0` in Python: the type is looked at first.
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value == 1
    return isinstance(value, str) and value.strip().lower() in _PLAINLY_TRUE
