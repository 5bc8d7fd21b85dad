"""The JSON interface: configuration, settings, profile and sign-in activity (product.md)."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.paging import page_of
from sso import conf
from sso.environment_import import import_environment
from sso.models import SignInAttempt
from sso.readiness import local_sign_in_open, readiness
from sso.services.settings import SettingsConflict
from sso.settings_document import DocumentRefused, apply_document, key_of, read_document


class CanManageSettings(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("accounts.can_manage_settings")


class PublicConfigView(APIView):
    """What a sign-in page needs to know: anyone may."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        config = conf.current()
        return Response(
            {
                "enabled": readiness(config).ready,
                "buttonText": config.button_text,
                "disableLocalAuth": not local_sign_in_open(config),
                "syncRoles": config.sync_roles,
            },
            headers={"Cache-Control": "no-store"},
        )


class ProfileView(APIView):
    """Who is signed in."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        user = cast("User", request.user)
        return Response(
            {
                "id": user.pk,
                "username": user.username,
                "email": user.email,
                "first_name": user.first_name,
                "last_name": user.last_name,
                "role": user.role,
                "is_active": user.is_active,
                "avatar_url": user.avatar_url or None,
                "last_login": user.last_login,
                "permissions": sorted(
                    name.removeprefix("accounts.") for name in user.get_all_permissions()
                ),
            },
            headers={"Cache-Control": "no-store"},
        )


class SettingsView(APIView):
    """The settings: read all of them, change those that are named."""

    permission_classes = (CanManageSettings,)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return _settings()

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request) -> Response:
        return self._save(request)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def patch(self, request: Request) -> Response:
        return self._save(request)

    def _save(self, request: Request) -> Response:
        try:
            apply_document(request.data, actor=cast("User", request.user))
        except SettingsConflict as conflict:
            return _conflict(conflict)
        except DocumentRefused as refused:
            return Response(refused.errors, status=status.HTTP_400_BAD_REQUEST)
        return _settings()


class ImportEnvironmentView(APIView):
    """Load from .env."""

    permission_classes = (CanManageSettings,)

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        config = conf.current()
        if not config.from_environment:
            return Response(
                {"detail": ["No OIDC_* variable is set."]}, status=status.HTTP_400_BAD_REQUEST
            )
        errors = import_environment(config, actor=cast("User", request.user))
        if errors:
            by_key = {key_of(name): texts for name, texts in errors.items()}
            return Response(by_key, status=status.HTTP_400_BAD_REQUEST)
        return _settings()


class SignInsView(APIView):
    """Sign-in activity, newest first, a page at a time."""

    permission_classes = (CanManageSettings,)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        page = page_of(SignInAttempt.objects.order_by("-at", "-pk"), request.GET.get("page"))
        return Response(
            {
                "page": page.number,
                "has_next": page.has_next,
                "results": [_attempt(attempt) for attempt in page.object_list],
            },
            headers={"Cache-Control": "no-store"},
        )


def _attempt(attempt: SignInAttempt) -> dict[str, Any]:
    return {
        name: getattr(attempt, name)
        for name in (
            "reference",
            "at",
            "outcome",
            "reason",
            "username",
            "email",
            "groups",
            "role_rule",
            "role_before",
            "role_after",
            "address",
            "provider_error",
            "provider_codes",
            "trace_id",
            "correlation_id",
            "duration_ms",
            "provider_ms",
        )
    }


def _settings() -> Response:
    return Response(read_document(), headers={"Cache-Control": "no-store"})


def _conflict(conflict: SettingsConflict) -> Response:
    return Response(
        {
            "detail": "The settings were changed meanwhile. Read them again.",
            "conflicts": {
                key_of(name): {"yours": mine, "theirs": theirs}
                for name, (mine, theirs) in conflict.conflicts.items()
            },
        },
        status=status.HTTP_409_CONFLICT,
    )
