"""What an editor saw when a form was rendered, sealed into it to tell later what they changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.core import signing

from sso.services.settings import EXPIRES, MAPPING_FIELDS, SECRET_SEEN, SETTING_FIELDS

# Enable saves by itself and is no field of the form.
FORM_FIELDS: Final = tuple(name for name in SETTING_FIELDS if name != "enabled") + MAPPING_FIELDS
_SALT: Final = "sso.settings.base"


def seal_base(values: Mapping[str, Any]) -> str:
    """Seal the values a form was rendered from, so that it can tell later what was changed."""
    sealed = {name: values[name] for name in FORM_FIELDS}
    sealed[SECRET_SEEN] = values.get(SECRET_SEEN)
    if sealed[EXPIRES] is not None:
        sealed[EXPIRES] = sealed[EXPIRES].isoformat()
    return signing.dumps(sealed, salt=_SALT, compress=True)


def open_base(sealed: str) -> Mapping[str, Any] | None:
    """Open what seal_base made; None for anything else."""
    try:
        values = signing.loads(sealed, salt=_SALT)
    except signing.BadSignature:
        return None
    if not isinstance(values, dict):
        return None
    expires = values.get(EXPIRES)
    return {**values, EXPIRES: None if expires is None else date.fromisoformat(expires)}
