"""Fill PatchMon's database: as many sign-in attempts, accounts and changes as are asked for.

Runs where Django is set up on an empty, migrated database. The same numbers give the same rows.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from auditlog import get_logentry_model
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from benchmarks.patchmon import ADMINISTRATOR
from benchmarks.walk import Landmarks
from entra_sim import defaults
from sso.models import LinkedIdentity, SignInAttempt
from sso.rules.decision import RoleRule
from sso.rules.reasons import Reason

# The oldest tenth is past what ATTEMPTS_KEPT keeps, so that there is something to prune.
DAYS: Final = 100
STRANGERS: Final = 500
GROUPS_EACH: Final = 6
BATCH: Final = 5000
BROWSER: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)
ROLES: Final = ((Role.USER, 70), (Role.READONLY, 15), (Role.HOST_MANAGER, 12), (Role.ADMIN, 3))
# (reason, whether the provider said who it is, weight): what refuses people in practice.
REFUSALS: Final = (
    (Reason.CANCELLED, False, 40),
    (Reason.PROVIDER_ERROR, False, 25),
    (Reason.NO_ACCOUNT, True, 15),
    (Reason.GRANT_REFUSED, False, 6),
    (Reason.EMAIL_UNVERIFIED, True, 5),
    (Reason.STATE_USED, False, 4),
    (Reason.PROVIDER_TIMEOUT, False, 3),
    (Reason.EMAIL_GUEST, True, 1),
    (Reason.CLOCK_SKEW, False, 1),
)
OUTCOMES: Final = (
    (SignInAttempt.Outcome.SIGNED_IN, 860),
    (SignInAttempt.Outcome.REFUSED, 120),
    (SignInAttempt.Outcome.TESTED, 15),
    (SignInAttempt.Outcome.LINKED, 5),
)
_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    # 0 for who has no account.
    key: int
    role: str
    # What the provider says of them, as columns of an attempt.
    identity: dict[str, Any]


def fill(*, attempts: int, accounts: int, changes: int, issuer: str) -> Landmarks:
    """Write accounts with their identities, then attempts and changes spread over DAYS.

    Return what there is to look for then.
    """
    # Nothing of this is a secret: who signs in, when and why not, the same at every run.
    chance = random.Random(20260101)  # noqa: S311
    now = timezone.now()
    with _in_haste():
        people = _accounts(accounts, issuer, chance, now)
        strangers = [_person(None, f"stranger{number:04}", chance) for number in range(STRANGERS)]
        with _indexes_afterwards(SignInAttempt), transaction.atomic():
            _insert(SignInAttempt, _attempts(attempts, issuer, people, strangers, chance, now))
        _changes(changes, people, chance, now)
    refused = SignInAttempt.objects.filter(outcome=SignInAttempt.Outcome.REFUSED)
    somebody = people[len(people) // 2]
    return Landmarks(
        reference=_reference(attempts // 2),
        refused=refused.latest("at", "pk").reference,
        username=somebody.identity["username"],
        email=somebody.identity["email"],
        user_key=somebody.key,
        since=(now - timedelta(days=40)).date().isoformat(),
        until=(now - timedelta(days=30)).date().isoformat(),
        common_reason=Reason.CANCELLED.value,
        rare_reason=Reason.CLOCK_SKEW.value,
    )


def sign_in_administrator(browser: Client) -> None:
    """Sign the local administrator in, as they would with their password."""
    user = User.objects.get(username=ADMINISTRATOR)
    browser.force_login(user, backend="accounts.backends.PasswordBackend")


def _accounts(number: int, issuer: str, chance: random.Random, now: datetime) -> list[_Person]:
    roles, weights = [role for role, _ in ROLES], [weight for _, weight in ROLES]
    unusable = make_password(None)
    users = User.objects.bulk_create(
        [
            User(
                username=f"user{count:04}",
                email=f"user{count:04}@contoso.com",
                email_key=f"user{count:04}@contoso.com",
                first_name=f"Given{count % 97}",
                last_name=f"Family{count % 389}",
                role=chance.choices(roles, weights)[0].value,
                password=unusable,
            )
            for count in range(number)
        ],
        batch_size=BATCH,
    )
    people = [_person(user, user.username, chance) for user in users]
    LinkedIdentity.objects.bulk_create(
        [
            LinkedIdentity(
                user_id=person.key,
                issuer=issuer,
                groups=json.loads(person.identity["groups"]),
                last_sign_in=now,
                **{
                    name: person.identity[name]
                    for name in ("subject", "tenant_id", "object_id", "email")
                },
            )
            for person in people
        ],
        batch_size=BATCH,
    )
    return people


def _person(user: User | None, username: str, chance: random.Random) -> _Person:
    def guid() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    email = f"{username}@contoso.com"
    return _Person(
        key=user.pk if user else 0,
        role=user.role if user else "",
        identity={
            "username": user.username if user else "",
            "subject": f"{chance.getrandbits(256):064x}",
            "tenant_id": defaults.TENANT_ID,
            "object_id": guid(),
            "email": email,
            "upn": email,
            "is_guest": False,
            "groups": json.dumps([guid() for _ in range(GROUPS_EACH)]),
            "groups_source": "token",
        },
    )


def _attempts(
    number: int,
    issuer: str,
    people: list[_Person],
    strangers: list[_Person],
    chance: random.Random,
    now: datetime,
) -> Iterator[dict[str, Any]]:
    """Yield attempts, oldest first, as the columns in which they differ from an empty one."""
    begin, step = now - timedelta(days=DAYS), timedelta(days=DAYS) / number
    outcomes, likely = [each for each, _ in OUTCOMES], [weight for _, weight in OUTCOMES]
    refusals = [(reason, known) for reason, known, _ in REFUSALS]
    weights = [weight for _, _, weight in REFUSALS]
    for count, outcome in enumerate(chance.choices(outcomes, likely, k=number)):
        row: dict[str, Any] = {
            "reference": _reference(count),
            "at": connection.ops.adapt_datetimefield_value(begin + step * count),
            "outcome": outcome.value,
            "issuer": issuer,
            "duration_ms": 40 + count % 200,
            "provider_ms": 30 + count % 150,
            "address": f"10.{count % 250}.{count % 119}.{count % 241}",
            "user_agent": BROWSER,
        }
        person = people[int(chance.random() * len(people))]
        if outcome is SignInAttempt.Outcome.REFUSED:
            reason, known = chance.choices(refusals, weights)[0]
            row["reason"] = reason.value
            if reason is Reason.PROVIDER_ERROR:
                row |= {"provider_error": "access_denied", "provider_codes": "[50105]"}
            if known:
                row |= strangers[count % len(strangers)].identity
        else:
            row |= person.identity
            row |= {
                "user_id": person.key,
                "role_rule": RoleRule.GROUP.value,
                "role_before": person.role,
                "role_after": person.role,
            }
        yield row


def _reference(number: int) -> str:
    """Return eight letters that no other number has, in no order."""
    left, letters = number * 48_271 % 30**8, []
    for _ in range(8):
        left, digit = divmod(left, 30)
        letters.append(_LETTERS[digit])
    return "".join(letters)


@contextlib.contextmanager
def _indexes_afterwards(model: type[models.Model]) -> Iterator[None]:
    """Make the model's own indexes once its rows are there, which is quicker."""
    indexes = model._meta.indexes  # noqa: SLF001 - Django documents it for whoever uses models
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(model, index)


