from __future__ import annotations

import pytest

from sso.rules.reasons import ProviderError, Reason, SignInRefused, Stage

TRACE = "0a1b2c3d-0000-4000-8000-00000000000a"
CORRELATION = "0a1b2c3d-0000-4000-8000-00000000000b"


def read(**members) -> ProviderError:
    return ProviderError.read(Stage.TOKEN, **members)


def test_entras_token_error_is_read():
    error = read(
        error="invalid_client",
        description="AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x",
        codes=[7000215],
        trace_id=TRACE,
        correlation_id=CORRELATION,
    )
    assert error == ProviderError(
        stage=Stage.TOKEN,
        error="invalid_client",
        description="AADSTS7000215: Invalid client secret provided. Trace ID: x",
        codes=(7000215,),
        trace_id=TRACE,
        correlation_id=CORRELATION,
    )


@pytest.mark.parametrize("separator", ["\r\n", " "])
def test_the_ids_of_a_callback_are_found_in_its_description(separator):
    told = separator.join(
        ["AADSTS900144: x.", f"Trace ID: {TRACE}", f"Correlation ID: {CORRELATION}"]
    )
    error = ProviderError.read(Stage.AUTHORIZE, error="invalid_request", description=told)
    assert (error.codes, error.trace_id, error.correlation_id) == ((900144,), TRACE, CORRELATION)


@pytest.mark.parametrize(
    "value", [None, 5, [], {}, True, "a\nb", "<script>", "A" * 5000, "\ud800", "x\x1b[31m"]
)
def test_case_065_whatever_arrives_comes_out_clean(value):
    error = read(error=value, description=value, codes=value, trace_id=value, correlation_id=value)
    assert error.error == ""
    assert "\n" not in error.description
    assert "\x1b" not in error.description
    assert len(error.description) <= 1000
    assert error.codes == ()
    error.description.encode()
    assert error.correlation_id == error.trace_id


@pytest.mark.parametrize(
    "codes", [["7000215"], [True], [10**30], [-5], [1.5], [None], {"0": 7000215}, 7000215]
)
def test_codes_of_other_shapes_are_left_out(codes):
    assert read(codes=codes).codes == ()


def test_codes_are_few_and_each_comes_once():
    many = [50_000 + number for number in range(500)]
    assert len(read(codes=many).codes) == 10
    assert read(codes=[54005], description="AADSTS70002: AADSTS54005:").codes == (54005, 70002)


def test_a_megabyte_of_description_is_cut():
    assert len(read(description="x" * 1_000_000).description) == 1000


def test_a_refusal_carries_its_reason_and_a_clean_detail():
    refused = SignInRefused(Reason.AUD, detail="for\r\nanother\u202e app" + "x" * 2000)
    assert refused.reason is Reason.AUD
    assert refused.detail.startswith("for another app")
    assert len(refused.detail) <= 1000
    assert refused.provider_error is None


def test_reasons_have_one_code_each_that_fits_a_column():
    assert len({reason.value for reason in Reason}) == len(Reason)
    assert all(len(reason) <= 40 for reason in Reason)


def test_what_kind_of_page_a_reason_gets():
    assert Reason.INACTIVE.is_about_accounts
    assert Reason.NO_ACCOUNT.is_about_accounts
    assert not Reason.SIGNATURE.is_about_accounts
    assert Reason.STATE_USED.is_about_the_round_trip
    assert not Reason.INACTIVE.is_about_the_round_trip
