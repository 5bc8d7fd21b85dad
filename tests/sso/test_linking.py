"""Link an identity from a recorded attempt, and unlink one (sign-in.md, Who it is, 3 and 4)."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import change_role, create_user, deactivate
from sso.models import LinkedIdentity, SignInAttempt
from sso.readiness import administrator_came_through_sso
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

SEVERAL = "/settings/sign-ins/link"


def make(
    username: str, email: str, role: Role = Role.USER, password: str | None = PASSWORD
) -> User:
    return create_user(
        usernames=[username],
        email=email,
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=password,
    )


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


def who(browser: Client) -> str:
    answer = browser.get("/api/v1/auth/profile")
    return answer.json()["username"] if answer.status_code == 200 else ""


def refused(sign_in, person: str) -> SignInAttempt:
    """Sign in as somebody whom PatchMon does not let in."""
    assert who(sign_in(person)) == ""
    attempt = SignInAttempt.objects.all()[0]
    assert attempt.outcome == "refused"
    return attempt


def page_of(attempt: SignInAttempt) -> str:
    return f"/settings/sign-ins/{attempt.reference}/link"


@pytest.fixture
def local(administrator) -> User:
    """A local account with alice's address at the provider."""
    return make("local", "alice@contoso.com")


@pytest.fixture
def admin(administrator) -> User:
    return make("adam-local", "", Role.ADMIN)


# One


def test_an_administrator_links_a_refused_sign_in_and_the_person_is_in(
    connected, local, sign_in, admin_client, administrator
):
    attempt = refused(sign_in, "alice")
    theirs = browser_of(local)
    assert page_of(attempt) in admin_client.get(f"/settings/sign-ins/{attempt.reference}").text
    assert page_of(attempt) in admin_client.get("/settings/sign-ins").text

    page = reads(admin_client.get(page_of(attempt)))
    for shown in (attempt.object_id, attempt.tenant_id, "alice@contoso.com", "Link to local"):
        assert shown in page
    assert LinkedIdentity.objects.count() == 0
    answer = admin_client.post(page_of(attempt), {"account": local.pk}, follow=True)

    assert "local can sign in with Microsoft as alice@contoso.com" in reads(answer)
    linked = LinkedIdentity.objects.get()
    assert (linked.user, linked.subject, linked.object_id, linked.last_sign_in, linked.groups) == (
        local,
        attempt.subject,
        attempt.object_id,
        None,
        [],
    )
    entry = LogEntry.objects.order_by("-pk")[0]
    assert entry.changes == {
        "identity": ["", "Microsoft: alice@contoso.com"],
        "from sign-in": ["", attempt.reference],
    }
    assert (entry.actor, entry.object_repr) == (administrator, "local")
    # An administrator's decision takes nothing away, unlike a link by e-mail.
    assert User.objects.get(pk=local.pk).check_password(PASSWORD)
    assert who(theirs) == "local"
    assert who(sign_in("alice")) == "local"
    assert LinkedIdentity.objects.get().last_sign_in is not None
    assert User.objects.count() == 2


def test_a_second_press_links_nothing_more(connected, local, sign_in, admin_client):
    attempt = refused(sign_in, "alice")

    for _ in range(2):
        answer = admin_client.post(page_of(attempt), {"account": local.pk})
        assert answer["Location"] == f"/settings/users/{local.pk}"

    assert LinkedIdentity.objects.count() == 1
    assert LogEntry.objects.filter(changes__has_key="identity").count() == 1


def test_a_linked_administrator_has_not_come_through_sso_before_signing_in(
    connected, administrator, sign_in, admin_client
):
    User.objects.filter(pk=administrator.pk).update(
        email="alice@contoso.com", email_key="alice@contoso.com"
    )
    attempt = refused(sign_in, "alice")
    assert attempt.reason == "email_of_administrator"

    admin_client.post(page_of(attempt), {"account": administrator.pk})

    assert LinkedIdentity.objects.get().user == administrator
    assert not administrator_came_through_sso(connected.issuer)
    assert who(sign_in("alice")) == "boss"
    assert administrator_came_through_sso(connected.issuer)


