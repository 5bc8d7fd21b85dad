"""One line an event, whatever came from outside (product.md, Logging)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from logging.config import DictConfigurator

import pytest
import structlog
from django.conf import settings

from patchmon import logs

HOSTILE = 'x\r\nlevel=error message="forged"\n{"message": "forged"}\x1b[31m\u2028\x00 end'


@pytest.fixture
def lines() -> Iterator[Callable[[str], Callable[[], list[str]]]]:
    """Write to a logger in a format, and return what a terminal or a file would get."""
    logger = logging.getLogger("tests.lines")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    stream = io.StringIO()
    handlers: list[logging.Handler] = []

    def start(log_format: str) -> Callable[[], list[str]]:
        configuration = logs.configure(log_format=log_format, level="debug")
        formatter = DictConfigurator(configuration).configure_formatter(
            dict(configuration["formatters"]["line"])
        )
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        handlers.append(handler)
        logger.addHandler(handler)
        return lambda: stream.getvalue().splitlines(keepends=True)

    yield start
    for handler in handlers:
        logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = propagate
    logs.configure(log_format=settings.LOG_FORMAT, level=settings.LOG_LEVEL)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_from_outside_breaks_a_line(lines, log_format):
    written = lines(log_format)
    log = structlog.stdlib.get_logger("tests.lines")

    log.warning("oidc groups", _event="sso.groups.received", groups=[HOSTILE], name=HOSTILE)
    log.info(HOSTILE)
    logging.getLogger("tests.lines").error("plain %s", HOSTILE)

    assert len(written()) == 3
    for line in written():
        assert line.endswith("\n")
        body = line[:-1]
        assert body.isprintable()


def test_json_holds_the_guides_phrase_as_message_and_the_name_as_event(lines):
    written = lines("json")

    structlog.stdlib.get_logger("tests.lines").info(
        "oidc groups", _event="sso.groups.received", groups=["a", "b"], source="token"
    )

    (line,) = written()
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {
        "message": "oidc groups",
        "event": "sso.groups.received",
        "level": "info",
        "logger": "tests.lines",
        "groups": ["a", "b"],
        "source": "token",
    }
    # The guide's own grep.
    assert "oidc groups" in line


def test_json_keeps_what_was_said(lines):
    written = lines("json")

    structlog.stdlib.get_logger("tests.lines").info("x", name=HOSTILE, other="王美丽")

    told = json.loads(written()[0])
    assert told["name"] == HOSTILE
    assert told["other"] == "王美丽"


def test_a_traceback_is_one_line_too(lines):
    written = lines("json")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("tests.lines").exception("it broke")

    (line,) = written()
    assert "Traceback" in json.loads(line)["exception"]


def test_other_libraries_write_the_same_lines(lines):
    written = lines("json")

    logging.getLogger("tests.lines").warning("plain %s of %s", 1, "library")

    told = json.loads(written()[0])
    assert (told["message"], told["level"]) == ("plain 1 of library", "warning")


def test_text_is_for_people(lines):
    written = lines("text")

    structlog.stdlib.get_logger("tests.lines").warning("oidc not ready", _event="sso.not_ready")

    assert "oidc not ready" in written()[0]
    assert "warning" in written()[0]


def test_upstreams_own_log_lines_are_off():
    """They hold whole claims and provider answers."""
    configured = settings.LOGGING["loggers"]["mozilla_django_oidc"]

    assert configured == {"handlers": [], "level": "CRITICAL", "propagate": False}


@pytest.mark.django_db
def test_a_hostile_browser_and_provider_break_no_line(client, caplog):
    client.get(
        "/api/v1/auth/oidc/callback",
        {"state": HOSTILE, "error": HOSTILE, "error_description": HOSTILE},
        headers={"user-agent": "x\ty"},
    )

    line = logging.getLogger().handlers[0].formatter or logging.Formatter()
    for record in caplog.records:
        assert "forged" not in record.getMessage()
        assert "\n" not in line.format(record).removesuffix("\n")
