from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.freshness import NotConfirmed, confirm, is_fresh
from accounts.policy import AccountRefused
from accounts.services import make_token, revoke_token
from accounts.views.profile import profile_page
from accounts.views.token_card import ApiTokenForm, TokenPasswordForm, token_card
from accounts.views.who import PostOnly, person, see_other, wait


@method_decorator([sensitive_post_parameters("current_password"), never_cache], name="dispatch")
class MakeTokenView(View):
    """Make an API token and show it, this once, on the page that answers; it is stored nowhere."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:profile")

    def post(self, request: HttpRequest) -> HttpResponse:
        user = person(request)
        form = ApiTokenForm(request.POST, user=user)
        password_form = TokenPasswordForm(request.POST)
        retry_after = 0
        made = None
        if form.is_valid() and password_form.is_valid():
            try:
                confirm(request)
                made = make_token(user, **form.cleaned_data, actor=user, fresh=is_fresh(request))
            except NotConfirmed as refused:
                password_form.refuse(refused.sentence)
                retry_after = refused.retry_after
            except AccountRefused as refusal:
                form.add_error(None, refusal.sentence)
        card = (
            token_card(request, user, made=made)
            if made
            else token_card(request, user, form=form, password_form=password_form)
        )
        return wait(profile_page(request, tokens=card), retry_after)


class RevokeTokenView(PostOnly):
    leads_to = "accounts:profile"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = person(request)
        if revoke_token(user, pk, actor=user):
            messages.success(request, "The API token is revoked.")
        else:
            messages.info(request, "That API token was gone already.")
        return see_other("accounts:profile")
