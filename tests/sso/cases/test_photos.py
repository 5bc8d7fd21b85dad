"""A photo never keeps anybody waiting, nor out (sign-in.md, Profile)."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache

from accounts.models import ProfilePhoto, User
from sso.models import SignInAttempt
from sso.provider import graph, photo
from tests.fakes.provider import Reply
from tests.sso.cases.front_door import Browser, connect, make_alice
from tests.sso.provider.test_photo import endless, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(entra) -> User:
    connect(entra)
    return make_alice(entra)


def test_a_photo_that_takes_too_long_is_left_and_asked_for_again(entra, log, alice, monkeypatch):
    entra.photo = endless()
    monkeypatch.setattr(graph, "PHOTO_SECONDS", 0.5)
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    assert not ProfilePhoto.objects.exists()
    attempt = SignInAttempt.objects.get()
    assert attempt.outcome == "signed_in"
    assert attempt.notes == ["photo: The photo takes too long to decode."]

    # It has not been looked at, so the next sign-in asks anew.
    entra.photo = picture("JPEG", 200)
    monkeypatch.setattr(graph, "PHOTO_SECONDS", 60)
    Browser(entra, log).sign_in()
    assert ProfilePhoto.objects.get(user=alice).content_type == "image/jpeg"


def test_what_the_fetch_took_is_not_there_for_decoding(entra, log, alice, monkeypatch):
    def slow(honest: Reply) -> Reply:
        time.sleep(0.35)
        return honest

    entra.photo = picture("JPEG", 200)
    entra.on("photo", slow)
    monkeypatch.setattr(graph, "PHOTO_SECONDS", 0.4)
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    assert not ProfilePhoto.objects.exists()
    assert SignInAttempt.objects.get().notes == ["photo: The photo came too late to be decoded."]


def test_all_the_waiting_is_the_providers(entra, log, alice):
    """Discovery asked anew in the callback, the groups and the photo count as well."""

    def slow(honest: Reply) -> Reply:
        time.sleep(0.3)
        return honest

    entra.photo = picture("JPEG", 200)
    browser = Browser(entra, log)
    query = browser.begin()
    cache.clear()
    entra.on("discovery", slow)
    entra.on("photo", slow)
    browser.come_back(query)

    assert browser.username == "alice"
    attempt = SignInAttempt.objects.get()
    assert 600 <= attempt.provider_ms <= attempt.duration_ms


def test_what_we_make_of_a_photo_is_not_the_providers(entra, log, alice, monkeypatch):
    """Else a slow server of ours would look like a slow provider."""
    remake = photo.remake

    def slowly(data: bytes, *, seconds: float) -> photo.Photo | None:
        time.sleep(0.3)
        return remake(data, seconds=seconds)

    entra.photo = picture("JPEG", 200)
    monkeypatch.setattr(photo, "remake", slowly)
    Browser(entra, log).sign_in()

    attempt = SignInAttempt.objects.get()
    assert attempt.duration_ms - attempt.provider_ms >= 300
