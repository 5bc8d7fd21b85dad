from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils import timezone

from accounts.models import ProfilePhoto, User


@transaction.atomic
def store_photo(user: User, image: bytes | None, content_type: str = "") -> None:
    """Keep a photo that was decoded and encoded again, or the knowledge that there is none.

    Either counts as looked at (spec/sign-in.md, Profile). An account deleted meanwhile keeps none.
    """
    # The account before what belongs to it, as everywhere.
    if not User.objects.select_for_update(no_key=True).filter(pk=user.pk).exists():
        return
    etag = hashlib.sha256(image).hexdigest() if image else ""
    ProfilePhoto.objects.update_or_create(
        user_id=user.pk,
        defaults={
            "image": image or b"",
            "content_type": content_type if image else "",
            "etag": etag,
            "looked_at": timezone.now(),
        },
    )
    User.objects.filter(pk=user.pk).exclude(photo_etag=etag).update(photo_etag=etag)
    user.photo_etag = etag
