"""Secrets at rest (product.md, Environment, ENCRYPTION_KEYS)."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from sso import conf
from sso.encryption import CannotDecrypt, decrypt, derived_key, encrypt
from sso.models import OIDCSettings
from sso.services.settings import save_settings

SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"


def key() -> str:
    return Fernet.generate_key().decode()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_what_was_encrypted_comes_back_and_is_not_to_be_read(secret):
    stored = encrypt(secret)

    assert decrypt(stored) == secret
    assert stored.isascii()
    assert len(secret) < 4 or secret not in stored


def test_nothing_is_stored_for_nothing():
    assert encrypt("") == ""
    assert decrypt("") == ""


def test_the_same_secret_twice_looks_different():
    assert encrypt(SECRET) != encrypt(SECRET)


def test_the_first_key_encrypts_and_all_decrypt(settings):
    old, new = key(), key()
    settings.ENCRYPTION_KEYS = [old]
    by_old = encrypt(SECRET)
    settings.ENCRYPTION_KEYS = [new, old]
    by_new = encrypt(SECRET)
    assert decrypt(by_old) == decrypt(by_new) == SECRET

    settings.ENCRYPTION_KEYS = [new]
    assert decrypt(by_new) == SECRET
    with pytest.raises(CannotDecrypt):
        decrypt(by_old)


def test_without_keys_one_is_derived_from_the_secret_key(settings):
    settings.ENCRYPTION_KEYS = []
    settings.SECRET_KEY = "one-" + "k" * 60
    stored = encrypt(SECRET)
    assert decrypt(stored) == SECRET
    assert derived_key(settings.SECRET_KEY) not in stored.encode()
    assert settings.SECRET_KEY.encode() not in derived_key(settings.SECRET_KEY)

    settings.SECRET_KEY = "two-" + "k" * 60
    with pytest.raises(CannotDecrypt):
        decrypt(stored)


def test_a_configured_key_takes_the_place_of_the_derived_one(settings):
    settings.ENCRYPTION_KEYS = []
    by_derived = encrypt(SECRET)
    settings.ENCRYPTION_KEYS = [key()]

    with pytest.raises(CannotDecrypt):
        decrypt(by_derived)


@pytest.mark.parametrize("stored", ["x", "gAAAAA", "not a token \u00e9", "gAAAAAB" + "A" * 200])
def test_what_no_key_opens_fails_closed_and_says_nothing(stored):
    with pytest.raises(CannotDecrypt) as caught:
        decrypt(stored)

    assert str(caught.value) == ""
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("position", [0, 10, 40, -5])
def test_a_changed_token_is_not_opened(position):
    stored = encrypt(SECRET)
    other = "A" if stored[position] != "A" else "B"
    changed = stored[:position] + other + stored[position:][1:]

    with pytest.raises(CannotDecrypt):
        decrypt(changed)


@pytest.mark.django_db
def test_the_stored_column_is_a_token_of_ours():
    save_settings({"client_secret": SECRET}, actor=None)

    stored = OIDCSettings.load().client_secret_encrypted
    assert SECRET not in stored
    assert decrypt(stored) == SECRET
    assert SECRET not in repr(conf.current())
    assert SECRET not in repr(OIDCSettings.load().__dict__)
