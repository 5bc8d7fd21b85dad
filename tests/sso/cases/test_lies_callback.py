"""Callbacks that no honest browser brings (rp-cases 4.3, cases 55 to 72)."""

from __future__ import annotations

import pytest

from sso.models import UsedRoundTrip
from sso.rules.reasons import Reason
from tests.sso.cases.lies import Lie, Oddity, assert_caught, told

pytestmark = pytest.mark.django_db

NASTY = "<script>alert(1)</script>\r\nX: y\x1b[31m\u202e"


def query(rows: str, title: str, reason: Reason | None, **changes) -> Lie:
    """Change the parameters of the way back; None takes one out."""

    def change(honest):
        changed = honest | changes
        return {name: value for name, value in changed.items() if value is not None}

    return Lie(rows, title, reason, callback=change, redeems=False)


def promised(provider) -> None:
    provider.document["authorization_response_iss_parameter_supported"] = True


LIES = [
    query(
        "56 fapi-ensure-authorization-response-with-invalid-missing-state-fails D47",
        "no state",
        None,
        state=None,
    ),
    query("56", "an empty state", None, state=[""]),
    query(
        "56 fapi-ensure-authorization-response-with-invalid-state-fails",
        "an unknown state",
        None,
        state=["a" * 43],
    ),
    query("56", "NUL in the state", None, state=["a\0b"]),
    query("56", "a state beyond ASCII", None, state=["ä"]),
    query("56", "100 KB of state", None, state=["a" * 100_000]),
    Lie(
        "62 D45",
        "two states",
        None,
        callback=lambda q: q | {"state": q["state"] * 2},
        redeems=False,
    ),
    Lie(
        "62 D45",
        "a second code",
        Reason.DUPLICATE_PARAM,
        callback=lambda q: q | {"code": [*q["code"], "other"]},
        redeems=False,
    ),
    query("62", "two issuers", Reason.DUPLICATE_PARAM, iss=["a", "b"]),
    query("62", "two errors", Reason.DUPLICATE_PARAM, error=["a", "b"], code=None),
    query("62 D45", "session_state twice", Reason.DUPLICATE_PARAM, session_state=["a", "b"]),
    query("62 D45", "twice what nobody knows", Reason.DUPLICATE_PARAM, **{NASTY: ["a", "a"]}),
    query("62", "two empty names", Reason.DUPLICATE_PARAM, **{"": ["", ""]}),
    query("63", "a code and an error", Reason.PROVIDER_ERROR, error=["server_error"]),
    query(
        "65 D37",
        "an error with a script",
        Reason.PROVIDER_ERROR,
        error=[NASTY],
        error_description=[NASTY],
        error_uri=[NASTY],
        code=None,
    ),
    query(
        "65 146",
        "an error as long as any may be",
        Reason.PROVIDER_ERROR,
        error=["access_denied"],
        error_description=["AADSTS50105 " + NASTY * 200],
        code=None,
    ),
    query(
        "65 146",
        "an error of 100 KB",
        Reason.CALLBACK_FORMAT,
        error=["access_denied"],
        error_description=["AADSTS50105 " + NASTY * 3_000],
        code=None,
    ),
    query("65", "an error_uri of 100 KB", Reason.CALLBACK_FORMAT, error_uri=["a" * 100_000]),
    query("65", "10 KB of what nobody knows", Reason.CALLBACK_FORMAT, odd=["a" * 10_000]),
    query("65", "a name of 10 KB", Reason.CALLBACK_FORMAT, **{"a" * 10_000: ["b"]}),
    query(
        "65",
        "a hundred parameters of 400 characters",
        Reason.CALLBACK_FORMAT,
        **{f"odd{number}": ["a" * 400] for number in range(100)},
    ),
    query(
        "65 oidcc-client-test-form-post-error",
        "the provider's own error",
        Reason.PROVIDER_ERROR,
        error=["temporarily_unavailable"],
        code=None,
    ),
    query(
        "66 D46 fapi-invalid-authorization-response-iss",
        "iss of another server",
        Reason.ISS_PARAM,
        iss=["https://evil.example"],
    ),
    query("66", "an empty iss", Reason.ISS_PARAM, iss=[""]),
    Lie(
        "66 D46 fapi-remove-authorization-response-iss",
        "no iss, though it was promised",
        Reason.ISS_PARAM,
        setup=promised,
        callback=lambda q: {"code": q["code"], "state": q["state"]},
        redeems=False,
    ),
    Lie(
        "66 62",
        "our iss, and another",
        Reason.DUPLICATE_PARAM,
        callback=lambda q: q | {"iss": ["https://sso.example.com/realms/main", "x"]},
        redeems=False,
    ),
    query("68", "100 KB of code", Reason.CALLBACK_FORMAT, code=["c" * 100_000]),
    query("68", "NUL in the code", Reason.CALLBACK_FORMAT, code=["a\0b"]),
    query("68", "a line break in the code", Reason.CALLBACK_FORMAT, code=["a\r\nb"]),
    query("68", "a code beyond ASCII", Reason.CALLBACK_FORMAT, code=["ä"]),
    query("68", "no code", Reason.CALLBACK_FORMAT, code=None),
    query("68", "an empty code", Reason.CALLBACK_FORMAT, code=[""]),
]


@pytest.mark.parametrize("lie", told(LIES))
def test_a_callback_that_is_no_answer_signs_nobody_in(tell, lie):
    browser = tell(lie)
    assert_caught(browser, lie)
    # Used up, whatever comes next.
    assert UsedRoundTrip.objects.count() == int(lie.reason is not None)
    for place in (browser.page, browser.log.text, str(browser.answer.cookies)):
        assert "<script>alert" not in place


@pytest.mark.case(62, 68)
def test_what_providers_send_besides_is_let_pass(tell):
    """Keycloak adds session_state and Entra client_info; a code may be long."""
    more = {"session_state": ["s" * 100], "client_info": ["c" * 2_000], "odd": [""]}
    browser = tell(Oddity("62 68", "", callback=lambda honest: honest | more))
    assert browser.username == "alice"


@pytest.mark.case(66)
def test_the_promised_issuer_is_accepted(tell):
    browser = tell(Oddity("66", "", setup=promised))
    assert browser.username == "alice"
