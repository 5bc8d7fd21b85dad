"""Signed out at the provider: the page that Entra loads in a hidden frame."""

from __future__ import annotations

import re
from typing import Final

import structlog
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt

from accounts.models import Session
from sso.provider import store

log = structlog.stdlib.get_logger(__name__)

SESSION_ID: Final = re.compile(r"[!-~]{8,255}", re.ASCII)
# Nobody guesses a session ID of the provider; this only bounds the queries of somebody who tries.
CALLS_A_MINUTE: Final = 120


@method_decorator(
    [
        login_not_required,
        never_cache,
        xframe_options_exempt,
        csp_replace({"frame-ancestors": ["*"]}),
    ],
    name="dispatch",
)
class FrontChannelSignOutView(View):
    """End the sessions whose sign-in carried this ``sid`` (entra-facts §7).

    The frame is on another site, so no cookie comes along, and Entra sends no ``iss``: the
    session ID alone says which sessions end. The answer is always the same.
    """

    http_method_names = ("get",)

    def get(self, request: HttpRequest) -> HttpResponse:
        session_id = request.GET.get("sid", "")
        address = request.META.get("REMOTE_ADDR", "")
        if (
            SESSION_ID.fullmatch(session_id)
            and store.count(store.key("frontchannel", address), 60) <= CALLS_A_MINUTE
        ):
            ended = Session.objects.filter(provider_session_id=session_id).delete()[0]
            if ended:
                log.info("oidc signed out at the provider", _event="sso.frontchannel", ended=ended)
        return HttpResponse("", content_type="text/plain")
