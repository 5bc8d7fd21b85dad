"""Reason → what happened, who mends it and how, for administrators (product.md, Errors).

The person who was refused never reads these; the page they get is the same for many reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sso.rules.explanations import Blade, Explanation, Field, Row, Who
from sso.rules.reasons import Reason

_AGAIN = "Press the sign-in button again."
_OUTAGE = "Try again in a few minutes; Check configuration tells whether it is over."
_NETWORK = "Check firewall, proxy and DNS between PatchMon and the provider."
_PROVIDER = (
    "Check that the Issuer URL is the right one. If it is, the provider itself is at fault: ask"
    " whoever runs it."
)
_FORGED = (
    "Once is no harm. Often: somebody may be trying forged sign-ins, or a proxy changes what"
    " passes through."
)
_CLOCK = "Set the clocks of this server and of the provider by NTP."
_LINK = (
    "If it is the same person, link this identity to the account here, or have them connect it"
    " on their profile."
)

_ADMIN, _ENTRA, _USER, _NOBODY = (
    Who.ADMINISTRATOR,
    Who.ENTRA_ADMINISTRATOR,
    Who.USER,
    Who.NOBODY,
)


def _row(
    happened: str, who: Who, cure: str, field: Field = Field.NONE, blade: Blade = Blade.NONE
) -> Row:
    return Row((), happened, who, cure, field, blade)


_ROWS: Mapping[Reason, Row] = MappingProxyType(
    {
        Reason.STATE: _row(
            "The browser came back with a sign-in that it had not begun here.", _USER, _AGAIN
        ),
        Reason.STATE_EXPIRED: _row("Coming back from the provider took too long.", _USER, _AGAIN),
        Reason.STATE_USED: _row("The same answer of the provider arrived twice.", _USER, _AGAIN),
        Reason.STALE_CONFIG: _row(
            "The settings changed while the person was at the provider.", _USER, _AGAIN
        ),
        Reason.DUPLICATE_PARAM: _row(
            "The provider's answer held a parameter twice.", _NOBODY, _FORGED
        ),
        Reason.CALLBACK_FORMAT: _row(
            "The provider's answer was not complete or far too long.", _NOBODY, _FORGED
        ),
        Reason.ISS_PARAM: _row(
            "The answer names another provider than the one that was asked.",
            _ADMIN,
            _PROVIDER,
            Field.ISSUER_URL,
        ),
        Reason.PROVIDER_ERROR: _row(
            "The provider ended the sign-in with an error.",
            _ADMIN,
            "Read the provider's error and its explanation.",
        ),
        Reason.CANCELLED: _row("The person cancelled at the provider.", _USER, _AGAIN),
        Reason.NOT_READY: _row(
            "Single sign-on was not ready.", _ADMIN, "Settings → OIDC / SSO says what is missing."
        ),
        Reason.PROVIDER_UNREACHABLE: _row("The provider could not be reached.", _ADMIN, _NETWORK),
        Reason.PROVIDER_TIMEOUT: _row("The provider did not answer in time.", _NOBODY, _OUTAGE),
        Reason.PROVIDER_TLS: _row(
            "The provider's certificate is not valid.",
            _ADMIN,
            "Renew the certificate, or name your own authority's file in OIDC_CA_BUNDLE. The"
            " check cannot be switched off.",
        ),
        Reason.PROVIDER_REDIRECT: _row(
            "The provider sent PatchMon on to another address, which it does not follow.",
            _ADMIN,
            _PROVIDER,
            Field.ISSUER_URL,
        ),
        Reason.PROVIDER_TOO_LARGE: _row("The provider's answer was too large.", _ADMIN, _PROVIDER),
        Reason.PROVIDER_BLOCKED: _row(
            "The provider's name leads to an address that PatchMon never calls.",
            _ADMIN,
            "Correct the DNS entry. A provider on a private network needs"
            " OIDC_ALLOW_PRIVATE_ADDRESSES=true.",
            Field.ISSUER_URL,
        ),
        Reason.PROVIDER_ADDRESS: _row(
            "An address of the provider is not one that can be called.",
            _ADMIN,
            _PROVIDER,
            Field.ISSUER_URL,
        ),
        Reason.PROVIDER_ANSWER: _row(
            "The provider's answer made no sense.", _ADMIN, _PROVIDER, Field.ISSUER_URL
        ),
        Reason.PROVIDER_STATUS: _row(
            "The provider answered with a status that says no more.", _NOBODY, _OUTAGE
        ),
        Reason.PROVIDER_THROTTLED: _row(
            "The provider is slowing PatchMon down: too many requests.", _NOBODY, _OUTAGE
        ),
        Reason.PROVIDER_PAUSED: _row(
            "The provider failed five times in a row and is left alone for half a minute.",
            _NOBODY,
            _OUTAGE,
        ),
        Reason.DISCOVERY: _row(
            "The provider's discovery document is not usable.", _ADMIN, _PROVIDER, Field.ISSUER_URL
        ),
        Reason.ISSUER_MISMATCH: _row(
            "The provider calls itself by another name than the Issuer URL.",
            _ADMIN,
            "Save the Issuer URL again exactly as the discovery document names it.",
            Field.ISSUER_URL,
        ),
        Reason.SEVERAL_TENANTS: _row(
            "The Issuer URL stands for many tenants.",
            _ADMIN,
            "Put the Directory (tenant) ID in the Issuer URL.",
            Field.ISSUER_URL,
            Blade.OVERVIEW,
        ),
        Reason.PROVIDER_KEYS: _row(
            "The provider's signing keys could not be read.", _ADMIN, _PROVIDER
        ),
        Reason.SECRET_UNREADABLE: _row(
            "The stored client secret cannot be decrypted.",
            _ADMIN,
            "Put the earlier key back into ENCRYPTION_KEYS or SECRET_KEY, or save the secret"
            " again.",
            Field.CLIENT_SECRET,
        ),
        Reason.CLIENT_REFUSED: _row(
            "The provider does not accept client ID and secret.",
            _ADMIN,
            "Create a new client secret, paste its Value and press Save next to the field.",
            Field.CLIENT_SECRET,
            Blade.SECRETS,
        ),
        Reason.GRANT_REFUSED: _row(
            "The provider does not accept the sign-in code: too old, or used already.",
            _USER,
            _AGAIN,
        ),
        Reason.TOKEN_REFUSED: _row(
            "The provider did not give PatchMon a token.",
            _ADMIN,
            "Read the provider's error and its explanation.",
        ),
        Reason.TOKEN_ANSWER: _row("The provider's token answer made no sense.", _ADMIN, _PROVIDER),
        Reason.TOKEN_FORMAT: _row("The ID token is malformed.", _ADMIN, _PROVIDER),
        Reason.TOKEN_TOO_LARGE: _row(
            "The ID token is larger than 64 KiB.",
            _ENTRA,
            "Let the token carry fewer claims or groups.",
            Field.NONE,
            Blade.TOKEN_CONFIGURATION,
        ),
        Reason.TOKEN_TYPE: _row("The provider sent a token of another kind.", _ADMIN, _PROVIDER),
        Reason.ALG: _row(
            "The ID token is signed in a way that PatchMon does not accept.",
            _ADMIN,
            "Have the provider sign with RS256 and a key of its own (Authentik: choose a"
            " signing key).",
        ),
        Reason.KEY: _row(
            "No key of the provider fits the ID token's signature.",
            _NOBODY,
            "The provider may just have changed its keys: try again in a minute. If it"
            " stays: check the Issuer URL, or a signing key made for the app.",
            Field.ISSUER_URL,
        ),
        Reason.SIGNATURE: _row("The ID token's signature is wrong.", _ADMIN, _FORGED),
        Reason.CLAIMS: _row("The ID token's contents are not usable.", _ADMIN, _PROVIDER),
        Reason.ISS: _row(
            "The ID token comes from another issuer.",
            _ADMIN,
            "Compare the Issuer URL with the provider's discovery document; for Entra it"
            " ends in /v2.0.",
            Field.ISSUER_URL,
        ),
        Reason.AUD: _row(
            "The ID token was made for another app.",
            _ADMIN,
            "Compare the Client ID with the one at the provider.",
            Field.CLIENT_ID,
            Blade.OVERVIEW,
        ),
        Reason.AZP: _row(
            "The ID token was asked for by another app.",
            _ADMIN,
            "Compare the Client ID with the one at the provider.",
            Field.CLIENT_ID,
            Blade.OVERVIEW,
        ),
        Reason.EXP: _row("The ID token has expired.", _ADMIN, _CLOCK),
        Reason.IAT: _row("The ID token is too old.", _ADMIN, _CLOCK),
        Reason.NBF: _row("The ID token is not valid yet.", _ADMIN, _CLOCK),
        Reason.CLOCK_SKEW: _row(
            "The ID token comes from the future: two clocks disagree.", _ADMIN, _CLOCK
        ),
        Reason.NONCE: _row("The ID token belongs to another sign-in.", _NOBODY, _FORGED),
        Reason.SUB: _row("The ID token does not say who it is about.", _ADMIN, _PROVIDER),
        Reason.AT_HASH: _row("ID token and access token do not belong together.", _NOBODY, _FORGED),
        Reason.AUTH_TIME: _row(
            "The provider did not ask the person to sign in afresh.",
            _USER,
            "Sign in at the provider once more.",
        ),
        Reason.TENANT: _row(
            "The ID token is of another tenant.",
            _ADMIN,
            "Compare the tenant in the Issuer URL with the Directory (tenant) ID.",
            Field.ISSUER_URL,
            Blade.OVERVIEW,
        ),
        Reason.VERSION: _row(
            "The ID token is of Entra's older version.",
            _ADMIN,
            "Use the Issuer URL that ends in /v2.0.",
            Field.ISSUER_URL,
        ),
        Reason.USERINFO: _row("The provider's userinfo answer was not usable.", _ADMIN, _PROVIDER),
        Reason.USERINFO_SUB: _row(
            "The provider's userinfo answer is about another person.", _ADMIN, _PROVIDER
        ),
        Reason.NO_ACCOUNT: _row(
            "There is no account for this person, and Auto-create users is off.",
            _ADMIN,
            "Turn on Auto-create users, or add an account and link this identity to it.",
            Field.AUTO_CREATE_USERS,
        ),
        Reason.INACTIVE: _row(
            "The account is deactivated.",
            _ADMIN,
            "Activate it under Users, if the person may come in.",
        ),
        Reason.EMAIL_AMBIGUOUS: _row(
            "More than one account has this e-mail address.",
            _ADMIN,
            "Correct the addresses under Users, or link this identity to the right account.",
        ),
        Reason.EMAIL_DENIED: _row(
            "An account has this address, but the provider says that the person never proved it.",
            _ADMIN,
            "Have the address verified at the provider, or the person connect it on their profile.",
        ),
        Reason.EMAIL_UNVERIFIED: _row(
            "An account has this address, but the provider does not vouch for it.",
            _ADMIN,
            _LINK,
            Field.TRUST_UNVERIFIED_EMAIL,
            Blade.TOKEN_CONFIGURATION,
        ),
        Reason.EMAIL_GUEST: _row(
            "An account has this address, but the person is a guest of the tenant.", _ADMIN, _LINK
        ),
        Reason.EMAIL_OF_ADMINISTRATOR: _row(
            "The address is an administrator's; those never link by e-mail.", _ADMIN, _LINK
        ),
        Reason.EMAIL_LINKED_ALREADY: _row(
            "The account with this address belongs to another identity of this provider.",
            _ADMIN,
            "Addresses change hands: find out who it is. Remove the old identity before you"
            " link this one.",
        ),
        Reason.IDENTITY_TAKEN: _row(
            "The identity is connected to another account already.",
            _ADMIN,
            "Remove it there first, or sign in with it.",
        ),
        Reason.CONNECT_OTHER_USER: _row(
            "Somebody else is signed in by now than the one who began to connect.",
            _USER,
            "Sign in to the right account and connect again.",
        ),
        Reason.CONFLICT: _row(
            "Something about the account changed at the same moment.", _USER, _AGAIN
        ),
        Reason.UNFORESEEN: _row(
            "PatchMon itself failed during the sign-in.", _ADMIN, "The server's log has the error."
        ),
    }
)


def explain_reason(reason: Reason) -> Explanation:
    """Explain a refusal; where there is a provider's own error, that says more."""
    return _ROWS[reason].explains(reason)
