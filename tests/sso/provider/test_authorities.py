"""Who may vouch for a provider, by what the connection is given (product.md, Environment)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest

from sso.provider import connections, http
from sso.provider.connections import GuardedHTTPSConnection
from sso.provider.deadline import Deadline
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import Reason
from tests.sso.provider.test_http import certificate, get, tls_server

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture
def given(monkeypatch) -> list[tuple[str | None, str | None]]:
    """Return the file and the directory that each new connection was given."""
    seen: list[tuple[str | None, str | None]] = []

    class Watched(GuardedHTTPSConnection):
        def connect(self) -> None:
            seen.append((self.ca_certs, self.ca_cert_dir))
            super().connect()

    monkeypatch.setattr(connections._HTTPSPool, "ConnectionCls", Watched)
    return seen


@pytest.fixture
def built_with(monkeypatch):
    """Say what OpenSSL was built with; nothing is named in the environment."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def run(*, cafile: Path | None = None, capath: Path | None = None) -> None:
        # As OpenSSL tells it: None for what is not there.
        found: dict[str, Any] = {
            "cafile": str(cafile) if cafile else None,
            "capath": str(capath) if capath else None,
        }
        paths = ssl.get_default_verify_paths()._replace(**found)
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)

    return run


def hashed(folder: Path, pem: Path) -> Path:
    """Return a directory that holds a certificate as `openssl rehash` names it."""
    folder.mkdir()
    (folder / "0a775a30.0").symlink_to(pem)
    return folder


def ask(url: str) -> str:
    """Return what came of a request: its body, or the reason why there is none."""
    try:
        return http.fetch("GET", url, deadline=Deadline(5), retry=False).body.decode()
    except ProviderFailed as failure:
        return failure.reason


def test_an_authority_of_the_systems_file_is_trusted(built_with, given, tmp_path):
    pem = certificate(tmp_path, "localhost", days=2)
    built_with(cafile=pem, capath=hashed(tmp_path / "certs", pem))

    with tls_server(pem) as (url, asked):
        assert ask(url) == "{}"

    assert given == [(str(pem), None)]
    assert asked == ["/"]


def test_the_file_that_the_environment_names_is_the_systems(given, tmp_path, monkeypatch):
    pem = certificate(tmp_path, "localhost", days=2)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    with tls_server(pem) as (url, _asked):
        assert ask(url) == "{}"

    assert given == [(str(pem), None)]


def test_where_there_is_no_file_the_directory_is_taken(built_with, given, tmp_path):
    pem = certificate(tmp_path, "localhost", days=2)
    folder = hashed(tmp_path / "certs", pem)
    built_with(capath=folder)

    with tls_server(pem) as (url, _asked):
        ask(url)

    assert given == [(None, str(folder))]


def test_a_directory_that_the_environment_names_comes_before_a_file_that_it_does_not(
    built_with, given, tmp_path, monkeypatch
):
    pem = certificate(tmp_path, "localhost", days=2)
    folder = hashed(tmp_path / "certs", pem)
    built_with(cafile=pem, capath=folder)
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))

    with tls_server(pem) as (url, _asked):
        ask(url)

    assert given == [(None, str(folder))]


def test_without_a_store_certifis_bundle_is_taken(built_with, given, tmp_path):
    pem = certificate(tmp_path, "localhost", days=2)
    built_with()

    with tls_server(pem) as (url, asked):
        assert ask(url) == Reason.PROVIDER_TLS

    assert given == [(certifi.where(), None)]
    assert asked == []


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA"])
def test_a_store_without_certificates_is_none(built_with, given, tmp_path, text):
    empty, folder = tmp_path / "cert.pem", tmp_path / "certs"
    empty.write_text(text)
    folder.mkdir()
    (folder / "README").write_text(text)
    built_with(cafile=empty, capath=folder)

    with tls_server(certificate(tmp_path, "localhost", days=2)) as (url, asked):
        assert ask(url) == Reason.PROVIDER_TLS

    assert given == [(certifi.where(), None)]
    assert asked == []


def test_a_bundle_that_is_named_comes_before_the_system(built_with, given, tmp_path, settings):
    pem = certificate(tmp_path, "localhost", days=2)
    built_with(cafile=Path(certifi.where()))
    settings.PROVIDER_CA_BUNDLE = str(pem)

    with tls_server(pem) as (url, _asked):
        assert get(url).json() == {}

    assert given == [(str(pem), None)]
