"""One request of a race, as it travels to the thread or process that makes it."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.test import Client

from sso.services.settings import save_settings
from tests.people import HOST

# Sleeping is too coarse for the last stretch before a common start.
SPIN: Final = 0.0003


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request to make at ``at``, on the clock that all processes share.

    Two methods make none: ``forget`` starts the lane's next test as a fresh server does, and
    ``save`` saves settings as the settings file and the command line do.
    """

    path: str
    method: str = "get"
    data: dict[str, Any] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    location: str = ""
    # Deleted cookies are empty.
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    began: float = 0.0
    ended: float = 0.0
    failure: str = ""


def perform(job: Job) -> Answer:
    """Make the request through the whole of Django, middleware included."""
    if job.method == "forget":
        cache.clear()
        ContentType.objects.clear_cache()
        return Answer(status=0)
    if job.method == "save":
        _wait_until(job.at)
        began = time.monotonic()
        save_settings(job.data, actor=None)
        return Answer(status=0, began=began, ended=time.monotonic())
    # An exception becomes the 500 that a visitor would see.
    client = Client(raise_request_exception=False, headers={"host": HOST})
    for name, value in job.cookies.items():
        client.cookies[name] = value
    _wait_until(job.at)
    began = time.monotonic()
    if job.method == "post":
        response = client.post(job.path, job.data)
    else:
        response = client.get(job.path, job.data)
    failure = getattr(response, "exc_info", None)
    return Answer(
        status=response.status_code,
        location=response.headers.get("Location", ""),
        cookies={name: morsel.value for name, morsel in response.cookies.items()},
        began=began,
        ended=time.monotonic(),
        failure="".join(traceback.format_exception(failure[1])) if failure else "",
    )


def _wait_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > SPIN:
        time.sleep(left - SPIN)
    while time.monotonic() < moment:
        pass
