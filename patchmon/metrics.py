"""Prometheus text for whoever holds METRICS_TOKEN; without one the page does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from sso import metrics
from sso.readiness import Cause, last_known_cause


class SingleSignOnCollector(Collector):
    """Read the shared counters when asked; nothing is kept in the process."""

    def collect(self) -> Iterator[Metric]:
        cause = last_known_cause()
        ready = GaugeMetricFamily(
            "patchmon_sso_ready", "1 while SSO is ready, 0 while it is not or is off"
        )
        ready.add_metric([], float(cause is Cause.READY))
        yield ready
        state = GaugeMetricFamily(
            "patchmon_sso_state", "1 for the state that was found last", labels=["cause"]
        )
        for known in Cause:
            state.add_metric([known.value], float(cause is known))
        yield state
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
