from __future__ import annotations

import pytest

from accounts.targets import safe_target


@pytest.mark.parametrize(
    "target", ["/", "/profile", "/settings/users?q=a&page=2", "/settings/users/7", "/admin/"]
)
def test_a_page_of_this_site_is_honoured(target):
    assert safe_target(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "profile",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/profile\r\nSet-Cookie: a=b",
        "/profile\t",
        "javascript:alert(1)",
        "/logout",
        "/login?next=/login",
        "/setup?code=x",
        "/admin/logout/",
        "/photos/1",
        "/api/v1/auth/profile",
        "/api/v1/auth/oidc/callback?code=x",
        "/profile/sessions/end",
        "/settings/users/7/delete",
        "/no-such-page",
        "/" + "a" * 2000,
    ],
)
def test_anything_else_leads_home(target):
    assert safe_target(target) == "/"
