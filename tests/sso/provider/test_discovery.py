from __future__ import annotations

import threading
import time

import pytest
import time_machine

from sso.provider import asking, discovery
from sso.provider.deadline import Deadline
from sso.provider.discovery import IssuerDiffers
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import Reason
from tests.fakes.provider import TENANT, FakeProvider, Reply, damaged

MICROSOFT = "https://login.microsoftonline.com"


def ask(provider: FakeProvider, **rest) -> discovery.Metadata:
    return discovery.ask(provider.issuer, deadline=Deadline(5), **rest)


def held(provider: FakeProvider, max_age: float = 3600, **rest) -> discovery.Metadata:
    return discovery.metadata(provider.issuer, max_age=max_age, deadline=Deadline(5), **rest)


def refused(provider: FakeProvider, **rest) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        ask(provider, **rest)
    return caught.value


def test_an_ordinary_provider(provider):
    found = ask(provider)
    assert found.token_endpoint == "https://sso.example.com/realms/main/token"
    assert found.token_auth_methods == ("client_secret_post", "client_secret_basic")
    assert found.signing_algs == ("RS256",)
    assert not found.is_entra
    assert not found.is_loopback
    assert not found.iss_parameter_supported
    assert found.graph_root == found.tenant_id == ""


def test_entra(entra):
    found = ask(entra)
    assert found.is_entra
    assert found.tenant_id == TENANT
    assert found.graph_root == "https://graph.microsoft.com"


def test_a_simulated_tenant_on_loopback_is_entra():
    with FakeProvider.serving(entra=True) as provider:
        found = ask(provider)
    assert found.is_entra
    assert found.is_loopback
    assert found.graph_root == provider.graph_root


def test_a_document_that_only_says_it_is_microsofts_is_not_entra(provider):
    provider.document |= {"cloud_instance_name": "x", "msgraph_host": "graph.microsoft.com"}
    found = ask(provider)
    assert not found.is_entra
    assert found.graph_root == ""


@pytest.mark.parametrize(
    "host", ["evil.example", "graph.microsoft.com.evil.example", "127.0.0.1:8400", "a/b", 7, None]
)
def test_graph_is_at_no_other_host(entra, host):
    entra.document["msgraph_host"] = host
    assert ask(entra).graph_root == ""


@pytest.mark.parametrize(
    "named",
    [
        "https://sso.example.com/realms/main/",
        "https://sso.example.com/realms/Main",
        "https://sso.example.com/realms/mainINVALID",
        "https://sso.example.com/realms",
    ],
)
def test_case_92_another_issuer_is_named_with_both_values(provider, named):
    provider.document["issuer"] = named
    failure = refused(provider)
    assert isinstance(failure, IssuerDiffers)
    assert failure.found == named
    assert named in failure.detail
    assert provider.issuer in failure.detail


@pytest.mark.parametrize(
    "named", [None, "", 7, ["x"], "javascript:alert(1)", "http://plain.example"]
)
def test_case_92_an_issuer_that_cannot_be_one_is_not_offered(provider, named):
    provider.document["issuer"] = named
    failure = refused(provider)
    assert not isinstance(failure, IssuerDiffers)
    assert failure.reason in {Reason.DISCOVERY, Reason.ISSUER_MISMATCH}


def test_the_final_slash_belongs_to_the_issuer(wire):
    provider = FakeProvider("https://auth.example.com/application/o/patchmon/")
    provider.register(wire)
    assert ask(provider).issuer == "https://auth.example.com/application/o/patchmon/"
    assert provider.seen[0].url == (
        "https://auth.example.com/application/o/patchmon/.well-known/openid-configuration"
    )


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", "Common"])
def test_case_35_issuers_of_several_tenants_are_refused_without_asking(wire, tenant):
    provider = FakeProvider(f"{MICROSOFT}/{tenant}/v2.0", entra=True)
    provider.register(wire)
    assert refused(provider).reason is Reason.SEVERAL_TENANTS
    assert provider.total == 0


@pytest.mark.parametrize(
    "named",
    [f"{MICROSOFT}/{{tenantid}}/v2.0", f"{MICROSOFT}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"],
)
def test_case_35_a_document_of_several_tenants_is_refused(entra, named):
    entra.document["issuer"] = named
    failure = refused(entra)
    assert failure.reason is Reason.SEVERAL_TENANTS
    assert not isinstance(failure, IssuerDiffers)


