"""That the command line opened local sign-in, beside the sign-ins and never among them."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from sso.models import SignInAttempt
from sso.services.activity import kept_superadmin, recent_activity, refused_since
from sso.services.linking import candidates
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

LIST = "/settings/sign-ins"


@pytest.fixture
def opened(administrator) -> SignInAttempt:
    call_command("sso", "allow-local-login", "--minutes", "30", stdout=io.StringIO())
    return SignInAttempt.objects.get()


def references(page) -> list[str]:
    return [row.reference for row in page.context["page"].object_list]


def test_it_is_in_the_list_and_can_be_filtered_for(opened, admin_client):
    page = admin_client.get(LIST)
    assert references(page) == [opened.reference]
    assert "Local sign-in opened" in page.text
    assert "The command line" in page.text
    assert "Unknown" not in page.text

    assert references(admin_client.get(LIST, {"outcome": "local_opened"})) == [opened.reference]
    for outcome in ("signed_in", "linked", "refused", "tested"):
        assert references(admin_client.get(LIST, {"outcome": outcome})) == []
    assert references(admin_client.get(LIST, {"search": opened.reference})) == [opened.reference]


def test_its_page_says_until_when_and_how_to_end_it(opened, admin_client):
    page = reads(admin_client.get(reverse("sso:sign-in", args=[opened.reference])))

    assert re.search(
        r"Until \d{4}-\d\d-\d\d \d\d:\d\d UTC, by the command sso allow-local-login", page
    )
    assert "sso allow-local-login --minutes 0" in page
    for nothing in ("Groups received", "Person", "Somebody unknown", "waiting for the provider"):
        assert nothing not in page


def test_file_and_interface_have_it_too(opened, admin_client):
    answer = admin_client.get(f"{LIST}/export", {"outcome": "local_opened"})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert (row["outcome"], row["detail"]) == ("local_opened", opened.detail)

    (told,) = admin_client.get(reverse("sso:api-sign-ins")).json()["results"]
    assert (told["outcome"], told["detail"]) == ("local_opened", opened.detail)


def test_it_is_neither_sign_in_nor_refusal(opened, admin_client, client, settings):
    settings.METRICS_TOKEN = "the-right-one"
    now = timezone.now()

    activity = recent_activity(now)
    assert (activity.signed_in, activity.refused, activity.reasons) == (0, 0, ())
    assert refused_since(now - timedelta(days=1)) == 0
    assert kept_superadmin() is None
    home = admin_client.get("/")
    assert list(home.context["recent_attempts"]) == []
    counted = client.get("/metrics", headers={"authorization": "Bearer the-right-one"}).text
    assert "local_opened" not in counted
    assert re.findall(r"patchmon_sign_ins_total\{.*\} [^0]", counted) == []


def test_there_is_nobody_to_link(opened, admin_client):
    assert not opened.can_be_linked
    assert candidates(linker=Role.SUPERADMIN) == []
    assert admin_client.get(reverse("sso:link", args=[opened.reference])).status_code == 404
    assert "Link this identity" not in admin_client.get(f"{LIST}/{opened.reference}").text


def test_only_who_may_read_sign_ins_reads_it(opened, connected, sign_in):
    browser: Client = sign_in("alice")

    assert browser.get(f"{LIST}/{opened.reference}").status_code == 403
