"""What an explanation of a failure is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who can mend it."""

    USER = "user"
    ADMINISTRATOR = "administrator"
    ENTRA_ADMINISTRATOR = "entra_administrator"
    NOBODY = "nobody"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Who.USER: "The person who signs in",
    Who.ADMINISTRATOR: "A PatchMon administrator",
    Who.ENTRA_ADMINISTRATOR: "An Entra administrator",
    Who.NOBODY: "Nobody: try again",
}


class Field(StrEnum):
    """The field of ours that the cure is about; "" when it is none."""

    NONE = ""
    ISSUER_URL = "issuer_url"
    CLIENT_ID = "client_id"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a field
    REDIRECT_URI = "redirect_uri"
    SCOPES = "scopes"
    SERVER_URL = "server_url"
    AUTO_CREATE_USERS = "auto_create_users"
    TRUST_UNVERIFIED_EMAIL = "trust_unverified_email"


class Blade(StrEnum):
    """Where in the Entra admin center the cure is found; "" when it is not there."""

    NONE = ""
    OVERVIEW = "App registrations → your app → Overview"
    AUTHENTICATION = "App registrations → your app → Authentication"
    SECRETS = "App registrations → your app → Certificates & secrets"
    TOKEN_CONFIGURATION = "App registrations → your app → Token configuration"  # noqa: S105
    PERMISSIONS = "App registrations → your app → API permissions"
    MANIFEST = "App registrations → your app → Manifest"
    PROPERTIES = "Enterprise applications → your app → Properties"
    ASSIGNMENT = "Enterprise applications → your app → Users and groups"
    CONSENT_REQUESTS = "Enterprise applications → Admin consent requests"
    SIGN_IN_LOGS = "Monitoring & health → Sign-in logs"
    CONDITIONAL_ACCESS = "Protection → Conditional Access"
    USERS = "Users → All users"
    DEVICES = "Devices → All devices"
    EXTERNAL = "External Identities → Cross-tenant access settings"
    RISK = "Protection → Identity Protection"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened, who mends it and how, in plain words; `code` is what it explains."""

    code: str
    happened: str
    who: Who
    cure: str
    field: Field = Field.NONE
    blade: Blade = Blade.NONE


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a catalogue: codes that share one meaning, none where a name is looked up."""

    codes: tuple[int, ...]
    happened: str
    who: Who
    cure: str
    field: Field = Field.NONE
    blade: Blade = Blade.NONE

    def explains(self, code: str) -> Explanation:
        return Explanation(code, self.happened, self.who, self.cure, self.field, self.blade)
