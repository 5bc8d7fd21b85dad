from __future__ import annotations

from django.urls import path

from sso import api
from sso.views import identities, settings, sign_in, sign_ins, sign_out

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
    path("api/v1/auth/profile", api.ProfileView.as_view(), name="api-profile"),
    path("api/v1/auth/sign-ins", api.SignInsView.as_view(), name="api-sign-ins"),
    path("settings/oidc", settings.SettingsView.as_view(), name="settings"),
    path("settings/oidc/secret", settings.SecretView.as_view(), name="secret"),
    path("settings/oidc/enable", settings.EnableView.as_view(), name="enable"),
    path("settings/oidc/import-env", settings.ImportEnvironmentView.as_view(), name="import-env"),
    path("settings/sign-ins", sign_ins.SignInsView.as_view(), name="sign-ins"),
    path("settings/sign-ins/<str:reference>", sign_ins.SignInView.as_view(), name="sign-in"),
    path("profile/identities/connect", identities.ConnectView.as_view(), name="connect"),
    path(
        "profile/identities/<int:pk>/disconnect",
        identities.DisconnectView.as_view(),
        name="disconnect",
    ),
]
