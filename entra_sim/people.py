"""The people of spec/entra-sim.md, each for a case, and the groups they are in."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from entra_sim import defaults
from entra_sim.keys import KeyRing
from entra_sim.photo import portrait
from entra_sim.tenant import ClientSecret, Group, Person, Registration, Tenant

_NESTED = 17
_MANY = 250
_ROLE = defaults.ROLE_GROUPS


def _oid(key: str) -> str:
    return str(uuid.uuid5(uuid.UUID(defaults.TENANT_ID), f"person|{key}"))


def _member(key: str, given: str, family: str, case: str, groups: Iterable[str] = ()) -> Person:
    address = f"{key}@contoso.com"
    return Person(
        key=key,
        oid=_oid(key),
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        upn=address,
        mail=address,
        case=case,
        groups=list(groups),
    )


def _many_groups() -> list[Group]:
    """Return 250 groups, one of them nested in the group of the host managers."""
    return [
        Group(
            str(uuid.uuid5(uuid.UUID(defaults.TENANT_ID), f"group|{number}")),
            f"Project {number:03}",
            (_ROLE["host_manager"],) if number == _NESTED else (),
        )
        for number in range(_MANY)
    ]


def _people(many: list[Group]) -> list[Person]:
    sofia = _member("sofia", "Sofia", "Rossi", "superadmin group", [_ROLE["superadmin"]])
    adam = _member("adam", "Adam", "Novak", "admin group, a directory role", [_ROLE["admin"]])
    adam.directory_roles = [defaults.DIRECTORY_ROLE]
    hana = _member("hana", "Hana", "Suzuki", "host manager group", [_ROLE["host_manager"]])
    alice = _member("alice", "Alice", "Martin", "user group, has a photo", [_ROLE["user"]])
    alice.photo = portrait()
    ravi = _member("ravi", "Ravi", "Patel", "readonly group", [_ROLE["readonly"]])
    tess = _member(
        "tess", "Tess", "Bakker", "two groups: user and admin", [_ROLE["user"], _ROLE["admin"]]
    )
    nora = _member("nora", "Nora", "Lind", "no group at all")
    olga = _member(
        "olga",
        "Olga",
        "Petrova",
        "250 groups; the mapped one nested, only in Graph",
        [group.group_id for group in many],
    )
    bob = _member("bob", "Bob", "Keller", "guest (#EXT#), user group", [_ROLE["user"]])
    bob.upn = "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"
    bob.mail = "bob@fabrikam.com"
    bob.home_tenant_id = defaults.GUEST_HOME_TENANT_ID
    nomail = _member("nomail", "Noah", "Silva", "no e-mail address", [_ROLE["user"]])
    nomail.mail = ""
    alice2 = _member("alice2", "Alice", "Dubois", "alice@ of another domain", [_ROLE["user"]])
    alice2.upn = alice2.mail = "alice@fabrikam.example"
    clash = _member("clash", "Clara", "Asher", "e-mail of a local administrator", [_ROLE["user"]])
    clash.mail = "admin@contoso.com"
    mei = _member("mei", "美丽", "王", "name in Chinese and Arabic", [_ROLE["user"]])
    mei.name = "王美丽 ليلى حسن"
    rena = _member(
        "rena", "Rena", "Walker", "renamed: the same person as Rena Young", [_ROLE["user"]]
    )
    rena.upn = rena.mail = "rena.walker@contoso.com"
    young = _member(
        "rena_before", "Rena", "Young", "Rena Walker before her new name", [_ROLE["user"]]
    )
    young.oid = rena.oid
    young.upn = young.mail = "rena.young@contoso.com"
    dora = _member("dora", "Dora", "Weiss", "disabled", [_ROLE["user"]])
    dora.enabled = False
    mallory = _member("mallory", "Mallory", "Stone", "another tenant, alice's e-mail")
    mallory.upn = "mallory@northwind.example"
    mallory.mail = alice.mail
    mallory.tenant_id = defaults.OTHER_TENANT_ID
    mallory.domain_verified = False
    return [
        *(sofia, adam, hana, alice, ravi, tess, nora, olga, bob, nomail, alice2, clash, mei),
        *(rena, young, dora, mallory),
    ]


def default_tenant(keys: KeyRing, callback_urls: Iterable[str]) -> Tenant:
    """Return the tenant as Part A of the guide leaves it."""
    many = _many_groups()
    groups = [
        *(Group(_ROLE[role], name) for role, name in defaults.ROLE_GROUP_NAMES.items()),
        Group(defaults.UNMAPPED_GROUP, "All Company"),
        *many,
    ]
    app = Registration(
        callback_urls=list(callback_urls),
        secrets=[
            ClientSecret(defaults.SECRET_VALUE, defaults.SECRET_ID),
            ClientSecret(defaults.EXPIRED_SECRET_VALUE, defaults.EXPIRED_SECRET_ID, expired=True),
        ],
    )
    return Tenant(
        app=app,
        people={person.key: person for person in _people(many)},
        groups={group.group_id: group for group in groups},
        keys=keys,
    )
