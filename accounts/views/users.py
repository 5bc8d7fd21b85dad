from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views import View

from accounts import external, policy
from accounts.forms import AccountForm, NewAccountForm
from accounts.models import User
from accounts.paging import page_of
from accounts.policy import AccountRefused
from accounts.roles import Role
from accounts.seen import ChangedMeanwhile
from accounts.services import create_user, edit_account
from accounts.user_filter import UserFilterForm, WayIn
from accounts.views.who import person, see_other

# Each word is looked for in four columns.
WORDS_SEARCHED = 5


@dataclass(frozen=True, slots=True)
class UserRow:
    user: User
    signs_in_with: tuple[str, ...]


class UsersView(PermissionRequiredMixin, View):
    """Settings → Users: everybody who has an account."""

    permission_required = "accounts.can_view_users"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        filter_form = UserFilterForm(request.GET or None)
        page = page_of(_filtered(filter_form), request.GET.get("page"))
        context = {
            "filter_form": filter_form,
            "is_filtered": any(request.GET.get(name) for name in filter_form.fields),
            "page": page,
            "rows": user_rows(list(page)),
        }
        return render(request, "accounts/users.html", context)


def user_rows(users: list[User]) -> list[UserRow]:
    labels = external.current().labels([user.pk for user in users])
    return [UserRow(user, ways_in(user, labels.get(user.pk, ()))) for user in users]


def ways_in(user: User, labels: tuple[str, ...]) -> tuple[str, ...]:
    return (*labels, *(["Password"] if user.has_usable_password() else []))


def _filtered(form: UserFilterForm) -> QuerySet[User]:
    # The order of an index, so that no page of however many accounts is ever sorted.
    users = User.objects.order_by(Lower("username"))
    if not form.is_bound:
        return users
    form.is_valid()
    wanted = form.cleaned_data
    for word in wanted.get("q", "").split()[:WORDS_SEARCHED]:
        users = users.filter(
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    if wanted.get("role"):
        users = users.filter(role=wanted["role"])
    if wanted.get("state"):
        users = users.filter(is_active=wanted["state"] == "active")
    if wanted.get("way"):
        users = users.filter(_WAYS[WayIn(wanted["way"])]())
    return users


def _with_password() -> Q:
    return ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)


_WAYS: Mapping[WayIn, Callable[[], Q]] = {
    WayIn.OUTSIDE: lambda: external.current().has_identity(),
    WayIn.PASSWORD: _with_password,
    WayIn.NONE: lambda: ~external.current().has_identity() & ~_with_password(),
}


class AddUserView(PermissionRequiredMixin, View):
    """Add an account without a password: its owner sets one by a link, or signs in from outside."""

    permission_required = "accounts.can_manage_users"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self._form(request, None))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request, request.POST)
        if not form.is_valid():
            return self._page(request, form)
        entered = form.cleaned_data
        try:
            user = create_user(
                usernames=[entered["username"]],
                email=entered["email"],
                first_name=entered["first_name"],
                last_name=entered["last_name"],
                role=entered["role"],
                actor=person(request),
            )
        except AccountRefused as refusal:
            form.add_error(None, refusal.sentence)
            return self._page(request, form)
        messages.success(
            request,
            f"{user.username} was added as {user.role_label}. Make a password link below, or let "
            f"them sign in through single sign-on.",
        )
        return see_other("accounts:user", user.pk)

    def _form(self, request: HttpRequest, data: Any) -> NewAccountForm:
        roles = policy.grantable_roles(Role(person(request).role))
        return NewAccountForm(data, roles=roles, initial={"role": Role.USER})

    def _page(self, request: HttpRequest, form: NewAccountForm) -> HttpResponse:
        return render(request, "accounts/user_add.html", {"form": form})


class UserView(PermissionRequiredMixin, View):
    """One account: who it is, and what the person looking may change about it."""

    permission_required = "accounts.can_view_users"
    raise_exception = True

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        return user_page(request, user)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        actor = person(request)
        form = account_form(actor, user, request.POST)
        if not form.is_valid():
            return user_page(request, user, form=form)
        try:
            changed = edit_account(user, form.values(), actor=actor, seen=form.seen())
        except AccountRefused as refusal:
            form.add_error(None, refusal.sentence)
            return user_page(request, get_object_or_404(User, pk=pk), form=form)
        except ChangedMeanwhile as both:
            form.refuse_changed(both)
            return user_page(request, get_object_or_404(User, pk=pk), form=form)
        if "role" in changed:
            messages.success(
                request, f"{user.username} is now {user.role_label}. Open sessions were ended."
            )
        if changed - {"role"}:
            messages.success(request, f"The details of {user.username} are saved.")
        return see_other("accounts:user", user.pk)


def account_form(actor: User, user: User, data: Any = None) -> AccountForm:
    actor_role, role = Role(actor.role), Role(user.role)
    refusal = policy.may_change_role(actor_role, role, None, is_self=actor.pk == user.pk)
    locked = refusal.sentence if refusal else external.current().role_managed_reason(user)
    initial = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": role.value,
    }
    return AccountForm(
        data,
        roles=policy.grantable_roles(actor_role),
        present=role,
        role_locked=locked,
        initial=initial,
    )


def user_page(
    request: HttpRequest, user: User, *, form: AccountForm | None = None, link: str = ""
) -> HttpResponse:
    actor = person(request)
    actor_role, role = Role(actor.role), Role(user.role)
    is_self = actor.pk == user.pk
    refusal = policy.may_manage(actor_role, role)
    removal = policy.may_remove(actor_role, role, is_self=is_self)
    context = {
        "person": user,
        "form": form or account_form(actor, user),
        "signs_in_with": user_rows([user])[0].signs_in_with,
        "has_password": user.has_usable_password(),
        "passwords_accepted": external.current().passwords_accepted(request),
        "identities": external.current().identities(user),
        "refused_identities": external.current().refused_identities(user),
        "refusal": refusal.sentence if refusal else "",
        "removal_refusal": removal.sentence if removal else "",
        "link": link,
    }
    return render(request, "accounts/user.html", context)
