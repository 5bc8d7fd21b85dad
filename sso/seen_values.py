"""What an editor saw when a form was rendered, sealed into it to tell later what they changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core import signing

from sso.services.settings import MAPPING_FIELDS, SETTING_FIELDS

# Enable saves by itself and is no field of the form.
FORM_FIELDS: Final = tuple(name for name in SETTING_FIELDS if name != "enabled") + MAPPING_FIELDS
_SALT: Final = "sso.settings.base"


def seal_base(values: Mapping[str, Any]) -> str:
    """Seal the values a form was rendered from, so that it can tell later what was changed."""
    return signing.dumps({name: values[name] for name in FORM_FIELDS}, salt=_SALT, compress=True)


def open_base(sealed: str) -> Mapping[str, Any] | None:
    """Open what seal_base made; None for anything else."""
    try:
        values = signing.loads(sealed, salt=_SALT)
    except signing.BadSignature:
        return None
    return values if isinstance(values, dict) else None