@pytest.mark.parametrize(
    "endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
@pytest.mark.parametrize(
    "url",
    [
        "http://sso.example.com/x",
        "http://127.0.0.1/x",
        "file:///etc/passwd",
        "gopher://sso.example.com/",
        "javascript:alert(1)",
        "https://me@sso.example.com/",
        "https://sso.example.com/#x",
        "https:///x",
        7,
    ],
)
def test_case_93_endpoints_that_may_not_be_called(provider, endpoint, url):
    provider.document[endpoint] = url
    assert refused(provider).reason is Reason.PROVIDER_ADDRESS
    # Not even with Enforce HTTPS off: the issuer is https.
    assert refused(provider, allow_http=True).reason is Reason.PROVIDER_ADDRESS


def test_http_is_for_loopback_or_where_it_is_allowed(wire):
    provider = FakeProvider("http://keycloak.internal:8080/realms/main")
    provider.register(wire)
    assert refused(provider).reason is Reason.PROVIDER_ADDRESS
    assert provider.total == 0
    assert ask(provider, allow_http=True).token_endpoint.startswith("http://keycloak.internal")
    with pytest.raises(ProviderFailed):
        held(provider)
    assert held(provider, allow_http=True).issuer == provider.issuer
    assert provider.total == 1


def test_a_loopback_issuer_may_not_name_plain_endpoints_elsewhere():
    with FakeProvider.serving() as provider:
        provider.document["token_endpoint"] = "http://sso.example.com/token"
        assert refused(provider).reason is Reason.PROVIDER_ADDRESS


def test_case_96_endpoints_on_another_public_host_are_fine(provider):
    provider.document["userinfo_endpoint"] = "https://graph.microsoft.com/oidc/userinfo"
    assert ask(provider).userinfo_endpoint == "https://graph.microsoft.com/oidc/userinfo"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"jwks_uri": None}, Reason.DISCOVERY),
        ({"token_endpoint": None}, Reason.DISCOVERY),
        ({"authorization_endpoint": None}, Reason.DISCOVERY),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, Reason.ALG),
        ({"id_token_signing_alg_values_supported": []}, Reason.ALG),
        ({"id_token_signing_alg_values_supported": "RS256"}, Reason.ALG),
    ],
)
def test_case_98_a_document_without_what_is_needed(provider, changes, reason):
    provider.on("discovery", damaged(**changes))
    assert refused(provider).reason is reason


def test_case_6_algorithms_are_what_both_sides_accept(provider):
    provider.document["id_token_signing_alg_values_supported"] = ["none", "HS256", "ES384", "EdDSA"]
    assert ask(provider).signing_algs == ("ES384", "EdDSA")
    del provider.document["id_token_signing_alg_values_supported"]
    assert ask(provider).signing_algs == ("RS256",)


def test_rs256_is_pinned_for_entra(entra):
    entra.document["id_token_signing_alg_values_supported"] = ["RS256", "PS256"]
    assert ask(entra).signing_algs == ("RS256",)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>", {"Content-Type": "text/html"}),
        Reply(200, b"{}", {"Content-Type": "text/html"}),
        Reply(200, b"[]", {"Content-Type": "application/json"}),
        Reply(200, b"null"),
        Reply(200, b""),
        Reply(204),
        Reply(404, b"no"),
        Reply(200, b'{"issuer": 1, "issuer": 2}'),
        Reply(200, b"[" * 100_000),
    ],
    ids=range(9),
)
def test_answers_that_are_no_document(provider, reply):
    provider.reply("discovery", reply)
    assert refused(provider).reason is Reason.DISCOVERY


def test_entra_tells_of_an_unknown_tenant(entra):
    entra.reply(
        "discovery",
        Reply.json(
            {
                "error": "invalid_tenant",
                "error_description": "AADSTS90002: Tenant 'x' not found.\r\nTrace ID: y",
                "error_codes": [90002],
                "trace_id": "8f6c1f0e-9f0a-4c3c-8d9e-111111111111",
                "correlation_id": "8f6c1f0e-9f0a-4c3c-8d9e-222222222222",
            },
            400,
        ),
    )
    error = refused(entra).provider_error
    assert error is not None
    assert error.stage == "discovery"
    assert error.codes == (90002,)
    assert error.trace_id.endswith("1111")
    assert "\n" not in error.description


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "provider_status"), (429, "provider_throttled")]
)
def test_an_outage_is_told_apart(provider, status, reason):
    provider.reply("discovery", Reply(status))
    assert refused(provider).reason == reason


# What is kept


def test_one_request_serves_an_hour(provider):
    began = time.time()
    assert held(provider) == held(provider)
    with time_machine.travel(began + 3500, tick=False):
        held(provider)
    assert provider.total == 1
    with time_machine.travel(began + 3700, tick=False):
        assert held(provider).fetched_at > began + 3600
    assert provider.total == 2


