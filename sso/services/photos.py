"""The profile photo from Graph: at most once a day, and never in the way of a sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import DatabaseError
from django.utils import timezone

from accounts.models import ProfilePhoto, User
from accounts.services import store_photo
from sso.provider import graph
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.services.verification import Verified

PHOTO_HOLDS: Final = timedelta(days=1)


def refresh_photo(user: User, verified: Verified, *, metadata: Metadata, deadline: Deadline) -> str:
    """Fetch the photo when it is older than a day; return a note on what went wrong, or ''."""
    if not verified.may_ask_graph:
        return ""
    try:
        return _refresh(user, verified, metadata=metadata, deadline=deadline)
    except DatabaseError as error:
        # Its text may quote what was written.
        return f"photo: not stored ({type(error).__name__})"


def _refresh(user: User, verified: Verified, *, metadata: Metadata, deadline: Deadline) -> str:
    fresh = ProfilePhoto.objects.filter(pk=user.pk, looked_at__gt=timezone.now() - PHOTO_HOLDS)
    if fresh.exists():
        return ""
    answer = graph.profile_photo(metadata, access_token=verified.access_token, deadline=deadline)
    if not answer.looked:
        return f"photo: {answer.detail}"[:200]
    store_photo(user, answer.image, answer.content_type)
    return ""
