from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.models import User


class Command(createsuperuser.Command):
    """Judge the password of --noinput as well; Django's own command takes any."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        if not options["interactive"] and password is not None:
            given = {
                name: options.get(name) or os.environ.get(f"DJANGO_SUPERUSER_{name.upper()}", "")
                for name in ("username", "email")
            }
            try:
                validate_password(password, User(**given))
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
        return super().handle(*args, **options)
