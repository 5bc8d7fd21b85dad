"""The date beside the client secret in force, and whether somebody should be reminded of it."""

from __future__ import annotations

from django.utils import timezone

from sso.conf import Config
from sso.rules.secret_expiry import SecretExpiry


def secret_expiry(config: Config) -> SecretExpiry | None:
    """Return when the secret in force expires, seen from today; None while no date is known."""
    if config.client_secret_expires is None or not config.secret_set:
        return None
    return SecretExpiry(on=config.client_secret_expires, today=timezone.localdate())


def reminder(config: Config) -> SecretExpiry | None:
    """Return the date when it needs attention: it is near, and the secret is there to be used."""
    expiry = secret_expiry(config)
    if expiry is None or not expiry.is_near or (config.missing and not config.enabled):
        return None
    return expiry
