from __future__ import annotations

import pytest

from accounts.models import Session, User
from accounts.services import end_sessions, store_photo
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another long secret"


def change_password(browser, current=PASSWORD, new=NEW, again=NEW):
    fields = {"current_password": current, "new_password": new, "new_password_again": again}
    return browser.post("/profile/password", fields)


def test_one_changes_ones_own_name_and_nothing_else(carol, signed_in):
    browser = signed_in(carol)

    browser.post(
        "/profile",
        {"first_name": "Caroline", "last_name": "Doe", "email": "x@example.com", "role": "admin"},
    )

    user = User.objects.get(pk=carol.pk)
    assert user.get_full_name() == "Caroline Doe"
    assert (user.email, user.role) == ("carol@example.com", "user")
    assert "Only administrators change your e-mail address" in browser.get("/profile").text


def test_changing_the_password_keeps_this_session_and_ends_the_others(carol, signed_in):
    here, elsewhere = signed_in(carol), signed_in(carol)

    assert change_password(here).status_code == 303

    assert User.objects.get(pk=carol.pk).check_password(NEW)
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302
    assert Session.objects.filter(user=carol).count() == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"current": "wrong"}, "not your current password"),
        ({"again": "something else"}, "differ"),
        ({"new": "short", "again": "short"}, "too short"),
    ],
)
def test_a_password_that_does_not_fit_changes_nothing(carol, signed_in, fields, says):
    answer = change_password(signed_in(carol), **fields)

    assert says in answer.text
    assert NEW not in answer.text
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)


def test_an_account_without_a_password_gets_none_here(make_person, signed_in):
    browser = signed_in(make_person("dave", password=None))

    assert change_password(browser, current="").status_code == 404
    assert 'name="new_password"' not in browser.get("/profile").text
    assert not User.objects.get(username="dave").has_usable_password()


def test_no_password_changes_while_none_is_accepted(carol, signed_in, outside):
    outside.accepted = False
    browser = signed_in(carol)

    change_password(browser)

    assert "Passwords are not accepted" in browser.get("/profile").text
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)


def test_sessions_are_listed_without_their_keys(carol, signed_in):
    here = signed_in(carol)
    signed_in(carol)

    page = here.get("/profile")

    assert [session.is_current for session in page.context["sessions"]] == [True, False]
    for session in Session.objects.all():
        assert session.session_key not in page.text


def test_a_session_elsewhere_ends_and_this_one_goes_on(carol, signed_in):
    here, elsewhere = signed_in(carol), signed_in(carol)
    other = here.get("/profile").context["sessions"][1].reference

    assert here.post(f"/profile/sessions/{other}/end").status_code == 303

    assert elsewhere.get("/profile").status_code == 302
    assert here.get("/profile").status_code == 200
    here.post(f"/profile/sessions/{other}/end")
    assert "had already ended" in here.get("/profile").text


def test_ending_this_session_signs_out(carol, signed_in):
    here = signed_in(carol)
    this = here.get("/profile").context["sessions"][0].reference

    assert here.post(f"/profile/sessions/{this}/end")["Location"] == "/login"
    assert not Session.objects.exists()


def test_all_other_sessions_end_at_once(carol, signed_in):
    here, _one, _two = signed_in(carol), signed_in(carol), signed_in(carol)

    here.post("/profile/sessions/end")

    assert "2 other sessions were ended." in here.get("/profile").text
    assert Session.objects.filter(user=carol).count() == 1


def test_nobody_ends_somebody_elses_session(carol, make_person, signed_in):
    dave = make_person("dave")
    davids = signed_in(dave)
    reference = davids.get("/profile").context["sessions"][0].reference

    signed_in(carol).post(f"/profile/sessions/{reference}/end")

    assert davids.get("/profile").status_code == 200
    assert end_sessions(dave, only_key="another") == 0


def test_a_photo_is_served_to_whoever_is_signed_in(client, carol, make_person, signed_in):
    store_photo(carol, b"\x89PNG bytes", "image/png")
    browser = signed_in(make_person("dave"))

    answer = browser.get(carol.avatar_url)

    assert answer.content == b"\x89PNG bytes"
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].startswith("private")
    again = browser.get(carol.avatar_url, headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get(carol.avatar_url).status_code == 302


def test_no_photo_is_not_found(carol, signed_in):
    browser = signed_in(carol)
    store_photo(carol, None)

    assert browser.get(f"/photos/{carol.pk}").status_code == 404
    assert browser.get("/photos/999999").status_code == 404
