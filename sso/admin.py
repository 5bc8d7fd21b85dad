"""The Django admin of single sign-on: both singletons, identities, attempts and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters

from accounts.freshness import PASSWORD_FIELD
from accounts.models import User
from accounts.policy import AccountRefused
from accounts.roles import Role
from sso import conf
from sso.admin_forms import OIDCSettingsAdminForm, RoleMappingAdminForm, SingletonAdminForm
from sso.fresh_sign_in import assurance
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping, SignInAttempt
from sso.readiness import readiness
from sso.rules.permissions import locked_fields
from sso.rules.secret_expiry import EXPIRY_REMOVED
from sso.services.attempt_list import found
from sso.services.identities import disconnect
from sso.services.look_up import look_before_enabling, look_up
from sso.services.settings import SECRET, SettingsConflict, SettingsRefused, save_settings

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnly(_ModelAdmin):
    """Shown in full and changed by nobody: the record of what happened."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@method_decorator(sensitive_post_parameters(SECRET, PASSWORD_FIELD), name="changeform_view")
class SingletonAdmin(_ModelAdmin):
    """One row, edited through the page's form and saved through the page's service."""

    admin_form: type[SingletonAdminForm]
    groups: tuple[tuple[str | None, tuple[str, ...]], ...]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        self.model.load()
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[1]))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST":
            # Before Django's transaction begins: on SQLite everybody else would wait for the
            # provider with us.
            self._ask_provider(request)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except SettingsRefused as refused:
            texts = [text for of_field in refused.errors.values() for text in of_field]
        except SettingsConflict as conflict:
            texts = [f"Somebody else changed {name} meanwhile." for name in conflict.conflicts]
        for text in texts:
            self.message_user(request, f"{text} Nothing was saved.", messages.ERROR)
        return HttpResponseRedirect(request.path)

    def _ask_provider(self, request: HttpRequest) -> None:
        config = conf.current()
        # What it answers is held for a minute, and the confirmation asks for no other.
        readiness(config)
        request.sso_looked_up = look_up(  # type: ignore[attr-defined]  # for get_form alone
            request.POST.get("issuer", config.issuer),
            known=config.issuer,
            enforce_https=config.enforce_https,
        )
        if "enabled" in request.POST and not config.enabled:
            look_before_enabling(
                request.POST.get("issuer", config.issuer),
                enforce_https="enforce_https" in request.POST,
            )

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [(title, {"fields": fields}) for title, fields in self.groups]

    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Make the form for this request: what its user may change, what the provider said."""
        config = conf.current()
        actor = cast("User", request.user)
        return type(
            self.admin_form.__name__,
            (self.admin_form,),
            {
                "actor_locks": locked_fields(Role(actor.role), config.mapping),
                "looked_up": getattr(request, "sso_looked_up", None),
                "request": request,
            },
        )

    def construct_change_message(self, request: HttpRequest, form: Any, *args: Any) -> Any:
        # What changed is in the change log; here only that something did, and no value.
        return [{"changed": {"fields": []}}]

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001
        if conf.current().from_environment:
            self.message_user(
                request,
                "OIDC is configured via .env: this takes effect once those lines are removed.",
                messages.WARNING,
            )
        saved = save_settings(
            form.wanted(),
            actor=cast("User", request.user),
            base=form.seen(),
            confirmed=form.confirmed(),
            assurance=assurance(request),
        )
        if saved.expiry_removed:
            self.message_user(request, EXPIRY_REMOVED, messages.WARNING)
        obj.refresh_from_db()


@admin.register(OIDCSettings)
class OIDCSettingsAdmin(SingletonAdmin):
    admin_form = OIDCSettingsAdminForm
    groups = (
        (
            "Configuration",
            (
                "enabled",
                "enforce_https",
                "sync_roles",
                "disable_local_auth",
                "confirm_disable_local_auth",
                "auto_create_users",
            ),
        ),
        (
            "OAuth2 Configuration",
            (
                "issuer",
                "client_id",
                "client_secret",
                "clear_client_secret",
                "client_secret_expires",
                "redirect_uri",
                "scopes",
                "button_text",
            ),
        ),
        ("Advanced", ("trust_unverified_email", "base")),
        ("Confirm", (PASSWORD_FIELD,)),
    )


@admin.register(RoleMapping)
class RoleMappingAdmin(SingletonAdmin):
    admin_form = RoleMappingAdminForm
    groups = (
        (
            None,
            (
                "default_role",
                "superadmin_group",
                "admin_group",
                "host_manager_group",
                "user_group",
                "readonly_group",
                "base",
            ),
        ),
        ("Confirm", (PASSWORD_FIELD,)),
    )


@admin.register(LinkedIdentity)
class LinkedIdentityAdmin(_ModelAdmin):
    """Who signs in as whom; removing one goes through the service and ends sessions."""

    list_display = ("user", "email", "issuer", "last_sign_in")
    search_fields = ("user__username", "email", "subject", "object_id")
    list_select_related = ("user",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # The bulk action deletes rows past the service.
        return {}

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except AccountRefused as refused:
            self.message_user(request, refused.sentence, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_model(self, request: HttpRequest, obj: LinkedIdentity) -> None:
        disconnect(obj, actor=cast("User", request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LinkedIdentity]) -> None:
        for linked in queryset:
            disconnect(linked, actor=cast("User", request.user))


@admin.register(SignInAttempt)
class SignInAttemptAdmin(ReadOnly):
    list_display = (
        "at",
        "outcome",
        "username",
        "email",
        "reason",
        "role_after",
        "reference",
        "link",
    )
    list_filter = ("outcome",)
    # For the box; what it looks for is in get_search_results.
    search_fields = ("reference", "username", "email")
    search_help_text = "A username, an e-mail address or a reference code, in full."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SignInAttempt], search_term: str
    ) -> tuple[QuerySet[SignInAttempt], bool]:
        """Look for the whole of one thing, as Settings → Sign-ins does.

        Django's own way looks for parts, which reads every attempt twice.
        """
        text = search_term.strip()
        return (found(queryset, text) if text else queryset), False

    @admin.display(description="link this identity")
    def link(self, attempt: SignInAttempt) -> str:
        """Lead to the page that ties a refused identity to an account (sign-in.md, rule 4)."""
        if not attempt.can_be_linked:
            return "-"
        address = reverse("sso:link", args=[attempt.reference])
        return format_html('<a href="{}">Link this identity</a>', address)

    show_full_result_count = False


admin.site.unregister(LogEntry)
# Roles take the place of Django's groups, which grant nothing here.
admin.site.unregister(Group)


@admin.register(LogEntry)
class ChangeAdmin(ReadOnly, LogEntryAdmin):  # type: ignore[misc]
    """The change log of django-auditlog; secrets are named in it, never shown."""
