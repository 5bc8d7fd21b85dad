from __future__ import annotations

import pytest
from django.test import Client

from accounts.services import set_server_url


@pytest.mark.django_db(transaction=True)
def test_cookies_are_secure_once_the_server_url_is_https(settings):
    client = Client(headers={"host": "localhost:3000"})
    assert not client.get("/login").cookies["patchmon-csrf"]["secure"]

    set_server_url("https://patchmon.example.com", actor=None)

    secure = Client(headers={"host": "patchmon.example.com"})
    cookies = secure.get("/login").cookies
    assert cookies["patchmon-csrf"]["secure"] is True
