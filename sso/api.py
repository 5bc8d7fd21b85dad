"""The JSON interface: configuration, settings, profile and sign-in activity (product.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from accounts.paging import page_of
from accounts.policy import Scope
from sso import api_schema, conf
from sso.authentication import WithinScope
from sso.conf import Config
from sso.environment_import import import_environment
from sso.fresh_sign_in import assurance
from sso.models import SignInAttempt
from sso.provider.checkup.findings import StepResult
from sso.readiness import local_sign_in_open, readiness
from sso.services.checkup_runs import may_check, run_all
from sso.services.checkup_settings import blade_url
from sso.services.settings import FRESH, Assurance, FreshSignInRequired, SettingsConflict
from sso.settings_document import DocumentRefused, apply_document, key_of, read_document

_SAVES: Final = extend_schema(
    request=api_schema.SETTINGS_CHANGE,
    responses={200: api_schema.SETTINGS, **api_schema.NOT_SAVED},
)


class CanManageSettings(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("accounts.can_manage_settings")


class PublicConfigView(APIView):
    """What a sign-in page needs to know: anyone may."""

    # A dead token beside the question changes nothing about the answer.
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=api_schema.PUBLIC_CONFIG)
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

    scopes: ClassVar[Mapping[str, Scope]] = {"GET": Scope.PROFILE_READ}

    @extend_schema(responses={200: api_schema.PROFILE, **api_schema.NOT_ALLOWED})
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

    permission_classes = (CanManageSettings, WithinScope)
    scopes: ClassVar[Mapping[str, Scope]] = {
        "GET": Scope.SETTINGS_READ,
        "PUT": Scope.SETTINGS_WRITE,
        "PATCH": Scope.SETTINGS_WRITE,
    }

    @extend_schema(responses={200: api_schema.SETTINGS, **api_schema.NOT_ALLOWED})
    def get(self, request: Request) -> Response:
        return _settings()

    @_SAVES
    def put(self, request: Request) -> Response:
        return self._save(request)

    @_SAVES
    def patch(self, request: Request) -> Response:
        return self._save(request)

    def _save(self, request: Request) -> Response:
        try:
            apply_document(
                request.data,
                actor=cast("User", request.user),
                assurance=_assurance(request),
            )
        except FreshSignInRequired as required:
            return _not_fresh(required)
        except SettingsConflict as conflict:
            return _conflict(conflict)
        except DocumentRefused as refused:
            return Response(refused.errors, status=status.HTTP_400_BAD_REQUEST)
        return _settings()


class ImportEnvironmentView(APIView):
    """Load from .env."""

    permission_classes = (CanManageSettings, WithinScope)
    scopes: ClassVar[Mapping[str, Scope]] = {"POST": Scope.SETTINGS_WRITE}

    @extend_schema(request=None, responses={200: api_schema.SETTINGS, **api_schema.NOT_IMPORTED})
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


class CheckView(APIView):
    """Check configuration: all of its steps, on what is saved."""

    permission_classes = (CanManageSettings, WithinScope)
    scopes: ClassVar[Mapping[str, Scope]] = {"POST": Scope.SETTINGS_READ}

    @extend_schema(request=None, responses={200: api_schema.CHECK, **api_schema.NOT_CHECKED})
    def post(self, request: Request) -> Response:
        user = cast("User", request.user)
        if not may_check(user.pk, whole=True):
            return Response(
                {"detail": ["Too many checks. Wait a minute."]},
                status=status.HTTP_429_TOO_MANY_REQUESTS,
                headers={"Retry-After": "60"},
            )
        config = conf.current()
        check = run_all(config)
        return Response(
            {
                "outcome": check.ended.outcome.value,
                "summary": check.ended.sentence,
                "steps": [_step(result, config) for result in check.steps],
            },
            headers={"Cache-Control": "no-store"},
        )


class SignInsView(APIView):
    """Sign-in activity, newest first, a page at a time."""

    permission_classes = (CanManageSettings, WithinScope)
    scopes: ClassVar[Mapping[str, Scope]] = {"GET": Scope.SIGN_INS_READ}

    @extend_schema(
        parameters=[api_schema.PAGE],
        responses={200: api_schema.SIGN_INS, **api_schema.NOT_ALLOWED},
    )
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
            "detail",
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


def _step(result: StepResult, config: Config) -> dict[str, Any]:
    return {
        "step": result.step.value,
        "number": result.step.number,
        "label": result.step.label,
        "outcome": result.outcome.value,
        "findings": [
            {
                "outcome": finding.outcome.value,
                "happened": finding.happened,
                "cure": finding.cure,
                "who": finding.who.value if finding.who else "",
                "field": key_of(finding.place) if finding.place else "",
                "blade": finding.blade.value,
                "blade_url": blade_url(finding, config),
                "code": finding.code,
                "trace_id": finding.trace_id,
                "correlation_id": finding.correlation_id,
            }
            for finding in result.findings
        ],
    }


def _assurance(request: Request) -> Assurance:
    """Return what the session covers; a token that may write was made at a fresh sign-in."""
    token = request.auth
    if isinstance(token, ApiToken):
        # Never the session beside it, which may be somebody else's.
        return Assurance(fields=FRESH.fields, note=f"by the API token {token.name}")
    return assurance(request._request)  # noqa: SLF001 - the one with the session


def _settings() -> Response:
    return Response(read_document(), headers={"Cache-Control": "no-store"})


def _not_fresh(required: FreshSignInRequired) -> Response:
    keys = ", ".join(sorted(key_of(name) for name in required.fields))
    return Response(
        {
            "detail": f"Sign in again: {keys} asks for a sign-in within the last fifteen minutes. "
            "Nothing was saved.",
            "code": "fresh_sign_in_required",
        },
        status=status.HTTP_403_FORBIDDEN,
    )


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
