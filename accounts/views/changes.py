from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from auditlog import get_logentry_model
from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.views import View

from accounts.changes import Action
from accounts.models import User
from accounts.paging import page_of

# Who did what nobody asked for: a sign-in, the command line, the environment.
SYSTEM = "PatchMon"
# A day that has a next one in every time zone.
A_DAY = (MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(2999, 12, 30)))
ACTIONS = {Action.CREATED: "Added", Action.CHANGED: "Changed", Action.DELETED: "Deleted"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, from what to what; a secret's values are words such as “changed”."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the change log, in the words of the page."""

    at: datetime
    actor: str
    actor_url: str
    action: str
    kind: str
    name: str
    url: str
    fields: tuple[FieldChange, ...]


class ChangeFilterForm(forms.Form):
    """What the list is narrowed to; what cannot be read narrows nothing."""

    actor = forms.CharField(
        label="Who",
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": f"Username or {SYSTEM}"}),
    )
    kind = forms.ChoiceField(label="Kind", required=False)
    name = forms.CharField(
        label="What",
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Such as a username"}),
    )
    since = forms.DateField(
        label="From",
        required=False,
        validators=A_DAY,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label="To",
        required=False,
        validators=A_DAY,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, data: Any, *, kinds: dict[int, str]) -> None:
        super().__init__(data)
        choices = [("", "Everything"), *((str(key), label) for key, label in kinds.items())]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]


class ChangesView(PermissionRequiredMixin, View):
    """Settings → Changes: who changed what, when, from what to what."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        kinds = _kinds()
        form = ChangeFilterForm(request.GET, kinds=kinds)
        page = page_of(_matching(form), request.GET.get("page"))
        context = {
            "filter_form": form,
            "is_filtered": any(request.GET.get(name) for name in form.fields),
            "page": page,
            "changes": _changes(list(page), kinds),
        }
        return render(request, "accounts/changes.html", context)


def _kinds() -> dict[int, str]:
    """Name the kinds of things of which a change is recorded."""
    recorded = get_logentry_model().objects.order_by().values("content_type")
    types = ContentType.objects.filter(pk__in=recorded)
    return dict(
        sorted(((kind.pk, capfirst(kind.name)) for kind in types), key=lambda kind: kind[1])
    )


def _matching(form: ChangeFilterForm) -> QuerySet[Any]:
    entries: QuerySet[Any] = (
        get_logentry_model()
        .objects.select_related("actor")
        .defer("serialized_data", "changes_text")
        .order_by("-timestamp", "-pk")
    )
    form.is_valid()
    wanted = form.cleaned_data
    if actor := wanted.get("actor"):
        by = Q(actor__username__iexact=actor) | Q(additional_data__actor__iexact=actor)
        if actor.lower() == SYSTEM.lower():
            by |= Q(actor=None) & (Q(additional_data=None) | Q(additional_data__actor=""))
        entries = entries.filter(by)
    if wanted.get("kind"):
        entries = entries.filter(content_type_id=wanted["kind"])
    if wanted.get("name"):
        entries = entries.filter(object_repr__icontains=wanted["name"])
    if wanted.get("since"):
        entries = entries.filter(timestamp__gte=_midnight(wanted["since"]))
    if wanted.get("until"):
        entries = entries.filter(timestamp__lt=_midnight(wanted["until"]) + timedelta(days=1))
    return entries


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _changes(entries: list[Any], kinds: dict[int, str]) -> list[Change]:
    models = ContentType.objects.get_for_id
    users = ContentType.objects.get_for_model(User).pk
    accounts = {entry.object_id for entry in entries if entry.content_type_id == users}
    # A deleted account has no page any more.
    living = set(User.objects.filter(pk__in=accounts).values_list("pk", flat=True))
    return [
        Change(
            at=entry.timestamp,
            actor=_actor(entry),
            actor_url=_account_url(entry.actor_id) if entry.actor_id else "",
            action=ACTIONS.get(entry.action, ""),
            kind=kinds.get(entry.content_type_id, ""),
            name=entry.object_repr,
            url=_account_url(entry.object_id)
            if entry.content_type_id == users and entry.object_id in living
            else "",
            fields=tuple(
                FieldChange(_field_name(models(entry.content_type_id), name), *map(str, pair))
                for name, pair in (entry.changes or {}).items()
            ),
        )
        for entry in entries
    ]


def _actor(entry: Any) -> str:
    if entry.actor is not None:
        return str(entry.actor.username)
    name = (entry.additional_data or {}).get("actor")
    return f"{name} (deleted)" if name else SYSTEM


def _account_url(key: int) -> str:
    return reverse("accounts:user", args=[key])


def _field_name(kind: ContentType, name: str) -> str:
    """Say a field as the pages do; what is no field is recorded in words already."""
    model = kind.model_class()
    words = name.replace("_", " ")
    if model is not None:
        with suppress(FieldDoesNotExist):
            words = str(getattr(model._meta.get_field(name), "verbose_name", words))  # noqa: SLF001
    return capfirst(words)
