"""Settings → Sign-ins as a CSV file, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views import View

from sso.models import SignInAttempt
from sso.services.attempt_list import matching
from sso.views.sign_ins import FilterForm, happened, rule_of

MOST_ROWS: Final = 10_000
CHUNK: Final = 500
#: What a spreadsheet takes for the beginning of a formula: East Asian ones the wide signs too.
_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA: Final = re.compile(rf"[\t\r\n]|\s*[{_SIGNS}]")
#: Where decimals have a comma, a semicolon separates the cells, and quotes there hold nothing back.
_FORMULA_INSIDE: Final = re.compile(rf"""(;[\s"]*)(?=[{_SIGNS}])""")
_FIELDS: Final = (
    "username",
    "email",
    "upn",
    "issuer",
    "subject",
    "tenant_id",
    "object_id",
    "role_before",
    "role_after",
    "groups_source",
    "address",
    "user_agent",
    "provider_error",
    "provider_description",
    "trace_id",
    "correlation_id",
    "duration_ms",
    "provider_ms",
)
HEADER: Final = (
    "time",
    "reference",
    "outcome",
    "reason",
    "what_happened",
    "detail",
    "role_rule",
    "groups",
    "provider_codes",
    *_FIELDS,
)


class ExportView(PermissionRequiredMixin, View):
    """Send the newest attempts that match the filters of the list, row by row."""

    permission_required = ("accounts.can_manage_settings", "accounts.can_export_data")
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form = FilterForm(request.GET)
        if not form.is_valid():
            messages.error(request, "The filter cannot be read, so nothing was exported.")
            return redirect("sso:sign-ins")
        attempts = matching(form.wanted())[:MOST_ROWS].iterator(chunk_size=CHUNK)
        response = StreamingHttpResponse(_lines(attempts), content_type="text/csv; charset=utf-8")
        name = f"sign-ins-{timezone.now():%Y-%m-%d}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response


def safe_cell(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = _FORMULA_INSIDE.sub(r"\1'", str(value))
    return f"'{text}" if _FORMULA.match(text) else text


class _Line:
    """What csv writes to: hands the line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _lines(attempts: Iterable[SignInAttempt]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(HEADER)
    for attempt in attempts:
        yield writer.writerow(safe_cell(cell) for cell in _row(attempt))


def _row(attempt: SignInAttempt) -> Iterator[Any]:
    yield attempt.at.isoformat(timespec="seconds")
    yield attempt.reference
    yield attempt.outcome
    yield attempt.reason
    yield happened(attempt)
    yield attempt.detail
    yield rule_of(attempt)
    yield " ".join(str(group) for group in attempt.groups)
    yield " ".join(str(code) for code in attempt.provider_codes)
    for name in _FIELDS:
        yield getattr(attempt, name)
