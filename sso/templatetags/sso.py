"""What other apps' pages show of single sign-on, so that they need not import it."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.template.context import RequestContext
from django.urls import reverse

from accounts.freshness import Way, way_to_confirm
from accounts.models import User
from accounts.views.fresh import fresh_sign_in
from sso import conf
from sso.conf import Config, provider_label
from sso.forms import ConnectForm
from sso.readiness import Cause, lately, local_sign_in_open, readiness
from sso.services.undo import last_change

register = template.Library()

NOT_READY = frozenset(Cause) - {Cause.READY, Cause.OFF}


def config_of(request: HttpRequest) -> Config:
    """Read the configuration once for a request, however many tags ask for it."""
    return conf.for_request(request)


@register.inclusion_tag("sso/sign_in.html", takes_context=True)
def sso_sign_in(context: RequestContext, target: str = "") -> dict[str, Any]:
    """Show the button when SSO is ready; enabled but not ready, say so in its place."""
    config = config_of(context["request"])
    address = reverse("sso:login")
    if target and target != "/":
        address += "?" + urlencode({"next": target})
    return {
        "enabled": config.enabled,
        "ready": readiness(config).ready,
        "button_text": config.button_text,
        "login_url": address,
    }


@register.simple_tag(takes_context=True)
def passwords_accepted(context: RequestContext) -> bool:
    """Say whether a password is worth asking for just now."""
    return local_sign_in_open(config_of(context["request"]))


@register.inclusion_tag("sso/connected_accounts.html", takes_context=True)
def connected_accounts(context: RequestContext) -> dict[str, Any]:
    """Show which accounts at the provider are tied to the person's own."""
    request = context["request"]
    config = config_of(request)
    user: User = request.user
    linked = list(user.linked_identities.order_by("pk"))
    ready = readiness(config).ready
    way = way_to_confirm(user, request)
    label = provider_label(config.issuer, linked[0].tenant_id if linked else "")
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "identities": [
            {
                "id": identity.pk,
                "label": provider_label(identity.issuer, identity.tenant_id),
                "email": identity.email,
                "issuer": identity.issuer,
                "last_sign_in": identity.last_sign_in,
            }
            for identity in linked
        ],
        "can_connect": ready and not any(row.issuer == config.issuer for row in linked),
        "connect_url": reverse("sso:connect"),
        "provider_label": label if label == "Microsoft" else "",
        "form": ConnectForm(auto_id="id_connect_%s") if way is Way.PASSWORD else None,
        "fresh": None if way is Way.PASSWORD else fresh_sign_in(request),
        "reason": "" if ready else "Nothing can be connected while single sign-on is not ready.",
    }


@register.inclusion_tag("sso/notice.html", takes_context=True)
def sso_notice(context: RequestContext) -> dict[str, Any]:
    """Tell whoever may mend it on every page that SSO is enabled and broken."""
    return {"notice": _notice(context["request"])}


@register.inclusion_tag("sso/admin_notice.html", takes_context=True)
def sso_admin_notice(context: RequestContext) -> dict[str, Any]:
    """Tell the same in the Django admin, with what its own style sheet knows."""
    return {"notice": _notice(context["request"])}


def _notice(request: HttpRequest) -> dict[str, str] | None:
    """Return what to tell; it costs no query while somebody asked within the last minute."""
    user = getattr(request, "user", None)
    path = reverse("sso:settings")
    # Whom it is not for, and the page that says it itself, ask nothing.
    if (
        not isinstance(user, User)
        or not user.has_perm("accounts.can_manage_settings")
        or request.path == path
    ):
        return None
    state = lately(partial(config_of, request))
    if state.cause not in NOT_READY:
        return None
    return {
        "kind": "red",
        "heading": "Single sign-on is not ready. Passwords are accepted meanwhile.",
        "text": state.explanation,
        "action_url": path,
        "action_label": "Open OIDC / SSO",
    }


@register.inclusion_tag("sso/undo_card.html", takes_context=True)
def undo_last_change(context: RequestContext) -> dict[str, Any]:
    """Offer to take the last change of the settings back, unless the environment rules."""
    config = config_of(context["request"])
    return {
        "change": None if config.from_environment else last_change(),
        "csrf_token": context.get("csrf_token"),
    }
