"""The pages of the small sites: the library's own, and a first page that says who is signed in."""

from __future__ import annotations

import os

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.html import format_html


@login_required
def home(request: HttpRequest) -> HttpResponse:
    email = getattr(request.user, "email", "")
    return HttpResponse(format_html("<!doctype html><title>Home</title><p>{}</p>", email))


def sign_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Sign in</title>")


urlpatterns = [
    path("", home, name="home"),
    path("login", sign_in, name="login"),
    path(os.environ["SITE_PREFIX"], include(os.environ["SITE_URLS"])),
]
