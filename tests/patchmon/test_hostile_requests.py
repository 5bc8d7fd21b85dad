"""Requests that no browser sends: answered like any other, with no traceback and no 500."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.people import HOST, PASSWORD

pytestmark = pytest.mark.django_db

HUGE = "9" * 30
FORM = b"username=boss&password=wrong"
PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800+2AA-\r\n'
    b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nwrong\r\n--b--\r\n'
)
# Python knows all of these; none of them turns bytes into text that can be written again.
CODECS = ("rot13", "zlib", "hex", "idna", "punycode", "undefined", "raw_unicode_escape", "utf-7")


@pytest.fixture(autouse=True)
def boss(db) -> User:
    return create_user(
        usernames=["boss"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
        password=PASSWORD,
    )


@pytest.fixture
def browser(boss) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(boss, backend="accounts.backends.PasswordBackend")
    return browser


# The host


@pytest.mark.parametrize("host", ["localhost:99999", "[::::]:80", "[:.:]", "[1:2]", "localhost:0"])
def test_a_host_that_there_cannot_be_is_none_of_ours(host):
    answer = Client(headers={"host": host}).get("/login")

    assert answer.status_code == 400
    assert "Sign in" not in answer.text


# The encoding


def ask(method: str, content_type: str, body: bytes, query: str = "") -> tuple[str, bytes]:
    """Ask the application as the server does: Django's test client makes its requests itself."""
    told: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/login",
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": HOST,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "3000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    application: Any = get_internal_wsgi_application()
    answer = application(environ, lambda status, headers: told.append(status))
    return told[0][:3], b"".join(answer)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("named", ["charset={}", 'CHARSET="{}"', "charset*=utf-8''{}"])
def test_no_request_names_the_codec_that_it_is_read_with(codec, named):
    charset = named.format(codec)

    status, page = ask("GET", f"text/plain; {charset}", b"", "next=/profile")
    form, _ = ask("POST", f"application/x-www-form-urlencoded; {charset}", FORM)
    parts, _ = ask("POST", f"multipart/form-data; boundary=b; {charset}", PARTS)

    assert (status, form, parts) == ("200", "403", "403")
    assert b'value="/profile"' in page


# NUL characters


@pytest.mark.parametrize("name", ["role__exact", "q", "username"])
def test_no_list_of_the_admin_compares_with_a_nul_character(browser, name):
    """PostgreSQL refuses one in any text; forms of ours refuse it themselves."""
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(f"/admin/accounts/user/?{name}=%00").status_code == 400

    assert not [query for query in asked.captured_queries if "COUNT(" in query["sql"]]
    assert browser.get(f"/admin/accounts/user/?{name}=x", follow=True).status_code == 200


@pytest.mark.parametrize("value", ['"aaaaaaaaa\\000b"', "short", "UPPERCASE-OR-WORSE", "a" * 200])
def test_a_cookie_that_is_no_session_key_is_not_looked_up(value):
    visitor = Client(headers={"host": HOST}, HTTP_COOKIE=f"patchmon={value}")

    with CaptureQueriesContext(connection) as asked:
        assert visitor.get("/api/v1/auth/profile").status_code == 401

    assert not [query for query in asked.captured_queries if "accounts_session" in query["sql"]]


# Numbers that no column holds


@pytest.mark.parametrize(
    "address",
    [
        f"/photos/{HUGE}",
        f"/settings/users/{HUGE}",
        f"/settings/users/{'9' * 5000}",
        f"/admin/accounts/user/{HUGE}/change/",
    ],
)
def test_a_number_that_is_nobodys_is_not_found(browser, address):
    assert browser.get(address, follow=True).status_code in {200, 404}


@pytest.mark.parametrize("path", ["revoke", "disconnect", "unlink", "deactivate"])
def test_nor_is_anything_done_to_it(browser, path):
    addresses = {
        "revoke": f"/profile/tokens/{HUGE}/revoke",
        "disconnect": f"/profile/identities/{HUGE}/disconnect",
        "unlink": f"/settings/users/{HUGE}/identities/{HUGE}/unlink",
        "deactivate": f"/settings/users/{HUGE}/deactivate",
    }

    assert browser.post(addresses[path]).status_code in {303, 404}
