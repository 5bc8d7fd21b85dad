"""One line an event on standard output: JSON for machines, text for people."""

from __future__ import annotations

from typing import Any

import structlog

# The message holds the phrase that the guide greps for; the dotted name is a field.
_MESSAGE_FIELDS = structlog.processors.EventRenamer("message", replace_by="_event")


def _shared_processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]


def _renderers(log_format: str) -> list[Any]:
    if log_format == "json":
        return [_MESSAGE_FIELDS, structlog.processors.JSONRenderer(ensure_ascii=True)]
    # repr() of every value: nothing that came from outside can break a line or colour a terminal.
    return [
        _MESSAGE_FIELDS,
        structlog.processors.KeyValueRenderer(
            key_order=["time", "level", "message", "event"], drop_missing=True
        ),
    ]


def configure(*, log_format: str, level: str) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING for the same output."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_renderers(log_format),
                ],
                "foreign_pre_chain": _shared_processors(),
            }
        },
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "line",
            }
        },
        "root": {"handlers": ["out"], "level": level.upper()},
        "loggers": {
            # Only what deserves attention: every 4xx of a visitor does not.
            "django": {"handlers": ["out"], "level": "WARNING", "propagate": False},
            "django.request": {"handlers": ["out"], "level": "ERROR", "propagate": False},
            # Upstream prints whole claims and provider answers at DEBUG.
            "mozilla_django_oidc": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "urllib3": {"handlers": ["out"], "level": "ERROR", "propagate": False},
            "gunicorn.error": {"handlers": ["out"], "level": level.upper(), "propagate": False},
        },
    }
