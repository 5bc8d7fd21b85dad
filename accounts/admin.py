from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts import external, policy, services
from accounts.forms import (
    CONFIRM_SERVER_URL,
    CurrentPasswordForm,
    FreeUsernameField,
    ServerUrlField,
    ServerUrlForm,
)
from accounts.freshness import NotConfirmed, confirm, is_fresh
from accounts.models import Installation, User
from accounts.policy import AccountRefused
from accounts.roles import Role
from accounts.seen import ChangedMeanwhile, edited
from accounts.seen_forms import SeenFields
from accounts.views.general import came_by
from accounts.views.who import person

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _UserModelForm = forms.ModelForm[User]
    _InstallationModelForm = forms.ModelForm[Installation]
else:
    # Django's own classes take no type arguments while they run.
    _ModelAdmin = admin.ModelAdmin
    _UserModelForm = _InstallationModelForm = forms.ModelForm


_MEANWHILE: Final = "Somebody else changed this meanwhile. Nothing was saved."


class RefusalsBecomeMessages(_ModelAdmin):
    """Turn a refused change into a message on the page it was asked on; nothing was saved."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except AccountRefused as refusal:
            return self._refused(request, refusal)
        except ChangedMeanwhile:
            # Between the form's look and the save: the page that follows shows what is there now.
            self.message_user(request, _MEANWHILE, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except AccountRefused as refusal:
            return self._refused(request, refusal)

    def _refused(self, request: HttpRequest, refusal: AccountRefused) -> HttpResponse:
        self.message_user(request, refusal.sentence, messages.ERROR)
        return HttpResponseRedirect(request.path)


class UserForm(SeenFields, _UserModelForm):
    """An account's fields; ``edits`` are those that the editor changed, once it is valid."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "role", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.edits: dict[str, Any] = {}
        self.tell(*self.fields)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        present = {name: getattr(self.instance, name) for name in cleaned}
        try:
            self.edits = edited(cleaned, present, self.seen())
        except ChangedMeanwhile as both:
            self.refuse_changed(both)
        return cleaned


class NewUserForm(_UserModelForm):
    username = FreeUsernameField()

    class Meta:
        model = User
        fields = ("username", "email", "first_name", "last_name", "role")


@admin.register(User)
class UserAdmin(RefusalsBecomeMessages):
    """Accounts, through the same services as Settings → Users; no row is written here."""

    list_display = ("username", "email", "first_name", "last_name", "role", "is_active")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("username",)
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "role", "is_active")}),
        ("Person", {"fields": ("email", "first_name", "last_name")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": NewUserForm.Meta.fields}),)

    def get_form(
        self,
        request: HttpRequest,
        obj: User | None = None,
        change: bool = False,  # noqa: FBT001, FBT002  (Django's signature)
        **kwargs: Any,
    ) -> Any:
        # Through the class below, so that read-only fields are left out of it.
        why = {"role": _role_lock(request, obj)} if obj else {}
        return super().get_form(
            request,
            obj,
            change,
            **kwargs,
            form=UserForm if obj else NewUserForm,
            help_texts={name: reason for name, reason in why.items() if reason},
        )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return ()
        readonly = ["username", "last_login", "date_joined"]
        if _role_lock(request, obj):
            readonly.append("role")
        if person(request).pk == obj.pk:
            readonly.append("is_active")
        return readonly

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # The bulk action deletes rows past the services.
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: Any,
        change: bool,  # noqa: FBT001  (Django's signature)
    ) -> None:
        actor, entered = person(request), form.cleaned_data
        if not change:
            made = services.create_user(
                usernames=[entered["username"]],
                email=entered["email"],
                first_name=entered["first_name"],
                last_name=entered["last_name"],
                role=Role(entered["role"]),
                actor=actor,
            )
        else:
            made = User.objects.get(pk=obj.pk)
            edits = dict(form.edits)
            is_active = edits.pop("is_active", None)
            services.edit_account(made, edits, actor=actor, seen=form.seen())
            if is_active is not None:
                act = services.activate if is_active else services.deactivate
                act(made, actor=actor)
        # The admin goes on with this instance: its key, its name in messages.
        obj.pk = made.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.delete(obj, actor=person(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            services.delete(user, actor=person(request))


def _role_lock(request: HttpRequest, user: User) -> str:
    """Say why the role cannot be changed here, "" where it can."""
    actor = person(request)
    refusal = policy.may_change_role(
        Role(actor.role), Role(user.role), None, is_self=actor.pk == user.pk
    )
    return refusal.sentence if refusal else external.current().role_managed_reason(user)


class InstallationForm(SeenFields, _InstallationModelForm):
    server_url = ServerUrlField()
    confirm_server_url = ServerUrlForm.base_fields["confirm_server_url"]
    current_password = CurrentPasswordForm.base_fields["current_password"]
    # Set by InstallationAdmin for the request at hand.
    request: HttpRequest

    class Meta:
        model = Installation
        fields = ("server_url",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The row is empty while the environment's value is in force.
        self.initial["server_url"] = services.server_url()
        self.tell("server_url")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        current = services.server_url()
        wanted = cleaned.get("server_url", current)
        try:
            edits = edited({"server_url": wanted}, {"server_url": current}, self.seen())
        except ChangedMeanwhile as both:
            self.refuse_changed(both)
            return cleaned
        if edits:
            if wanted not in came_by(self.request) and not cleaned["confirm_server_url"]:
                self.add_error("confirm_server_url", CONFIRM_SERVER_URL)
            try:
                confirm(self.request)
            except NotConfirmed as refused:
                self.add_error("current_password", refused.sentence)
        return cleaned


@method_decorator(sensitive_post_parameters("current_password"), name="changeform_view")
@admin.register(Installation)
class InstallationAdmin(RefusalsBecomeMessages):
    """The one row of the installation, through the same service as Settings → General."""

    form = InstallationForm
    readonly_fields = ("administrator_existed",)

    def get_form(
        self,
        request: HttpRequest,
        obj: Installation | None = None,
        change: bool = False,  # noqa: FBT001, FBT002  (Django's signature)
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Installation | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        Installation.load()
        return HttpResponseRedirect(reverse("admin:accounts_installation_change", args=[1]))

    def save_model(
        self,
        request: HttpRequest,
        obj: Installation,
        form: Any,
        change: bool,  # noqa: FBT001  (Django's signature)
    ) -> None:
        services.set_server_url(
            form.cleaned_data["server_url"],
            actor=person(request),
            fresh=is_fresh(request),
            seen=form.seen().get("server_url"),
        )
        obj.refresh_from_db()