def test_somebody_without_an_account_is_linked_to_one_that_is_chosen(
    administrator, sim, sign_in, admin_client
):
    connect(sim, auto_create_users=False)
    attempt = refused(sign_in, "alice")
    assert attempt.reason == "no_account"
    other = make("carol", "carol@example.org")

    first = reads(admin_client.get(page_of(attempt)))
    chosen = reads(admin_client.get(page_of(attempt), {"account": "CAROL"}))
    nobody = reads(admin_client.get(page_of(attempt), {"account": "nobody"}))
    admin_client.post(page_of(attempt), {"account": other.pk})

    assert "Link to" not in first
    assert "Link to carol" in chosen
    assert "No account has this username" in nobody
    assert who(sign_in("alice")) == "carol"


def test_of_several_accounts_with_the_address_one_is_chosen(
    connected, local, sign_in, admin_client
):
    make("local2", "Alice@Contoso.com")
    attempt = refused(sign_in, "alice")
    assert attempt.reason == "email_ambiguous"

    page = admin_client.get(page_of(attempt))

    assert "Link to" not in reads(page)
    assert "?account=local2" in page.text
    assert "Link to local2" in reads(admin_client.get(page_of(attempt), {"account": "local2"}))


def test_a_denied_address_suggests_nobody(connected, local, sign_in, admin_client):
    connected.tenant.app.claims.overrides = {"email_verified": False}
    attempt = refused(sign_in, "alice")
    assert (attempt.reason, attempt.email_verified) == ("email_denied", False)

    page = reads(admin_client.get(page_of(attempt)))

    assert "The provider says that the e-mail address is not confirmed" in page
    assert "Link to" not in page
    assert "Link an identity" not in reads(admin_client.get(f"/settings/users/{local.pk}"))


def test_a_guest_is_linked_by_itself_and_said_to_be_one(connected, sign_in, admin_client):
    guest = connected.tenant.people["bob"]
    theirs = make("bob-local", guest.mail)
    attempt = refused(sign_in, "bob")
    assert attempt.is_guest is True
    assert "#EXT#" in attempt.upn

    assert "A guest of the tenant" in reads(admin_client.get(page_of(attempt)))
    admin_client.post(page_of(attempt), {"account": theirs.pk})

    assert who(sign_in("bob")) == "bob-local"


def test_an_identity_of_somebody_else_is_not_linked_a_second_time(
    connected, local, sign_in, admin_client
):
    attempt = refused(sign_in, "alice")
    other = make("carol", "carol@example.org")
    admin_client.post(page_of(attempt), {"account": other.pk})

    page = reads(admin_client.get(page_of(attempt), {"account": "local"}))
    answer = admin_client.post(page_of(attempt), {"account": local.pk}, follow=True)

    assert "This identity is linked to another account" in page
    assert "Link to local" not in page
    assert "This identity is linked to another account" in reads(answer)
    assert LinkedIdentity.objects.get().user == other


def test_an_inactive_account_is_left_alone(connected, local, sign_in, admin_client):
    attempt = refused(sign_in, "alice")
    deactivate(local, actor=None)

    answer = admin_client.post(page_of(attempt), {"account": local.pk}, follow=True)

    assert "This account is inactive" in reads(answer)
    assert LinkedIdentity.objects.count() == 0


def test_an_attempt_at_another_issuer_is_not_linked(connected, local, sign_in, admin_client):
    attempt = refused(sign_in, "alice")
    SignInAttempt.objects.update(issuer="https://earlier.example")

    answer = admin_client.post(page_of(attempt), {"account": local.pk}, follow=True)

    assert "another issuer" in reads(answer)
    assert LinkedIdentity.objects.count() == 0


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("nonce", "refused"), ("identity_taken", "refused"), ("inactive", "refused"), ("", "linked")],
)
def test_only_a_refusal_over_an_account_can_be_linked(
    connected, local, sign_in, admin_client, reason, outcome
):
    attempt = refused(sign_in, "alice")
    SignInAttempt.objects.update(reason=reason, outcome=outcome)

    assert "Link this identity" not in reads(
        admin_client.get(f"/settings/sign-ins/{attempt.reference}")
    )
    assert admin_client.get(page_of(attempt)).status_code == 404
    assert admin_client.post(page_of(attempt), {"account": local.pk}).status_code == 404
    assert LinkedIdentity.objects.count() == 0


