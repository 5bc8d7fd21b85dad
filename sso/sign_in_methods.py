"""What accounts asks of single sign-on, without knowing of it (accounts.external)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.http import HttpRequest, HttpResponse

from accounts.models import User
from sso import conf
from sso.conf import provider_label
from sso.models import LinkedIdentity
from sso.readiness import local_sign_in_open


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

    def passwords_accepted(self) -> bool:
        return local_sign_in_open()

    def after_sign_out(self, request: HttpRequest, user: User) -> HttpResponse | None:
        return None
