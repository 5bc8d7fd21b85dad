"""Secrets at rest: Fernet tokens, the first key encrypts and all of them decrypt."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.crypto import salted_hmac


class CannotDecrypt(Exception):
    """Say that no key at hand opens a stored secret."""


def derived_key(secret_key: str) -> bytes:
    """Derive the key that is used while ENCRYPTION_KEYS is unset."""
    material = HKDF(
        algorithm=SHA256(), length=32, salt=None, info=b"patchmon secrets at rest 1"
    ).derive(secret_key.encode())
    return base64.urlsafe_b64encode(material)


def _keys() -> MultiFernet:
    keys = [key.encode() for key in settings.ENCRYPTION_KEYS] or [derived_key(settings.SECRET_KEY)]
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(secret: str) -> str:
    """Return the secret as text that only our keys open; an empty one stays empty."""
    return _keys().encrypt(secret.encode()).decode("ascii") if secret else ""


def decrypt(stored: str) -> str:
    """Return the secret; raise CannotDecrypt where no key fits."""
    if not stored:
        return ""
    try:
        return _keys().decrypt(stored.encode()).decode()
    except (InvalidToken, UnicodeDecodeError):
        raise CannotDecrypt from None


def mark_of(encrypted: str) -> str:
    """Return what tells this stored secret from another one, and nothing of either.

    A keyed digest of what is stored, which is another for each save, of the same secret too.
    """
    return salted_hmac("sso.secret.mark", encrypted, algorithm="sha256").hexdigest()
