from __future__ import annotations

from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

# What is no page to land on: answers for programs and files, and the ways in and out.
NO_PAGES = (
    "/api/", "/health/", "/static/", "/photos/", "/metrics", "/password/", "/admin/jsi18n",
    "/admin/login", "/admin/logout", "/login", "/logout", "/setup",
)  # fmt: skip
MAX_TARGET = 1024


def safe_target(wanted: str, *, default: str = "/") -> str:
    """Return the wanted path if it is a page of this site that is safe to GET, else the default.

    A path alone: no scheme, no host, nothing that a browser would read as one.
    """
    if not wanted.startswith("/") or len(wanted) > MAX_TARGET or not wanted.isprintable():
        return default
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return default
    parts = urlsplit(wanted)
    path = parts.path
    if parts.netloc or "\\" in wanted or path.startswith(NO_PAGES):
        return default
    try:
        match = resolve(path)
    except Resolver404:
        return default
    view = getattr(match.func, "view_class", None)
    if view is not None and not hasattr(view, "get"):
        return default
    return wanted