def test_an_admin_links_nobody_of_higher_rank(connected, admin, administrator, sign_in):
    """Else an admin could make the superadmin's account sign in as somebody of their choice."""
    User.objects.filter(pk=administrator.pk).update(
        email="alice@contoso.com", email_key="alice@contoso.com"
    )
    attempt = refused(sign_in, "alice")
    browser = browser_of(admin)

    page = reads(browser.get(page_of(attempt)))
    answer = browser.post(page_of(attempt), {"account": administrator.pk}, follow=True)

    assert "higher role than yours" in page
    assert "Link to boss" not in page
    assert "higher role than yours" in reads(answer)
    assert LinkedIdentity.objects.count() == 0


def test_an_admin_links_somebody_of_the_same_rank(connected, admin, sign_in):
    peer = make("peer", "alice@contoso.com", Role.ADMIN)
    attempt = refused(sign_in, "alice")
    assert attempt.reason == "email_of_administrator"

    browser_of(admin).post(page_of(attempt), {"account": peer.pk})

    assert LinkedIdentity.objects.get().user == peer


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER, None])
def test_nobody_below_admin_links_anything(connected, local, sign_in, client, role):
    attempt = refused(sign_in, "alice")
    browser = browser_of(make("someone", "", role)) if role else client
    pair = f"{attempt.reference}:{local.pk}"

    answers = [
        browser.get(page_of(attempt)),
        browser.post(page_of(attempt), {"account": local.pk}),
        browser.get(SEVERAL),
        browser.post(SEVERAL, {"link": pair}),
    ]

    assert {answer.status_code for answer in answers} == {403 if role else 302}
    assert LinkedIdentity.objects.count() == 0


@pytest.mark.parametrize("key", ["", "x", "0", "99999999999999999999999", "²"])
def test_an_account_that_is_none_is_not_found(connected, local, sign_in, admin_client, key):
    attempt = refused(sign_in, "alice")

    assert admin_client.post(page_of(attempt), {"account": key}).status_code == 404
    assert LinkedIdentity.objects.count() == 0


# Several


def pairs(page) -> list[str]:
    return [
        f"{candidate.attempt.reference}:{candidate.account.pk}"
        for candidate in page.context["candidates"]
        if not candidate.hindrance
    ]


def test_several_ordinary_people_are_linked_at_once(connected, local, sign_in, admin_client):
    ravi = make("ravi-local", connected.tenant.people["ravi"].mail, Role.READONLY)
    for person in ("alice", "ravi", "alice"):
        refused(sign_in, person)
    page = admin_client.get(SEVERAL)
    assert len(pairs(page)) == 2
    for linked in ("alice", "ravi"):
        assert connected.tenant.people[linked].oid in page.text

    answer = admin_client.post(SEVERAL, {"link": pairs(page)}, follow=True)

    assert "2 accounts can sign in" in reads(answer)
    assert pairs(answer) == []
    assert set(LinkedIdentity.objects.values_list("user", flat=True)) == {local.pk, ravi.pk}
    assert LogEntry.objects.filter(changes__has_key="identity").count() == 2
    assert who(sign_in("alice")) == "local"
    assert who(sign_in("ravi")) == "ravi-local"


def test_only_what_is_ticked_is_linked(connected, local, sign_in, admin_client):
    make("ravi-local", connected.tenant.people["ravi"].mail)
    refused(sign_in, "alice")
    refused(sign_in, "ravi")
    [first, _] = pairs(admin_client.get(SEVERAL))

    admin_client.post(SEVERAL, {"link": first})
    nothing = admin_client.post(SEVERAL, {"link": "nonsense"}, follow=True)

    assert LinkedIdentity.objects.count() == 1
    assert "Tick at least one line" in reads(nothing)


def _administrator(sim) -> tuple[str, str]:
    make("local", "alice@contoso.com", Role.ADMIN)
    return "alice", "An administrator's account"


def _guest(sim) -> tuple[str, str]:
    make("local", sim.tenant.people["bob"].mail)
    return "bob", "A guest of the tenant"


def _denied(sim) -> tuple[str, str]:
    make("local", "alice@contoso.com")
    sim.tenant.app.claims.overrides = {"email_verified": False}
    return "alice", "not confirmed"


