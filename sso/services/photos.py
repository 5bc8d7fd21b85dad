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
from sso.services.attempts import Attempt
from sso.services.verification import Verified

PHOTO_HOLDS: Final = timedelta(days=1)


def refresh_photo(
    user: User, verified: Verified, *, metadata: Metadata, deadline: Deadline, attempt: Attempt
) -> None:
    """Fetch the photo when it is older than a day; what goes wrong is a note of the attempt."""
    if not verified.may_ask_graph:
        return
    try:
        _refresh(user, verified, metadata=metadata, deadline=deadline, attempt=attempt)
    except DatabaseError as error:
        # Its text may quote what was written.
        attempt.notes.append(f"photo: not stored ({type(error).__name__})")


def _refresh(
    user: User, verified: Verified, *, metadata: Metadata, deadline: Deadline, attempt: Attempt
) -> None:
    fresh = ProfilePhoto.objects.filter(pk=user.pk, looked_at__gt=timezone.now() - PHOTO_HOLDS)
    if fresh.exists():
        return
    answer = graph.profile_photo(metadata, access_token=verified.access_token, deadline=deadline)
    attempt.provider_seconds += answer.waited
    if answer.looked:
        store_photo(user, answer.image, answer.content_type)
    else:
        attempt.notes.append(f"photo: {answer.detail}"[:200])
