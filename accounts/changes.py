from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from auditlog import get_logentry_model
from django.db import models

if TYPE_CHECKING:
    from accounts.models import User


class Action(IntEnum):
    """What happened to a row, in django-auditlog's numbers."""

    CREATED = 0
    CHANGED = 1
    DELETED = 2


def record(
    instance: models.Model,
    changes: Mapping[str, tuple[str, str]],
    *,
    actor: User | None,
    action: Action = Action.CHANGED,
    save_id: str = "",
) -> None:
    """Write one entry of the change log, in the caller's transaction.

    `changes` is field → (before, after), in words that may be shown; a secret is named, never
    shown. The actor's name is kept beside the key, because the account may be deleted later.
    `save_id` marks the entries that one save has written together.
    """
    get_logentry_model().objects.log_create(
        instance,
        action=int(action),
        changes={field: list(pair) for field, pair in changes.items()},
        actor=actor,
        actor_email=actor.email if actor else None,
        additional_data={
            "actor": actor.get_username() if actor else "",
            **({"save": save_id} if save_id else {}),
        },
        serialized_data=None,
    )
