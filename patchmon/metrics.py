"""Prometheus text for whoever holds METRICS_TOKEN; without one the page does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from accounts.shared_cache import is_reachable
from sso import conf, metrics
from sso.readiness import Cause, lately
from sso.services.secret_expiry import secret_expiry


class SingleSignOnCollector(Collector):
    """Read the shared counters when asked; nothing is kept in the process."""

    def collect(self) -> Iterator[Metric]:
        cause = _cause()
        counters = list(_counters())
        reachable = is_reachable()
        yield _gauge(
            "patchmon_shared_cache_reachable",
            "1 while the cache that all processes share answers this one, 0 while it does not",
            float(reachable),
        )
        if cause is not None:
            yield from _state(cause)
        yield _secret_expiry()
        if reachable:
            # Without them there is a gap; numbers of one process would look like a new start.
            yield from counters


def _cause() -> Cause | None:
    """Return the state of the last minute, found out now where nobody else asked."""
    try:
        return lately(conf.current).cause
    except DatabaseError:
        # What else there is to tell does not depend on it.
        return None


def _state(cause: Cause) -> Iterator[Metric]:
    yield _gauge(
        "patchmon_sso_ready",
        "1 while SSO is ready, 0 while it is not or is off",
        float(cause is Cause.READY),
    )
    state = GaugeMetricFamily(
        "patchmon_sso_state", "1 for the state that was found last", labels=["cause"]
    )
    for known in Cause:
        state.add_metric([known.value], float(cause is known))
    yield state


def _counters() -> Iterator[Metric]:
    yield _counter("patchmon_sign_ins", "Sign-ins by outcome", "outcome", metrics.OUTCOMES)
    yield _counter(
        "patchmon_sign_in_refusals", "Refused sign-ins by reason", "reason", metrics.REASONS
    )
    yield _counter(
        "patchmon_sso_stray_callbacks",
        "Callbacks without a round trip of their browser",
        "why",
        metrics.STRAYS,
    )
    yield _counter(
        "patchmon_sso_readiness_changes", "Changes of readiness", "change", metrics.CHANGES
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_metric([], value)
    return family


def _secret_expiry() -> Metric:
    family = GaugeMetricFamily(
        "patchmon_sso_client_secret_expiry_timestamp_seconds",
        "Start of the day (UTC) on which the client secret expires; absent while it is not known",
    )
    # The counters answer while the database does not.
    with suppress(DatabaseError):
        expiry = secret_expiry(conf.current())
        if expiry is not None:
            family.add_metric([], datetime.combine(expiry.on, time.min, tzinfo=UTC).timestamp())
    return family


def _counter(name: str, text: str, label: str, values: tuple[str, ...]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in metrics.counted(label, values).items():
        family.add_metric([value], number)
    return family


@login_not_required
@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Answer 404 to everybody without the token: a page that does not exist tells nothing."""
    token: str = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not constant_time_compare(given, token):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SingleSignOnCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