def _two_accounts(sim) -> tuple[str, str]:
    make("local", "alice@contoso.com")
    make("local2", "alice@contoso.com")
    return "alice", "Several accounts have this address"


def _linked_already(sim) -> tuple[str, str]:
    user = make("local", "alice@contoso.com")
    LinkedIdentity.objects.create(
        user=user, issuer=sim.issuer, subject="another", last_sign_in=timezone.now()
    )
    return "alice", "another identity already"


@pytest.mark.parametrize("case", [_administrator, _guest, _denied, _two_accounts, _linked_already])
def test_whoever_needs_a_closer_look_is_not_linked_with_others(
    connected, sign_in, admin_client, case
):
    person, why = case(connected)
    attempt = refused(sign_in, person)
    before = LinkedIdentity.objects.count()
    page = admin_client.get(SEVERAL)
    assert why in reads(page)
    assert pairs(page) == []

    user = User.objects.get(username="local")
    answer = admin_client.post(SEVERAL, {"link": f"{attempt.reference}:{user.pk}"}, follow=True)

    assert "nothing was linked" in reads(answer)
    assert LinkedIdentity.objects.count() == before


def test_two_people_with_one_address_are_neither_linked_with_others(
    connected, local, sign_in, admin_client
):
    connected.tenant.people["ravi"].mail = "alice@contoso.com"
    refused(sign_in, "alice")
    refused(sign_in, "ravi")

    page = admin_client.get(SEVERAL)

    assert pairs(page) == []
    assert "Several people came with this address" in reads(page)


def test_one_that_no_longer_fits_stops_all_of_them(connected, local, sign_in, admin_client):
    ravi = make("ravi-local", connected.tenant.people["ravi"].mail)
    refused(sign_in, "alice")
    refused(sign_in, "ravi")
    seen = pairs(admin_client.get(SEVERAL))
    change_role(ravi, Role.ADMIN, actor=None)

    answer = admin_client.post(SEVERAL, {"link": seen}, follow=True)

    assert "no longer fits" in reads(answer)
    assert LinkedIdentity.objects.count() == 0
    assert not LogEntry.objects.filter(changes__has_key="identity").exists()


def test_a_pair_that_was_never_listed_is_refused(connected, local, sign_in, admin_client):
    attempt = refused(sign_in, "alice")
    other = make("carol", "carol@example.org")

    admin_client.post(SEVERAL, {"link": f"{attempt.reference}:{other.pk}"})

    assert LinkedIdentity.objects.count() == 0


def test_the_list_costs_the_same_however_many_wait(
    connected, admin_client, django_assert_max_num_queries
):
    for number in range(30):
        make(f"user{number}", f"user{number}@contoso.com", password=None)
        SignInAttempt.objects.create(
            reference=f"REF{number}",
            outcome="refused",
            reason="email_unverified",
            issuer=connected.issuer,
            subject=f"subject{number}",
            object_id=f"object{number}",
            tenant_id="tenant",
            email=f"User{number}@contoso.com",
            is_guest=False,
        )

    with django_assert_max_num_queries(14):
        page = admin_client.get(SEVERAL)

    assert len(pairs(page)) == 30


# The page of the account, and unlinking


def test_the_account_shows_who_it_is_and_who_was_refused(connected, local, sign_in, admin_client):
    attempt = refused(sign_in, "alice")
    page = admin_client.get(f"/settings/users/{local.pk}")
    assert f"{page_of(attempt)}?account=local" in page.text

    admin_client.post(page_of(attempt), {"account": local.pk})

    page = admin_client.get(f"/settings/users/{local.pk}")
    assert page_of(attempt) not in page.text
    shown = reads(page)
    assert connected.issuer in shown
    assert attempt.object_id in shown
    assert "Last sign-in: not yet" in shown


