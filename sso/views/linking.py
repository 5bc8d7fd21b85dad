"""Link a refused identity to an account, and unlink one: what administrators decide by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts import policy
from accounts.models import User
from accounts.policy import AccountRefused
from accounts.roles import Role
from accounts.views.who import PostOnly, SeeOther, person, see_other
from sso import conf
from sso.conf import provider_label
from sso.models import LinkedIdentity, SignInAttempt
from sso.services.identities import disconnect
from sso.services.linking import (
    INACTIVE,
    TAKEN,
    accounts_with_address,
    candidates,
    groups_hindrance,
    holder_of,
    link,
    link_several,
)

LINKERS = ("accounts.can_manage_settings", "accounts.can_manage_users")


class ChooseAccountForm(forms.Form):
    """Whose identity it is."""

    account = forms.CharField(
        label="Username",
        max_length=150,
        help_text="The account in PatchMon that this person uses.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def clean_account(self) -> User:
        try:
            return User.objects.get_by_natural_key(self.cleaned_data["account"].strip())
        except User.DoesNotExist:
            raise ValidationError(
                "No account has this username. Look it up under Settings → Users."
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The account beside the identity, with what speaks against tying them."""

    user: User
    identities: list[LinkedIdentity]
    refusal: str


@method_decorator(never_cache, name="dispatch")
class LinkView(PermissionRequiredMixin, View):
    """Ask whose identity it is, show both side by side, and link on a press."""

    permission_required = LINKERS
    raise_exception = True

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        attempt = _attempt(reference)
        suggestions = accounts_with_address(attempt)
        form = ChooseAccountForm(request.GET if "account" in request.GET else None)
        if form.is_bound:
            user = form.cleaned_data["account"] if form.is_valid() else None
        else:
            user = suggestions[0] if len(suggestions) == 1 else None
            form.initial["account"] = user.username if user else ""
        return self._page(request, attempt, form=form, user=user, suggestions=suggestions)

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        attempt = _attempt(reference)
        key = request.POST.get("account", "")
        user = get_object_or_404(User, pk=_key(key))
        try:
            linked = link(attempt, user, actor=person(request))
        except AccountRefused as refused:
            messages.error(request, refused.sentence)
            return SeeOther(_page_of(attempt, user))
        named = linked.email or linked.object_id or linked.subject
        messages.success(
            request,
            f"{user.username} can sign in with {provider_label(linked.issuer, linked.tenant_id)} "
            f"as {named} from now on.",
        )
        return see_other("accounts:user", user.pk)

    def _page(
        self,
        request: HttpRequest,
        attempt: SignInAttempt,
        *,
        form: ChooseAccountForm,
        user: User | None,
        suggestions: list[User],
    ) -> HttpResponse:
        held = holder_of(attempt)
        context: dict[str, Any] = {
            "attempt": attempt,
            "label": provider_label(attempt.issuer, attempt.tenant_id),
            "held": held,
            "form": form,
            "suggestions": suggestions if len(suggestions) > 1 else (),
            "chosen": _chosen(attempt, user, actor=person(request), held=held) if user else None,
        }
        return render(request, "sso/link.html", context)


def _attempt(reference: str) -> SignInAttempt:
    attempt = get_object_or_404(SignInAttempt, reference=reference.upper())
    if not attempt.can_be_linked:
        raise Http404
    return attempt


def _page_of(attempt: SignInAttempt, user: User) -> str:
    address = reverse("sso:link", args=[attempt.reference])
    return f"{address}?{urlencode({'account': user.username})}"


def _chosen(
    attempt: SignInAttempt, user: User, *, actor: User, held: LinkedIdentity | None
) -> Chosen:
    refusal = policy.may_manage(Role(actor.role), Role(user.role))
    sentence = refusal.sentence if refusal else ""
    if not sentence and not user.is_active:
        sentence = INACTIVE
    if not sentence and held is not None and held.user_id != user.pk:
        sentence = TAKEN
    if not sentence and held is None:
        sentence = groups_hindrance(attempt, user, linker=Role(actor.role), config=conf.current())
    same = user.linked_identities.filter(issuer=attempt.issuer).order_by("pk")
    return Chosen(user=user, identities=list(same), refusal=sentence)


@method_decorator(never_cache, name="dispatch")
class LinkSeveralView(PermissionRequiredMixin, View):
    """List everybody who was refused with an account's address, and link those who are ticked."""

    permission_required = LINKERS
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        listed = candidates(linker=Role(person(request).role))
        context = {
            "candidates": listed,
            "any_free": any(not candidate.hindrance for candidate in listed),
        }
        return render(request, "sso/link_several.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = _pairs(request.POST.getlist("link"))
        if not chosen:
            messages.error(request, "Tick at least one line. Nothing was linked.")
            return see_other("sso:link-several")
        try:
            linked = link_several(chosen, actor=person(request))
        except AccountRefused as refused:
            messages.error(request, refused.sentence)
        else:
            word = "account can" if linked == 1 else "accounts can"
            messages.success(
                request, f"{linked} {word} sign in through single sign-on from now on."
            )
        return see_other("sso:link-several")


def _pairs(values: list[str]) -> dict[str, int]:
    """Read what was ticked: each reference with the account that stood beside it."""
    pairs = {}
    for value in values:
        reference, _, key = value.partition(":")
        if _key(key):
            pairs[reference] = _key(key)
    return pairs


def _key(text: str) -> int:
    """Read the key of a row; 0, which no row has, for anything else."""
    fits = text.isascii() and text.isdigit() and len(text) < len(str(2**63))
    return int(text) if fits else 0


class UnlinkView(PermissionRequiredMixin, PostOnly):
    """Take an identity from somebody's account; its sessions end."""

    permission_required = "accounts.can_manage_users"
    raise_exception = True
    leads_to = "accounts:user"
    taking = ("pk",)

    def post(self, request: HttpRequest, pk: int, identity: int) -> HttpResponse:
        actor = person(request)
        user = get_object_or_404(User, pk=pk)
        linked = user.linked_identities.filter(pk=identity).first()
        if linked is None:
            messages.info(request, "That identity had already been unlinked.")
            return see_other("accounts:user", pk)
        keep = request.session.session_key if actor.pk == pk else None
        try:
            disconnect(linked, actor=actor, keep_session=keep)
        except AccountRefused as refused:
            messages.error(request, refused.sentence)
        else:
            ended = "your other sessions" if actor.pk == pk else "all sessions of the account"
            messages.success(
                request, f"The identity is unlinked from {user.username}; {ended} ended."
            )
        return see_other("accounts:user", pk)
