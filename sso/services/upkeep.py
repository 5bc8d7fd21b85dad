"""What operators do to the settings from the command line alone (product.md, Command line)."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.changes import record
from sso.encryption import decrypt, encrypt
from sso.models import SINGLETON, OIDCSettings
from sso.services.attempts import record_local_opened
from sso.services.settings import SECRET, SECRET_WORDS

log = structlog.stdlib.get_logger(__name__)


def rotate_keys() -> bool:
    """Encrypt the stored secret with the first key; say whether there was one.

    Raises CannotDecrypt where no key opens it. A secret that somebody saves meanwhile waits, and
    is not written over.
    """
    OIDCSettings.load()
    with transaction.atomic():
        row = OIDCSettings.objects.select_for_update().get(pk=SINGLETON)
        if not row.client_secret_encrypted:
            return False
        row.client_secret_encrypted = encrypt(decrypt(row.client_secret_encrypted))
        row.save(update_fields=["client_secret_encrypted"])
        # Not as a save: there is nothing in it that could be undone.
        record(row, {SECRET: (SECRET_WORDS[True], "encrypted with the first key")}, actor=None)
    log.info("oidc secret encrypted anew", _event="sso.secret.rotated")
    return True


def open_local_sign_in(minutes: int) -> datetime:
    """Accept passwords for so long, whatever the settings say; return until when. 0 ends it."""
    OIDCSettings.load()
    with transaction.atomic():
        row = OIDCSettings.objects.select_for_update().get(pk=SINGLETON)
        until = timezone.now() + timedelta(minutes=minutes)
        row.local_sign_in_until = until
        row.save(update_fields=["local_sign_in_until"])
        record(row, {"local sign-in": ("", f"allowed for {minutes} minutes")}, actor=None)
    if minutes:
        record_local_opened(until)
    log.warning("oidc local sign-in allowed", _event="sso.local_allowed", minutes=minutes)
    return until
