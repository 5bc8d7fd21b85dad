"""The state of the tenant: plain, mutable, changed by a test in one line."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from entra_sim import defaults
from entra_sim.keys import KeyRing


class GroupsClaim(StrEnum):
    """What Token configuration → Edit groups claim offers (entra-facts §3.1)."""

    NONE = "None"
    SECURITY = "SecurityGroup"
    ASSIGNED = "ApplicationGroup"


@dataclass(slots=True)
class ClaimSwitches:
    """Token configuration, as Part A of the guide leaves it."""

    groups: GroupsClaim = GroupsClaim.SECURITY
    email: bool = True
    names: bool = True
    sid: bool = False
    login_hint: bool = False
    upn: bool = False
    acct: bool = False
    # False: not configured. True, 1, "1" and "true" have all been seen as its value (§2.3); a
    # person whose domain is not verified gets False.
    xms_edov: bool | int | str = False
    # Laid over the finished claims; None takes one out.
    overrides: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class ClientSecret:
    value: str = field(repr=False)
    secret_id: str
    expired: bool = False


@dataclass(slots=True)
class Registration:
    """The app registration together with its enterprise application."""

    client_id: str = defaults.CLIENT_ID
    name: str = defaults.APP_NAME
    callback_urls: list[str] = field(default_factory=list)
    secrets: list[ClientSecret] = field(default_factory=list)
    # PEM texts of uploaded certificates, for private_key_jwt.
    certificates: list[str] = field(default_factory=list)
    front_channel_logout_url: str = ""
    claims: ClaimSwitches = field(default_factory=ClaimSwitches)
    multi_tenant: bool = False
    enabled: bool = True
    service_principal: bool = True
    # "Assignment required", and who is assigned: keys of people or ids of groups.
    assignment_required: bool = False
    assigned: set[str] = field(default_factory=set)
    # Delegated permissions that an administrator has consented to for everybody.
    consented: set[str] = field(default_factory=lambda: {"openid", "profile", "email", "User.Read"})
    # Any code of the catalogue: refuses a correct code, or a correct app-only request.
    token_refusal: int = 0
    app_only_refusal: int = 0


@dataclass(slots=True)
class Group:
    """A security group; `member_of` names the groups that it is nested in."""

    group_id: str
    name: str
    member_of: tuple[str, ...] = ()


@dataclass(slots=True)
class Person:
    key: str
    oid: str
    name: str
    given_name: str
    family_name: str
    upn: str
    mail: str
    case: str
    groups: list[str] = field(default_factory=list)
    directory_roles: list[str] = field(default_factory=list)
    app_roles: list[str] = field(default_factory=list)
    tenant_id: str = defaults.TENANT_ID
    # Another tenant's GUID makes this person a guest of `tenant_id`.
    home_tenant_id: str = ""
    enabled: bool = True
    domain_verified: bool = True
    photo: bytes | None = field(default=None, repr=False)
    # Scopes this person has consented to, beyond what an administrator did.
    consented: set[str] = field(default_factory=set)
    # Any code of the catalogue: what signing in as this person ends with (Conditional Access, …).
    refusal: int = 0

    @property
    def is_guest(self) -> bool:
        return self.home_tenant_id not in {"", self.tenant_id}

    @property
    def login_hint(self) -> str:
        """The opaque value of the optional claim of that name."""
        digest = hashlib.sha256(f"login_hint|{self.oid}".encode()).digest()
        return "O." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def oid_in(self, tenant_id: str) -> str:
        """Return the Object ID this person has in a tenant, '' for none: a guest has two (§2.2)."""
        if tenant_id == self.tenant_id:
            return self.oid
        if self.is_guest and tenant_id == self.home_tenant_id:
            return str(uuid.uuid5(uuid.UUID(tenant_id), self.oid))
        return ""

    def is_hinted_by(self, hint: str) -> bool:
        return bool(hint) and (
            hint == self.login_hint or hint.lower() in {self.upn.lower(), self.mail.lower()}
        )

    def rename(self, *, upn: str, mail: str, name: str = "") -> None:
        self.upn, self.mail, self.name = upn, mail, name or self.name


@dataclass(slots=True)
class Tenant:
    app: Registration
    people: dict[str, Person]
    groups: dict[str, Group]
    keys: KeyRing
    tenant_id: str = defaults.TENANT_ID
    name: str = defaults.TENANT_NAME
    domains: tuple[str, ...] = defaults.TENANT_DOMAINS
    other_tenants: tuple[str, ...] = (defaults.OTHER_TENANT_ID, defaults.GUEST_HOME_TENANT_ID)
    # Groups in a token, above which the claim is dropped (§3.2).
    overage_limit: int = 200
    # Graph's largest page; lower it to see paging without a thousand groups.
    graph_page_limit: int = 999
    # Both have been seen for a scope such as `groups` (spec/entra-sim.md).
    unknown_scope_code: int = 650053
    # Concrete or templated issuer for each published key (§1.4).
    concrete_key_issuer: bool = False
    # Seconds by which this tenant's clock is ahead, in tokens and in the Date header.
    clock_skew: float = 0.0

    def rotate_keys(self, *, keep_old: bool = True, publish: bool = True) -> str:
        return self.keys.rotate(keep_old=keep_old, publish=publish)

    def memberships(self, person: Person) -> list[str]:
        """Return the ids of all groups, direct ones first, then those they are nested in."""
        found = dict.fromkeys(person.groups)
        queue = list(found)
        while queue:
            group = self.groups.get(queue.pop(0))
            for parent in group.member_of if group else ():
                if parent not in found:
                    found[parent] = None
                    queue.append(parent)
        return list(found)

    def is_assigned(self, person: Person) -> bool:
        """Say whether the person may use the app: assignment does not reach nested groups."""
        app = self.app
        return not app.assignment_required or bool(app.assigned & {person.key, *person.groups})

    def add_person(self, key: str, mail: str, *, groups: Iterable[str] = ()) -> Person:
        person = Person(
            key=key,
            oid=str(uuid.uuid5(uuid.UUID(self.tenant_id), key)),
            name=key.title(),
            given_name=key.title(),
            family_name="Example",
            upn=mail or f"{key}@{self.domains[0]}",
            mail=mail,
            case="added",
            groups=list(groups),
        )
        self.people[key] = person
        return person