def _insert(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows the way the driver is fastest; what a row leaves out is as the model has it."""
    told = model._meta  # noqa: SLF001 - as above
    fields = [field for field in told.concrete_fields if not field.primary_key]
    empty = model()
    defaults_of: dict[str, Any] = {
        str(field.column): field.get_db_prep_save(getattr(empty, field.attname), connection)
        for field in fields
    }
    names = ", ".join(f'"{name}"' for name in defaults_of)
    table = told.db_table
    values = (tuple({**defaults_of, **row}.values()) for row in rows)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for value in values:
                    copy.write_row(value)
        else:
            marks = ", ".join(["%s"] * len(fields))
            # The names are the model's own.
            insert = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
            while batch := list(itertools.islice(values, BATCH)):
                cursor.executemany(insert, batch)


def _changes(number: int, people: list[_Person], chance: random.Random, now: datetime) -> None:
    """Write changes of roles, by one account or another."""
    kind = ContentType.objects.get_for_model(User)
    entry, step = get_logentry_model(), timedelta(days=DAYS) / number
    entry.objects.bulk_create(
        (
            entry(
                content_type=kind,
                object_pk=str(person.key),
                object_id=person.key,
                object_repr=person.identity["username"],
                action=1,
                changes={"role": ["User", "Host Manager"]},
                actor_id=actor.key,
                timestamp=now - step * count,
                additional_data={"actor": actor.identity["username"]},
            )
            for count in range(number)
            for person, actor in (chance.sample(people, 2),)
        ),
        batch_size=BATCH,
    )


@contextlib.contextmanager
def _in_haste() -> Iterator[None]:
    """Let SQLite keep its journal in memory; afterwards let each database do what it does in time.

    PostgreSQL collects statistics and marks pages by itself, SQLite neither.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for line in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-400000"):
                cursor.execute(f"PRAGMA {line}")
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE)")
    # The next one is opened as PatchMon's settings say.
    connection.close()
