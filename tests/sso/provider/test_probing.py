"""The client while it finds out what is wrong (Check configuration)."""

from __future__ import annotations

import socket

import pytest
import responses

from sso.provider import breaker, http
from sso.provider.deadline import Deadline
from sso.rules.reasons import Reason

URL = "https://sso.example.com/authorize"


def probe(url: str) -> http.Answer:
    return http.fetch("GET", url, deadline=Deadline(5), retry=True, probing=True)


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_redirect_is_handed_back_unfollowed(status):
    with responses.RequestsMock() as wire:
        wire.get(URL, status=status, headers={"Location": "https://elsewhere.example/"})

        answer = probe(URL)

        assert len(wire.calls) == 1
    assert answer.is_redirect
    assert answer.headers["location"] == "https://elsewhere.example/"


def test_a_paused_host_is_asked_and_an_answer_ends_the_pause():
    for _ in range(breaker.FAILURES):
        breaker.failed("sso.example.com")
    with responses.RequestsMock() as wire:
        wire.get(URL, status=200)
        with pytest.raises(http.ProviderFailed) as paused:
            http.fetch("GET", URL, deadline=Deadline(5), retry=True)
        assert paused.value.reason is Reason.PROVIDER_PAUSED

        assert probe(URL).status == 200

    assert not breaker.is_open("sso.example.com")


def test_the_layers_of_the_network_are_told_apart(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(http.NoConnection):
        probe(f"http://127.0.0.1:{port}/")

    def nowhere(*_args, **_rest):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(http.NameNotFound):
        probe("https://nowhere.example/")


def test_a_proxy_that_is_not_there(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings.PROVIDER_PROXIES = {"https": f"http://127.0.0.1:{port}"}

    with pytest.raises(http.ProxyFailed):
        probe("https://sso.example.com/")
