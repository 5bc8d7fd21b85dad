from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import SetupForm
from accounts.origins import accepts_host
from accounts.policy import AccountRefused, Refusal
from accounts.services import set_up, setup_open, start_session
from accounts.setup_code import is_setup_code
from accounts.views.general import came_by
from accounts.views.who import see_other

BACKEND = "accounts.backends.PasswordBackend"


@method_decorator([login_not_required, sensitive_post_parameters(), never_cache], name="dispatch")
class SetupView(View):
    """The first-run wizard, behind the code that the server prints at start."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._refused(request) or self._page(
            request,
            SetupForm(
                came_by=came_by(request),
                initial={"server_url": f"{request.scheme}://{request.get_host()}"},
            ),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        refused = self._refused(request)
        if refused is not None:
            return refused
        form = SetupForm(request.POST, came_by=came_by(request))
        if not form.is_valid():
            return self._page(request, form)
        entered = form.cleaned_data
        try:
            user = set_up(
                username=entered["username"],
                email=entered["email"],
                password=entered["new_password"],
                url=entered["server_url"],
            )
        except AccountRefused as refusal:
            # Somebody else was faster.
            raise Http404(refusal.sentence) from refusal
        start_session(request, user, backend=BACKEND)
        if not accepts_host(request.get_host()):
            context = {"server_url": entered["server_url"]}
            return render(request, "accounts/moved.html", context)
        messages.success(request, f"PatchMon is set up. You are signed in as {user.username}.")
        return see_other("home")

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        if not setup_open():
            raise Http404(Refusal.SETUP_CLOSED.sentence)
        if is_setup_code(request.GET.get("code", "")):
            return None
        return render(request, "accounts/setup_locked.html", status=403)

    def _page(self, request: HttpRequest, form: SetupForm) -> HttpResponse:
        query = urlsplit(request.get_full_path()).query
        return render(request, "accounts/setup.html", {"form": form, "query": query})
