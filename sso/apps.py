from __future__ import annotations

from django.apps import AppConfig

from accounts import external


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "Single sign-on"

    def ready(self) -> None:
        # Models can only be imported once the apps are loaded.
        from sso.sign_in_methods import SingleSignOn  # noqa: PLC0415

        external.register(SingleSignOn())
