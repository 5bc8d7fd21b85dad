"""What accounts asks of single sign-on, without knowing of it (accounts.external)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.external import ExternalIdentity, RefusedIdentity
from accounts.models import User
from sso import conf
from sso.conf import Config, provider_label
from sso.models import LinkedIdentity
from sso.readiness import local_sign_in_open, readiness
from sso.services.linking import refused_of
from sso.services.sign_out import end_session_url, provider_left


def _config(request: HttpRequest | None) -> Config:
    return conf.current() if request is None else conf.for_request(request)


class SingleSignOn:
    """Answer for the provider: who signs in through it, and what that means for accounts."""

    def labels(self, user_ids: Iterable[int]) -> Mapping[int, tuple[str, ...]]:
        labels: dict[int, tuple[str, ...]] = {}
        rows = LinkedIdentity.objects.filter(user_id__in=list(user_ids)).order_by("pk")
        for user_id, issuer, tenant_id in rows.values_list("user_id", "issuer", "tenant_id"):
            label = provider_label(issuer, tenant_id)
            known = labels.get(user_id, ())
            labels[user_id] = known if label in known else (*known, label)
        return labels

    def role_managed_reason(self, user: User) -> str:
        config = conf.current()
        if not (config.enabled and config.sync_roles):
            return ""
        linked = user.linked_identities.filter(issuer=config.issuer).first()
        if linked is None:
            return ""
        label = provider_label(linked.issuer, linked.tenant_id)
        return (
            f"The role follows the groups at {label} at every sign-in. Change the groups there, "
            "or switch off Sync roles from IdP under Settings → OIDC / SSO."
        )

    def passwords_accepted(self, request: HttpRequest | None = None) -> bool:
        return local_sign_in_open(_config(request))

    def after_sign_out(self, request: HttpRequest, user: User) -> HttpResponse | None:
        label = provider_left(request.session)
        if not label or request.POST.get("single") != "1":
            return None
        url = end_session_url(request.session)
        if not url:
            messages.warning(
                request,
                f"{label} could not be asked to sign you out. On a shared computer, sign out "
                "there too.",
            )
            return None
        context = {
            "url": url,
            "heading": "Signed out of PatchMon",
            "text": f"You are taken to {label} to sign out there too.",
        }
        return render(request, "sso/post_redirect.html", context)

    def confirm_url(self, user: User, request: HttpRequest | None = None) -> str:
        config = _config(request)
        linked = user.linked_identities.filter(issuer=config.issuer).exists()
        return reverse("sso:confirm") if linked and readiness(config).ready else ""

    def has_identity(self) -> Q:
        return Q(Exists(LinkedIdentity.objects.filter(user=OuterRef("pk"))))

    def identities(self, user: User) -> Sequence[ExternalIdentity]:
        return [
            ExternalIdentity(
                id=linked.pk,
                label=provider_label(linked.issuer, linked.tenant_id),
                email=linked.email,
                issuer=linked.issuer,
                object_id=linked.object_id or linked.subject,
                linked_at=linked.linked_at,
                last_sign_in=linked.last_sign_in,
                unlink_url=reverse("sso:unlink", args=[user.pk, linked.pk]),
            )
            for linked in user.linked_identities.order_by("pk")
        ]

    def refused_identities(self, user: User) -> Sequence[RefusedIdentity]:
        choice = urlencode({"account": user.username})
        return [
            RefusedIdentity(
                at=attempt.at,
                email=attempt.email,
                upn=attempt.upn,
                object_id=attempt.object_id or attempt.subject,
                link_url=f"{reverse('sso:link', args=[attempt.reference])}?{choice}",
            )
            for attempt in refused_of(user)
        ]
