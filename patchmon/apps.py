from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PatchmonConfig(AppConfig):
    name = "patchmon"
    verbose_name = "PatchMon"


class PatchMonAdminConfig(AdminConfig):
    default_site = "patchmon.admin_site.PatchMonAdminSite"
