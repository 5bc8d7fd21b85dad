"""When the signing keys are asked for, and what they may look like."""

from __future__ import annotations

import threading
import time

import pytest
import time_machine

from sso.provider import store, tokens
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import Reason, SignInRefused
from tests.fakes.provider import FakeProvider, Reply


def verify(provider: FakeProvider, metadata: Metadata) -> None:
    tokens.verify_id_token(
        provider.id_token(),
        metadata=metadata,
        client_id=provider.client_id,
        nonce=provider.nonce,
        access_token=provider.access_token,
        now=time.time(),
        deadline=Deadline(10),
    )


def test_one_request_serves_many_sign_ins(provider, metadata):
    for _ in range(5):
        verify(provider, metadata)
    assert provider.asked["keys"] == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"{}"),
        Reply(200, b"[]"),
        Reply(200, b'{"keys": null}'),
        Reply(200, b'{"keys": {}}'),
        Reply(200, b'{"keys": []}'),
        Reply(200, b"<html>"),
        Reply(200, b'{"keys": [{}]}', {"Content-Type": "text/html"}),
        Reply(204),
        Reply(404),
    ],
    ids=range(9),
)
def test_case_17_answers_that_are_no_keys(provider, metadata, reply):
    provider.reply("keys", reply)
    with pytest.raises(ProviderFailed) as caught:
        verify(provider, metadata)
    assert caught.value.reason is Reason.PROVIDER_KEYS


def test_case_17_an_outage(provider, metadata):
    provider.reply("keys", Reply(503))
    with pytest.raises(ProviderFailed) as caught:
        verify(provider, metadata)
    assert caught.value.reason is Reason.PROVIDER_STATUS


def test_case_17_what_failed_is_not_asked_for_again_by_everybody(provider, metadata):
    provider.reply("keys", Reply(404))
    for _ in range(3):
        with pytest.raises(ProviderFailed) as caught:
            verify(provider, metadata)
        assert caught.value.reason is Reason.PROVIDER_KEYS
    assert provider.asked["keys"] == 1


def test_case_18_too_many_bytes_of_keys(provider, metadata):
    provider.reply("keys", Reply(200, b"x" * 2_000_000))
    with pytest.raises(ProviderFailed) as caught:
        verify(provider, metadata)
    assert caught.value.reason is Reason.PROVIDER_TOO_LARGE


def test_case_20_a_flood_of_unknown_keys_asks_once(provider, metadata):
    verify(provider, metadata)
    for number in range(200):
        provider.kid = f"unknown-{number}"
        with pytest.raises(SignInRefused) as caught:
            verify(provider, metadata)
        assert caught.value.reason is Reason.KEY
    assert provider.asked["keys"] == 2


def test_case_20_a_flood_from_many_threads_asks_once(provider, metadata):
    verify(provider, metadata)
    provider.kid = "unknown"

    def sign_in() -> None:
        with pytest.raises(SignInRefused):
            verify(provider, metadata)

    flood = [threading.Thread(target=sign_in) for _ in range(8)]
    for thread in flood:
        thread.start()
    for thread in flood:
        thread.join()
    assert provider.asked["keys"] == 2


def test_case_20_a_throttle_that_is_down_is_closed(provider, metadata, monkeypatch):
    verify(provider, metadata)
    monkeypatch.setattr(store, "claim", lambda *_args: False)
    provider.kid = "unknown"
    with pytest.raises(SignInRefused):
        verify(provider, metadata)
    assert provider.asked["keys"] == 1


def test_case_21_rotated_keys_cost_one_request(provider, metadata):
    verify(provider, metadata)
    provider.publish("rsa-new")
    provider.kid = provider.sign_with = "rsa-new"
    verify(provider, metadata)
    verify(provider, metadata)
    assert provider.asked["keys"] == 2


def test_case_21_rotation_without_identifiers(provider, metadata):
    provider.kid = None
    verify(provider, metadata)
    provider.publish("rsa-new")
    provider.sign_with = "rsa-new"
    verify(provider, metadata)
    assert provider.asked["keys"] == 2


def test_case_21_all_who_come_during_the_rotation_get_in(provider, metadata):
    verify(provider, metadata)
    provider.publish("rsa-new")
    provider.kid = provider.sign_with = "rsa-new"

    def slow(honest: Reply) -> Reply:
        time.sleep(0.15)
        return honest

    provider.on("keys", slow)
    admitted: list[int] = []

    def sign_in() -> None:
        verify(provider, metadata)
        admitted.append(1)

    crowd = [threading.Thread(target=sign_in) for _ in range(5)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert len(admitted) == 5
    assert provider.asked["keys"] == 2


def test_case_23_the_keys_host_is_down(provider, metadata):
    verify(provider, metadata)
    began = time.time()
    provider.reply("keys", Reply(503))
    verify(provider, metadata)
    assert provider.asked["keys"] == 1
    # Renewal fails: those at hand serve until they are an hour old.
    with time_machine.travel(began + 3300, tick=False):
        verify(provider, metadata)
        verify(provider, metadata)
        assert provider.asked["keys"] == 2
    with time_machine.travel(began + 3700, tick=False), pytest.raises(ProviderFailed):
        verify(provider, metadata)


def test_keys_are_renewed_before_they_are_too_old(provider, metadata):
    verify(provider, metadata)
    began = time.time()
    with time_machine.travel(began + 3300, tick=False):
        verify(provider, metadata)
        verify(provider, metadata)
    assert provider.asked["keys"] == 2
    with time_machine.travel(began + 6000, tick=False):
        verify(provider, metadata)
    assert provider.asked["keys"] == 2