def test_unlinking_ends_every_session_of_the_account(connected, local, sign_in, admin_client):
    admin_client.post(page_of(refused(sign_in, "alice")), {"account": local.pk})
    theirs, through_sso = browser_of(local), sign_in("alice")
    linked = LinkedIdentity.objects.get()
    url = f"/settings/users/{local.pk}/identities/{linked.pk}/unlink"
    assert url in admin_client.get(f"/settings/users/{local.pk}").text

    answer = admin_client.post(url, follow=True)
    again = admin_client.post(url, follow=True)

    assert "The identity is unlinked from local" in reads(answer)
    assert "already been unlinked" in reads(again)
    assert LinkedIdentity.objects.count() == 0
    assert (who(theirs), who(through_sso)) == ("", "")
    assert not Session.objects.filter(user=local).exists()
    changes = LogEntry.objects.filter(changes__has_key="identity").order_by("-pk")
    assert changes[0].changes == {"identity": ["Microsoft: alice@contoso.com", ""]}
    assert changes.count() == 2
    refused(sign_in, "alice")


def test_the_only_way_in_is_not_unlinked(connected, sign_in, admin_client):
    browser = sign_in("alice")
    linked = LinkedIdentity.objects.get()

    answer = admin_client.post(
        f"/settings/users/{linked.user_id}/identities/{linked.pk}/unlink", follow=True
    )

    assert "only way this account signs in" in reads(answer)
    assert LinkedIdentity.objects.count() == 1
    assert who(browser) == "alice"


def test_the_last_superadmin_keeps_the_way_in(db, sim, sign_in):
    connect(sim)
    browser = sign_in("ravi")
    linked = LinkedIdentity.objects.get()
    assert linked.user.role == Role.SUPERADMIN

    browser.post(f"/settings/users/{linked.user_id}/identities/{linked.pk}/unlink")
    browser.post(f"/profile/identities/{linked.pk}/disconnect")
    browser.post(f"/admin/sso/linkedidentity/{linked.pk}/delete/", {"post": "yes"})

    assert LinkedIdentity.objects.get() == linked
    assert who(browser) == "ravi"


def test_unlinking_ones_own_keeps_this_session(connected, administrator, sign_in, admin_client):
    User.objects.filter(pk=administrator.pk).update(
        email="alice@contoso.com", email_key="alice@contoso.com"
    )
    admin_client.post(page_of(refused(sign_in, "alice")), {"account": administrator.pk})
    elsewhere = browser_of(administrator)
    linked = LinkedIdentity.objects.get()

    admin_client.post(f"/settings/users/{administrator.pk}/identities/{linked.pk}/unlink")

    assert LinkedIdentity.objects.count() == 0
    assert (who(admin_client), who(elsewhere)) == ("boss", "")


def test_an_admin_unlinks_nobody_of_higher_rank(connected, admin, administrator, sign_in):
    linked = LinkedIdentity.objects.create(
        user=administrator, issuer=connected.issuer, subject="boss"
    )
    browser = browser_of(admin)
    page = f"/settings/users/{administrator.pk}"

    answer = browser.post(f"{page}/identities/{linked.pk}/unlink", follow=True)

    assert "higher role than yours" in reads(answer)
    assert "/unlink" not in browser.get(page).text
    assert LinkedIdentity.objects.get() == linked


def test_an_identity_is_unlinked_only_from_its_own_account(connected, local, sign_in, admin):
    other = make("carol", "carol@example.org")
    linked = LinkedIdentity.objects.create(user=local, issuer=connected.issuer, subject="s")

    browser_of(admin).post(f"/settings/users/{other.pk}/identities/{linked.pk}/unlink")

    assert LinkedIdentity.objects.get() == linked


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER, None])
def test_nobody_below_admin_unlinks_anything(connected, local, client, role):
    linked = LinkedIdentity.objects.create(user=local, issuer=connected.issuer, subject="s")
    browser = browser_of(make("someone", "", role)) if role else client

    answer = browser.post(f"/settings/users/{local.pk}/identities/{linked.pk}/unlink")

    assert answer.status_code == (403 if role else 302)
    assert LinkedIdentity.objects.count() == 1


# The list of users


def test_users_are_narrowed_to_how_they_sign_in(connected, local, sign_in, admin_client):
    sign_in("ravi")
    make("nothing", "", password=None)

    def names(way: str) -> list[str]:
        page = admin_client.get("/settings/users", {"way": way})
        return [row.user.username for row in page.context["rows"]]

    assert names("outside") == ["ravi"]
    assert names("password") == ["boss", "local"]
    assert names("none") == ["nothing"]
    assert names("nonsense") == ["boss", "local", "nothing", "ravi"]
