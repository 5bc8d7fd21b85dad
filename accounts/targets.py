from __future__ import annotations

from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

# What is no page to land on: answers for programs and files, and the ways in and out.
NO_PAGES = (
    "/api/", "/health/", "/static/", "/photos/", "/metrics", "/favicon.ico", "/password/",
    "/settings/sign-ins/export", "/login", "/logout", "/setup", "/admin/login", "/admin/logout",
    # Answers for the admin's scripts, and its way on to the page of whatever object is named.
    "/admin/jsi18n", "/admin/autocomplete", "/admin/r/",
)  # fmt: skip
# A browser takes these out of a path before it asks: it would land on another than was looked at.
DOTS = frozenset({".", ".."})
MAX_TARGET = 1024


def safe_target(wanted: str, *, default: str = "/") -> str:
    """Return the wanted path if it is a page of this site that is safe to GET, else the default.

    A path alone: no scheme, no host, nothing that a browser would read as one.
    """
    if not _is_path(wanted):
        return default
    path = urlsplit(wanted).path
    if path.startswith(NO_PAGES):
        return default
    try:
        match = resolve(path)
    except Resolver404:
        return default
    view = getattr(match.func, "view_class", None)
    if view is not None and not hasattr(view, "get"):
        return default
    return wanted


def _is_path(wanted: str) -> bool:
    if not wanted.startswith("/") or len(wanted) > MAX_TARGET or not wanted.isprintable():
        return False
    if "\\" in wanted or not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return False
    parts = urlsplit(wanted)
    segments = parts.path.lower().replace("%2e", ".").split("/")
    return not parts.netloc and DOTS.isdisjoint(segments)
