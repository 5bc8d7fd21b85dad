from __future__ import annotations

from django.urls import path

from accounts.views import (
    changes,
    general,
    password_link,
    photo,
    profile,
    setup,
    sign_in,
    tokens,
    user_actions,
    users,
)

app_name = "accounts"
USER = "settings/users/<int:pk>"

urlpatterns = [
    path("setup", setup.SetupView.as_view(), name="setup"),
    path("login", sign_in.SignInView.as_view(), name="login"),
    path("logout", sign_in.SignOutView.as_view(), name="logout"),
    path(
        "password/<str:uidb64>/<str:token>",
        password_link.PasswordLinkView.as_view(),
        name="password-link",
    ),
    path("profile", profile.ProfileView.as_view(), name="profile"),
    path("profile/password", profile.PasswordView.as_view(), name="profile-password"),
    path("profile/sessions/end", profile.EndSessionsView.as_view(), name="profile-sessions-end"),
    path(
        "profile/sessions/<str:reference>/end",
        profile.EndSessionView.as_view(),
        name="profile-session-end",
    ),
    path("profile/tokens", tokens.MakeTokenView.as_view(), name="profile-token-make"),
    path(
        "profile/tokens/<int:pk>/revoke",
        tokens.RevokeTokenView.as_view(),
        name="profile-token-revoke",
    ),
    path("photos/<int:pk>", photo.PhotoView.as_view(), name="photo"),
    path("settings/general", general.GeneralView.as_view(), name="general"),
    path("settings/changes", changes.ChangesView.as_view(), name="changes"),
    path("settings/users", users.UsersView.as_view(), name="users"),
    path("settings/users/add", users.AddUserView.as_view(), name="user-add"),
    path(USER, users.UserView.as_view(), name="user"),
    path(f"{USER}/deactivate", user_actions.DeactivateView.as_view(), name="user-deactivate"),
    path(f"{USER}/activate", user_actions.ActivateView.as_view(), name="user-activate"),
    path(f"{USER}/delete", user_actions.DeleteView.as_view(), name="user-delete"),
    path(f"{USER}/end-sessions", user_actions.EndSessionsView.as_view(), name="user-end-sessions"),
    path(
        f"{USER}/password-link", user_actions.PasswordLinkView.as_view(), name="user-password-link"
    ),
]
