"""What is true of this installation as a whole, and how every process knows of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from accounts import shared_cache

_PUBLISHED = "accounts.installation"
_PUBLISHED_FOR = 60  # seconds: what a process without a shared cache may lag behind


@dataclass(frozen=True, slots=True)
class InstallationFacts:
    server_url: str
    administrator_existed: bool


class Installation(models.Model):
    """What is true of this installation as a whole; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    server_url = models.CharField(
        "Server URL",
        max_length=255,
        blank=True,
        default="",
        help_text="Empty: the SERVER_URL of the environment.",
    )
    administrator_existed = models.BooleanField(
        "an administrator has existed", default=False, editable=False
    )

    class Meta:
        verbose_name = verbose_name_plural = "installation"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="accounts_installation_single_row")
        ]

    def __str__(self) -> str:
        return "Installation"

    @classmethod
    def load(cls) -> Installation:
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def close_first_administrator(cls) -> bool:
        """Note that an administrator has existed; True for the one caller who notes it first."""
        cls.load()
        closed = cls.objects.filter(pk=1, administrator_existed=False).update(
            administrator_existed=True
        )
        if closed:
            cls.publish()
        return closed == 1

    @classmethod
    def publish(cls) -> None:
        """Put the row where every process reads it, once it is committed."""
        transaction.on_commit(
            lambda: shared_cache.write_shared(_PUBLISHED, cls._facts(), _PUBLISHED_FOR)
        )

    @classmethod
    def published(cls) -> InstallationFacts:
        """Read the row from the shared cache: pages ask for it on every request.

        It says which hosts and origins are accepted, so that no other memory will do: the
        database is asked while the cache cannot be reached, and until all has run out that lay
        there before, since nobody could be told of a save meanwhile.
        """
        facts = shared_cache.read_shared(_PUBLISHED)
        if shared_cache.reachable_for() < _PUBLISHED_FOR or not isinstance(facts, tuple):
            facts = cls._facts()
            if shared_cache.is_reachable():
                # Never over a newer one that a save has put there meanwhile.
                shared_cache.claim(_PUBLISHED, facts, _PUBLISHED_FOR)
        stored, existed = facts
        return InstallationFacts((stored or settings.SERVER_URL).rstrip("/"), bool(existed))

    @classmethod
    def _facts(cls) -> tuple[str, bool]:
        row = cls.objects.filter(pk=1).values_list("server_url", "administrator_existed").first()
        return row or ("", False)
