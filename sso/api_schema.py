"""What the JSON interface takes and answers, for the OpenAPI document alone.

The views build and read plain JSON (sso.settings_document); a test holds their real answers
against these.
"""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers
from rest_framework.serializers import Serializer

from accounts.roles import Role
from sso.models import SignInAttempt
from sso.provider.checkup.findings import Outcome, Step
from sso.rules.explanations import Who
from sso.settings_document import KEYS, SECRET_KEY, SWITCH_FIELDS

_ROLES: Final = [role.value for role in Role]
_OUTCOMES: Final = [outcome.value for outcome in Outcome]
_HTTP_REFUSED: Final = 400
_HTTP_UNAUTHORIZED: Final = 401
_HTTP_FORBIDDEN: Final = 403
_HTTP_CONFLICT: Final = 409
_HTTP_TOO_MANY: Final = 429


def _object(name: str, **fields: serializers.Field[Any, Any, Any, Any]) -> Serializer[Any]:
    return inline_serializer(name, fields=dict(fields))


def _texts(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **kwargs)


def _setting(field: str, **kwargs: Any) -> serializers.Field[Any, Any, Any, Any]:
    if field in SWITCH_FIELDS:
        return serializers.BooleanField(**kwargs)
    if field == "default_role":
        return serializers.ChoiceField(choices=_ROLES, **kwargs)
    return serializers.CharField(allow_blank=True, **kwargs)


PUBLIC_CONFIG: Final = _object(
    "PublicConfig",
    enabled=serializers.BooleanField(help_text="Single sign-on is ready."),
    buttonText=serializers.CharField(),
    disableLocalAuth=serializers.BooleanField(help_text="Passwords are refused now."),
    syncRoles=serializers.BooleanField(),
)
PROFILE: Final = _object(
    "Profile",
    id=serializers.IntegerField(),
    username=serializers.CharField(),
    email=serializers.CharField(allow_blank=True),
    first_name=serializers.CharField(allow_blank=True),
    last_name=serializers.CharField(allow_blank=True),
    role=serializers.ChoiceField(choices=_ROLES),
    is_active=serializers.BooleanField(),
    avatar_url=serializers.CharField(allow_null=True),
    last_login=serializers.DateTimeField(allow_null=True),
    permissions=_texts(help_text="As has_perm knows them, without “accounts.”."),
)
SETTINGS: Final = _object(
    "Settings",
    version=serializers.IntegerField(help_text="Send it back, and an overtaken save is 409."),
    configured_via_env=serializers.BooleanField(),
    env_preview=serializers.DictField(
        allow_null=True, help_text="The OIDC_* variables that are set; a secret as “(set)”."
    ),
    callback_url=serializers.CharField(),
    oidc_client_secret_set=serializers.BooleanField(),
    **{key: _setting(field) for key, field in KEYS.items()},
)
SETTINGS_CHANGE: Final = _object(
    "SettingsChange",
    version=serializers.IntegerField(required=False),
    **{SECRET_KEY: serializers.CharField(required=False, write_only=True, allow_blank=True)},
    **{key: _setting(field, required=False) for key, field in KEYS.items()},
)
CHECK: Final = _object(
    "Check",
    outcome=serializers.ChoiceField(choices=_OUTCOMES),
    summary=serializers.CharField(),
    steps=serializers.ListField(
        child=_object(
            "CheckStep",
            step=serializers.ChoiceField(choices=[step.value for step in Step]),
            number=serializers.IntegerField(),
            label=serializers.CharField(),
            outcome=serializers.ChoiceField(choices=_OUTCOMES),
            findings=serializers.ListField(
                child=_object(
                    "CheckFinding",
                    outcome=serializers.ChoiceField(choices=_OUTCOMES),
                    happened=serializers.CharField(),
                    cure=serializers.CharField(allow_blank=True),
                    who=serializers.ChoiceField(
                        choices=[who.value for who in Who], allow_blank=True
                    ),
                    field=serializers.CharField(allow_blank=True, help_text="Key of a setting."),
                    blade=serializers.CharField(allow_blank=True, help_text="Of Entra's pages."),
                    blade_url=serializers.CharField(allow_blank=True),
                    code=serializers.CharField(allow_blank=True),
                    trace_id=serializers.CharField(allow_blank=True),
                    correlation_id=serializers.CharField(allow_blank=True),
                )
            ),
        )
    ),
)
SIGN_INS: Final = _object(
    "SignIns",
    page=serializers.IntegerField(),
    has_next=serializers.BooleanField(),
    results=serializers.ListField(
        child=_object(
            "SignIn",
            reference=serializers.CharField(),
            at=serializers.DateTimeField(),
            outcome=serializers.ChoiceField(choices=SignInAttempt.Outcome.values),
            reason=serializers.CharField(allow_blank=True),
            detail=serializers.CharField(allow_blank=True),
            username=serializers.CharField(allow_blank=True),
            email=serializers.CharField(allow_blank=True),
            groups=_texts(),
            role_rule=serializers.CharField(allow_blank=True),
            role_before=serializers.CharField(allow_blank=True),
            role_after=serializers.CharField(allow_blank=True),
            address=serializers.CharField(allow_blank=True),
            provider_error=serializers.CharField(allow_blank=True),
            provider_codes=_texts(),
            trace_id=serializers.CharField(allow_blank=True),
            correlation_id=serializers.CharField(allow_blank=True),
            duration_ms=serializers.IntegerField(),
            provider_ms=serializers.IntegerField(),
        )
    ),
)
PAGE: Final = OpenApiParameter("page", int, description="From 1; anything else is the first.")

_REFUSAL: Final = _object(
    "Refusal",
    detail=serializers.CharField(),
    code=serializers.CharField(
        required=False, help_text="fresh_sign_in_required: sign in again first."
    ),
)
_CONFLICT: Final = _object(
    "Conflict",
    detail=serializers.CharField(),
    conflicts=serializers.DictField(
        child=_object("BothValues", yours=serializers.JSONField(), theirs=serializers.JSONField()),
        help_text="By key of the setting.",
    ),
)
_MISTAKES: Final = OpenApiResponse(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    "By key of the setting, what is wrong with it.",
)
_TOO_MANY: Final = _object("TooMany", detail=_texts())
NOT_SIGNED_IN: Final = {_HTTP_UNAUTHORIZED: OpenApiResponse(_REFUSAL, "Nobody is signed in.")}
NOT_ALLOWED: Final = {
    **NOT_SIGNED_IN,
    _HTTP_FORBIDDEN: OpenApiResponse(_REFUSAL, "The permission, the scope or a fresh sign-in."),
}
NOT_IMPORTED: Final = {**NOT_ALLOWED, _HTTP_REFUSED: _MISTAKES}
NOT_SAVED: Final = {**NOT_IMPORTED, _HTTP_CONFLICT: _CONFLICT}
NOT_CHECKED: Final = {**NOT_ALLOWED, _HTTP_TOO_MANY: _TOO_MANY}
