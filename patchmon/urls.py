from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from patchmon import health
from patchmon.home import HomeView, favicon
from patchmon.metrics import metrics_page

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", metrics_page, name="metrics"),
    path("favicon.ico", favicon),
    path("api/v1/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("", include("accounts.urls")),
    path("", include("sso.urls")),
    path("admin/", admin.site.urls),
]
