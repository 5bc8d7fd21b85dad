from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from accounts.models import Session

SIGNED_IN_AT = "signed_in_at"
ADDRESS = "address"
USER_AGENT = "user_agent"
PROVIDER_SESSION_ID = "provider_session_id"
# As Django makes them; a cookie may hold anything, NUL included, which PostgreSQL refuses.
KEY: Final = re.compile(r"[a-z0-9]{8,40}", re.ASCII)


class SessionStore(DatabaseStore):
    """Keep sessions as rows that name their account and end a fixed time after the sign-in.

    Django's own row does not say whose it is, and each save of it starts its time anew. It also
    writes one three times at a sign-in: empty under its new key, then with what the sign-in put
    into it, and once more with the cookie.
    """

    _written: tuple[str | None, bytes] = (None, b"")

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _validate_session_key(self, key: str | None) -> bool:
        # What cannot be a key is not looked up.
        return KEY.fullmatch(key or "") is not None

    def cycle_key(self) -> None:
        """Give the session a new key; one that is not stored yet gets its first when it is."""
        if self.session_key is None:
            self.modified = True
            return
        super().cycle_key()

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's own
        """Store the session, unless this very content is stored under its key already."""
        if not must_create and self._written == (self.session_key, self._content()):
            return
        super().save(must_create)
        self._written = (self.session_key, self._content())

    def _content(self) -> bytes:
        return cast("bytes", self.serializer().dumps(dict(self.items())))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast("Session", super().create_model_instance(data))
        user_id, signed_in = data.get(SESSION_KEY), data.get(SIGNED_IN_AT)
        row.user_id = int(user_id) if user_id else None
        if signed_in is not None:
            row.created_at = datetime.fromtimestamp(signed_in, UTC)
        row.address = data.get(ADDRESS) or None
        row.user_agent = data.get(USER_AGENT, "")
        row.provider_session_id = data.get(PROVIDER_SESSION_ID, "")
        return row

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        signed_in = self.get(SIGNED_IN_AT)
        if signed_in is None:
            return super().get_expiry_date(**kwargs)
        return datetime.fromtimestamp(signed_in, UTC) + timedelta(seconds=settings.SESSION_LIFETIME)

    def get_expiry_age(self, **kwargs: Any) -> int:
        if self.get(SIGNED_IN_AT) is None:
            return super().get_expiry_age(**kwargs)
        left = self.get_expiry_date() - timezone.now()
        return max(0, int(left.total_seconds()))
