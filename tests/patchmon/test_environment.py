"""Readers of variables: each takes what is meant and refuses nonsense in one line."""

from __future__ import annotations

import os
import stat
from datetime import timedelta

import pytest

from patchmon.environment import Environment, kept_secret_key, load_dotenv
from sso.environment import BadVariable


def read(**variables: str) -> Environment:
    return Environment(variables)


def refusal(call) -> str:
    with pytest.raises(BadVariable) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_unset_and_empty_are_the_default():
    for environment in (read(), read(X=""), read(X="  ")):
        assert environment.read("X") is None
        assert environment.text("X", "default") == "default"
        assert environment.switch("X", default=True) is True
        assert environment.number("X", 5, low=1, high=9) == 5
        assert environment.duration("X", "12h") == timedelta(hours=12)
        assert environment.choice("X", "json", ("json", "text")) == "json"
        assert environment.hops("X") == 0
        assert environment.address("X", "http://localhost:3000") == "http://localhost:3000"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("12h", 43_200), ("90d", 7_776_000), ("12 H", 43_200)],
)
def test_lengths_of_time(text, seconds):
    assert read(X=text).duration("X", "1h").total_seconds() == seconds


@pytest.mark.parametrize("text", ["soon", "0", "0h", "-5m", "1.5h", "5w", "h", "٣h", "9999999d"])
def test_no_length_of_time(text):
    assert refusal(lambda: read(X=text).duration("X", "1h")).startswith("X is no length of time")


@pytest.mark.parametrize(
    ("text", "hops"), [("0", 0), ("1", 1), ("3", 3), ("true", 1), ("False", 0)]
)
def test_proxies_in_front(text, hops):
    assert read(X=text).hops("X") == hops


@pytest.mark.parametrize("text", ["-1", "11", "many", "1.0", "²"])
def test_no_number_of_proxies(text):
    assert refusal(lambda: read(X=text).hops("X")).startswith("X is out of range")


def test_numbers():
    assert read(X=" 3000 ").number("X", 1, low=1, high=65_535) == 3000


@pytest.mark.parametrize("text", ["0", "70000", "-1", "x", "1e3", "९", "9" * 400])
def test_numbers_out_of_range(text):
    assert "1 to 65535" in refusal(lambda: read(X=text).number("X", 1, low=1, high=65_535))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://patchmon.example.com", "https://patchmon.example.com"),
        ("https://PatchMon.Example.com/", "https://patchmon.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_addresses(text, address):
    assert read(X=text).address("X", "") == address


@pytest.mark.parametrize(
    "text",
    [
        "patchmon.example.com",
        "ftp://patchmon.example.com",
        "https://",
        "https://patchmon.example.com/app",
        "https://patchmon.example.com?a=b",
        "https://patchmon.example.com#a",
        "https://user:password@patchmon.example.com",
        "https://patchmon.example.com:99999",
        "https://[::1",
    ],
)
def test_no_addresses(text):
    told = refusal(lambda: read(X=text).address("X", ""))

    assert "https://patchmon.example.com" in told
    assert "user:password" not in told


def test_any_variable_may_come_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-the-file\n")

    environment = read(X="from-the-variable", X_FILE=str(file))

    assert environment.read("X") == "from-the-file"


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_file_that_cannot_be_read_is_named_by_its_variable(tmp_path, kind):
    path = tmp_path / "secret"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00secret")

    told = refusal(lambda: read(X_FILE=str(path)).read("X"))

    assert told.startswith("X_FILE names a file that cannot be read")
    assert str(path) not in told
    assert "secret" not in told


def test_sqlite_waits_for_its_turn_and_keeps_a_write_ahead_log(tmp_path):
    for environment in (read(), read(X=f"sqlite:///{tmp_path}/other.sqlite3")):
        told = environment.database("X", tmp_path / "patchmon.sqlite3")
        assert told["ENGINE"] == "django.db.backends.sqlite3"
        options = told["OPTIONS"]
        assert isinstance(options, dict)
        assert options["transaction_mode"] == "IMMEDIATE"
        assert options["timeout"] >= 5
        assert "journal_mode=WAL" in options["init_command"]


def test_postgresql_keeps_its_connections(tmp_path):
    told = read(X="postgres://u:p@db.example:5433/name").database("X", tmp_path / "x")

    assert told["ENGINE"] == "django.db.backends.postgresql"
    assert (told["HOST"], told["PORT"], told["NAME"]) == ("db.example", 5433, "name")
    assert told["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize("text", ["mysql://u:hunter2@h/n", "nonsense", "oracle://x", "://"])
def test_no_database(tmp_path, text):
    told = refusal(lambda: read(X=text).database("X", tmp_path / "x"))

    assert "postgres://" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("text", ["memcache://h", "nonsense", "filecache:///tmp/x"])
def test_no_cache(text):
    assert "redis://" in refusal(lambda: read(X=text).cache("X"))


def test_caches():
    assert "locmem" in str(read().cache("X")["BACKEND"])
    assert "redis" in str(read(X="redis://h:6379/0").cache("X")["BACKEND"]).lower()


@pytest.mark.parametrize("scheme", ["redis", "rediss", "rediscache", "REDIS"])
def test_a_cache_that_hangs_is_waited_for_a_second_and_not_twice(scheme):
    options = read(X=f"{scheme}://h:6379/0").cache("X")["OPTIONS"]

    assert isinstance(options, dict)
    assert (options["socket_connect_timeout"], options["socket_timeout"]) == (1.0, 1.0)
    assert options["retry"].get_retries() == 0


def test_what_a_caches_address_says_itself_holds():
    cache = read(X="redis://h:6379/0?socket_timeout=3&max_connections=20").cache("X")

    assert isinstance(cache["OPTIONS"], dict)
    assert cache["OPTIONS"]["socket_timeout"] == 3
    assert cache["OPTIONS"]["max_connections"] == 20
    assert cache["OPTIONS"]["socket_connect_timeout"] == 1.0
    assert cache["LOCATION"] == "redis://h:6379/0"


def test_the_kept_key_is_made_once_and_read_by_its_owner_alone(tmp_path):
    path = tmp_path / "data" / "secret_key"

    first = kept_secret_key(path)

    assert kept_secret_key(path) == first
    assert len(first) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]
    assert kept_secret_key(tmp_path / "elsewhere" / "secret_key") != first


def test_dotenv_never_wins_over_the_environment(tmp_path, monkeypatch):
    file = tmp_path / ".env"
    file.write_text("PATCHMON_TEST_A=from-the-file\nPATCHMON_TEST_B=from-the-file\n")
    monkeypatch.setenv("PATCHMON_TEST_A", "from-the-process")
    # Known to monkeypatch, so that it is taken out again in the end.
    monkeypatch.setenv("PATCHMON_TEST_B", "")
    monkeypatch.delenv("PATCHMON_TEST_B")

    load_dotenv(file)
    load_dotenv(tmp_path / "missing")
    load_dotenv(tmp_path)

    assert os.environ["PATCHMON_TEST_A"] == "from-the-process"
    assert os.environ["PATCHMON_TEST_B"] == "from-the-file"


def test_a_dotenv_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / ".env"
    for contents in (b"A=\xff\xfe", b"A=" + b"x" * 70_000):
        file.write_bytes(contents)

        assert refusal(lambda: load_dotenv(file)).startswith(".env cannot be read; ")
