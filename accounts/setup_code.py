from __future__ import annotations

import base64

from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.services import server_url

CODE_LENGTH = 20


def setup_code() -> str:
    """Derive the code from SECRET_KEY, so that every process prints and accepts the same one."""
    digest = salted_hmac("accounts.setup_code", "first run", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode("ascii")[:CODE_LENGTH]


def setup_link() -> str:
    """Return the full link to the first-run wizard, for the server to print at start."""
    return f"{server_url()}{reverse('accounts:setup')}?code={setup_code()}"


def is_setup_code(code: str) -> bool:
    return constant_time_compare(code, setup_code())
