"""Which pages need no sign-in: these, and no other (architecture.md; product.md, Pages)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.roles import Role
from accounts.services import create_user

pytestmark = pytest.mark.django_db

# Open to anyone, each with what keeps it harmless.
OPEN = {
    "": "leads to the wizard or the sign-in page",
    "login": "the sign-in page",
    "logout": "ends a session that is there",
    "setup": "asks for the code that the server prints, and closes for good",
    "password/<str:uidb64>/<str:token>": "asks for a single-use token",
    "favicon.ico": "a picture",
    "health/live": "a probe",
    "health/ready": "a probe",
    "metrics": "asks for METRICS_TOKEN",
    "admin/login/": "leads to the sign-in page",
    "api/v1/auth/oidc/config": "what a sign-in page needs to know",
    "api/v1/auth/oidc/login": "leads to the provider",
    "api/v1/auth/oidc/callback": "asks for a state of this browser",
    "api/v1/auth/oidc/frontchannel-logout": "ends sessions of a secret session ID",
}
# Outside Django's LoginRequiredMiddleware, behind DRF's own permission.
BEHIND_DRF = {
    "api/v1/schema",
    "api/v1/auth/profile",
    "api/v1/auth/sign-ins",
    "api/v1/auth/oidc/settings",
    "api/v1/auth/oidc/settings/check",
    "api/v1/auth/oidc/settings/import-from-env",
}
SAMPLES = {
    "<int:pk>": "1",
    "<int:identity>": "1",
    "<path:object_id>": "1",
    "<path:content_type_id>": "1",
    "<reference:reference>": "ABCDEFGH",
    "<str:reference>": "ABCDEFGH",
    "^(?P<app_label>sso|auditlog|accounts)/$": "sso/",
    "(?P<url>.*)$": "nonsense/",
}


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def is_exempt(view: Any) -> bool:
    return not getattr(view, "login_required", True)


def address_of(route: str) -> str:
    for parameter, sample in SAMPLES.items():
        route = route.replace(parameter, sample)
    assert not set(route) & set("<>^$?"), f"give a sample for {route}"
    return f"/{route}"


@pytest.fixture(autouse=True)
def _somebody(db):
    create_user(
        usernames=["boss"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
    )


def test_only_these_views_are_exempt_from_signing_in():
    exempt = {route for route, view in routes() if is_exempt(view)}

    assert exempt - set(OPEN) - BEHIND_DRF == set()
    # And they are there: a list that names what is gone says nothing.
    assert set(OPEN) - {"metrics"} <= exempt


def test_everything_else_sends_a_visitor_to_the_sign_in_page(client):
    tried = 0
    for route, view in routes():
        if is_exempt(view):
            continue
        address = address_of(route)
        for method in ("get", "post", "put", "delete"):
            answer = getattr(client, method)(address)
            assert answer.status_code in {302, 401, 403, 405}, (method, address)
            if answer.status_code == 302:
                # The admin's own way there goes by its own sign-in address.
                place = answer["Location"].removeprefix("/admin")
                assert place.startswith(("/login?next=", "/login/?next=")), (method, address)
        tried += 1

    assert tried > 40


def test_the_json_interface_answers_a_visitor_with_401(client):
    present = {route for route, _ in routes()} & BEHIND_DRF
    assert len(present) >= 5

    for route in present:
        for method in ("get", "post", "put", "patch", "delete"):
            answer = getattr(client, method)(f"/{route}", content_type="application/json")
            assert answer.status_code in {401, 405}, (method, route)


def test_no_page_answers_a_visitor_with_an_error_page(client):
    for route in OPEN:
        address = address_of(
            route.replace("<str:uidb64>", "MQ").replace("<str:token>", "forged-token")
        )
        for method in ("get", "post", "head", "options"):
            # 503 is the start's own answer where there is no provider to lead to.
            assert getattr(client, method)(address).status_code != 500, (method, address)


def test_a_path_that_does_not_exist_is_404_and_tells_nothing(client):
    answer = client.get("/no/such/page")

    assert answer.status_code in {302, 404}
    assert "urlconf" not in answer.text.lower()
