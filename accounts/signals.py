from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.services import stamp_session


@receiver(user_logged_in, dispatch_uid="accounts.stamp_session")
def stamp_new_session(request: HttpRequest, **kwargs: Any) -> None:
    """Whichever backend signed somebody in, the session says when and from where."""
    stamp_session(request)
