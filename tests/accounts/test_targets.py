from __future__ import annotations

import pytest

from accounts.targets import safe_target


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/profile",
        "/settings/users?q=a&page=2",
        "/settings/users?q=..",
        "/settings/users/7",
        "/settings/sign-ins",
        "/admin/",
        "/admin/accounts/user/7/change/",
    ],
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
        "/settings/sign-ins/export",
        "/settings/sign-ins/export?outcome=refused",
        "/favicon.ico",
        "/admin/autocomplete/?app_label=sso&model_name=linkedidentity&field_name=user&term=a",
        "/admin/r/4/1/",
        "/admin/jsi18n/",
        "/admin/../settings/sign-ins/export",
        "/admin/%2E%2e/logout",
        "/admin/./login/",
        "/" + "a" * 2000,
    ],
)
def test_anything_else_leads_home(target):
    assert safe_target(target) == "/"