def test_the_last_good_document_serves_for_a_day(provider):
    began = time.time()
    first = held(provider)
    provider.reply("discovery", Reply(503))
    with time_machine.travel(began + 4000, tick=False):
        assert held(provider) == first
        # What came of asking holds for everyone: nobody asks again right away.
        assert held(provider) == first
        assert provider.total == 2
    with time_machine.travel(began + 90_000, tick=False), pytest.raises(ProviderFailed):
        held(provider)


def test_readiness_sees_how_old_the_answer_is(provider):
    began = time.time()
    held(provider)
    provider.reply("discovery", Reply(503))
    with time_machine.travel(began + 70, tick=False):
        assert time.time() - held(provider, max_age=60).fetched_at > 60
        provider.on("discovery", lambda honest: honest)
    # Asked at most once a minute, also when nothing came of it.
    with time_machine.travel(began + 129, tick=False):
        assert time.time() - held(provider, max_age=60).fetched_at > 60
        assert provider.total == 2
    with time_machine.travel(began + 131, tick=False):
        assert time.time() - held(provider, max_age=60).fetched_at < 1


def test_a_first_crowd_asks_once(provider):
    release = threading.Event()

    def slow(honest: Reply) -> Reply:
        release.wait(2)
        return honest

    provider.on("discovery", slow)
    found: list[discovery.Metadata] = []
    crowd = [threading.Thread(target=lambda: found.append(held(provider))) for _ in range(6)]
    for thread in crowd:
        thread.start()
    time.sleep(0.1)
    release.set()
    for thread in crowd:
        thread.join()
    assert len(found) == 6
    assert provider.total == 1


def test_a_first_crowd_asks_once_for_what_cannot_be_had(provider):
    def slow(_honest: Reply) -> Reply:
        time.sleep(0.2)
        return Reply(404)

    provider.on("discovery", slow)
    reasons: list[Reason] = []

    def sign_in() -> None:
        with pytest.raises(ProviderFailed) as caught:
            held(provider)
        reasons.append(caught.value.reason)

    crowd = [threading.Thread(target=sign_in) for _ in range(6)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert reasons == [Reason.DISCOVERY] * 6
    assert provider.total == 1


def test_whoever_finds_another_asking_asks_as_soon_as_nothing_came_of_it(provider):
    key = discovery._key(provider.issuer)
    assert asking.may_ask(key, Deadline(5))
    # As when a pause of the host ends a request before it is made.
    threading.Timer(0.1, asking.done, [key]).start()

    began = time.monotonic()
    found = discovery.ask_for_all(
        provider.issuer, deadline=Deadline(5), allow_http=False, before=None
    )

    assert found.failure is None
    assert time.monotonic() - began < 2
    assert provider.total == 1


def test_whoever_comes_just_after_an_answer_takes_it(provider):
    began = time.time()
    with time_machine.travel(began - 100, tick=False):
        held(provider)
    before = discovery.outcome(provider.issuer, allow_http=False)
    ask(provider)

    found = discovery.ask_for_all(
        provider.issuer, deadline=Deadline(5), allow_http=False, before=before
    )

    assert found.at >= began
    assert provider.total == 2


def test_what_is_kept_of_a_failure_says_as_much_as_the_failure(entra):
    error = {"error": "invalid_tenant", "error_codes": [90002], "error_description": "No."}
    entra.reply("discovery", Reply.json(error, 400))
    told = []
    for _ in range(2):
        with pytest.raises(ProviderFailed) as caught:
            held(entra)
        told.append((str(caught.value), caught.value.provider_error))
    assert told[0] == told[1]
    error_told = told[0][1]
    assert error_told is not None
    assert error_told.codes == (90002,)
    assert entra.total == 1


def test_another_issuer_is_still_named_when_it_is_told_again(provider):
    provider.document["issuer"] = "https://sso.example.com/realms/other"
    for _ in range(2):
        with pytest.raises(IssuerDiffers) as caught:
            held(provider)
        assert caught.value.found == "https://sso.example.com/realms/other"
    assert provider.total == 1


def test_what_only_an_impatient_caller_missed_is_not_kept():
    def slow(honest: Reply) -> Reply:
        time.sleep(0.3)
        return honest

    with FakeProvider.serving() as provider:
        provider.on("discovery", slow)
        with pytest.raises(ProviderFailed) as caught:
            discovery.metadata(provider.issuer, max_age=60, deadline=Deadline(0.1))
        assert caught.value.reason is Reason.PROVIDER_TIMEOUT
        assert held(provider).issuer == provider.issuer
    assert provider.asked["discovery"] == 2


def test_what_is_forgotten_is_asked_for_again(provider):
    held(provider)
    discovery.forget(provider.issuer)
    held(provider)
    assert provider.total == 2


def test_a_cache_that_is_down_costs_each_process_a_request(provider, outage):
    held(provider)
    outage.breaks()
    for _ in range(3):
        held(provider)
    assert provider.total == 2
