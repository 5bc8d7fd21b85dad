from __future__ import annotations

from django.urls import path, register_converter

from sso import api
from sso.views import (
    checkup,
    identities,
    linking,
    settings,
    settings_enable,
    sign_in,
    sign_ins,
    sign_ins_export,
    sign_out,
    trial,
    undo,
)


class ReferenceConverter:
    """A reference code: letters and digits, so that no other text reaches the database."""

    regex = "[A-Za-z0-9]{1,16}"

    def to_python(self, value: str) -> str:
        return value.upper()

    def to_url(self, value: str) -> str:
        return value


register_converter(ReferenceConverter, "reference")

app_name = "sso"

urlpatterns = [
    path("api/v1/auth/oidc/login", sign_in.StartView.as_view(), name="login"),
    path("api/v1/auth/oidc/callback", sign_in.CallbackView.as_view(), name="callback"),
    path(
        "api/v1/auth/oidc/frontchannel-logout",
        sign_out.FrontChannelSignOutView.as_view(),
        name="frontchannel-logout",
    ),
    path("api/v1/auth/oidc/config", api.PublicConfigView.as_view(), name="api-config"),
    path("api/v1/auth/oidc/settings", api.SettingsView.as_view(), name="api-settings"),
    path(
        "api/v1/auth/oidc/settings/import-from-env",
        api.ImportEnvironmentView.as_view(),
        name="api-import-env",
    ),
    path("api/v1/auth/oidc/settings/check", api.CheckView.as_view(), name="api-check"),
    path("api/v1/auth/profile", api.ProfileView.as_view(), name="api-profile"),
    path("api/v1/auth/sign-ins", api.SignInsView.as_view(), name="api-sign-ins"),
    path("settings/oidc", settings.SettingsView.as_view(), name="settings"),
    path("settings/oidc/secret", settings.SecretView.as_view(), name="secret"),
    path("settings/oidc/enable", settings_enable.EnableView.as_view(), name="enable"),
    path(
        "settings/oidc/import-env",
        settings_enable.ImportEnvironmentView.as_view(),
        name="import-env",
    ),
    path("settings/oidc/check", checkup.CheckView.as_view(), name="check"),
    path("settings/oidc/explain", checkup.ExplainView.as_view(), name="explain"),
    path("settings/oidc/test-sign-in", trial.StartView.as_view(), name="test-sign-in"),
    path(
        "settings/oidc/test-sign-in/report", trial.ReportView.as_view(), name="test-sign-in-report"
    ),
    path("settings/oidc/test-sign-in/row", trial.RowView.as_view(), name="test-sign-in-row"),
    path("settings/sign-ins", sign_ins.SignInsView.as_view(), name="sign-ins"),
    # Before the references: these are no one's.
    path("settings/sign-ins/export", sign_ins_export.ExportView.as_view(), name="sign-ins-export"),
    path("settings/sign-ins/link", linking.LinkSeveralView.as_view(), name="link-several"),
    path("settings/sign-ins/<reference:reference>/link", linking.LinkView.as_view(), name="link"),
    path(
        "settings/users/<int:pk>/identities/<int:identity>/unlink",
        linking.UnlinkView.as_view(),
        name="unlink",
    ),
    path("settings/sign-ins/<reference:reference>", sign_ins.SignInView.as_view(), name="sign-in"),
    path("settings/changes/undo", undo.UndoView.as_view(), name="undo"),
    path("profile/identities/connect", identities.ConnectView.as_view(), name="connect"),
    path("profile/confirm", identities.ConfirmView.as_view(), name="confirm"),
    path("profile/confirmed", identities.ConfirmedView.as_view(), name="confirmed"),
    path(
        "profile/identities/<int:pk>/disconnect",
        identities.DisconnectView.as_view(),
        name="disconnect",
    ),
]
