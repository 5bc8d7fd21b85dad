"""An account that ends while its own request is on the way changes nothing, and gets a page."""

from __future__ import annotations

import pytest
from django.http import HttpRequest

from accounts.models import ApiToken, Session, User
from accounts.services import deactivate, delete
from accounts.views import profile, tokens, who

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("end", [deactivate, delete])
@pytest.mark.parametrize("path", ["/profile", "/profile/sessions/end", "/profile/tokens/1/revoke"])
def test_it_is_refused_and_not_an_error(carol, signed_in, monkeypatch, path, end):
    browser = signed_in(carol)

    def then_ended(request: HttpRequest) -> User:
        user = who.person(request)
        end(User.objects.get(pk=user.pk), actor=None)
        return user

    for module in (profile, tokens):
        monkeypatch.setattr(module, "person", then_ended)
    answer = browser.post(path, {"first_name": "Somebody", "last_name": "Else"})

    assert answer.status_code == 403
    assert "Traceback" not in answer.text
    assert not User.objects.filter(first_name="Somebody").exists()
    assert not Session.objects.filter(user=carol.pk).exists()
    assert not ApiToken.objects.exists()
