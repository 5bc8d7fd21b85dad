"""Whatever arrives gives a decision or a refusal, and never another exception (Hypothesis)."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import responses
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from sso.conf import current
from sso.provider import discovery, document, graph, keys, tokens
from sso.provider.deadline import Deadline
from sso.provider.failures import ProviderFailed
from sso.rules.claims import GroupsClaim, GroupsSource, Identity, VerifiedClaims, identity_from
from sso.rules.decision import Create, Matches, Refuse, SignInPolicy, decide
from sso.rules.groups import RoleMapping, group_key
from sso.rules.reasons import SignInRefused
from sso.services.admission import admit
from tests.fakes.provider import CALLBACK, VERIFIER, FakeProvider, Reply, jwk
from tests.people import HOST

REFUSALS = (SignInRefused, ProviderFailed)
USERNAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,30}[a-z0-9_])?")
few = settings(
    max_examples=40,
    deadline=None,
    database=None,
    # The fixtures hold a provider that each example gives something new to say.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "1", "true", "https://sso.example.com/realms/main", "\x00", "\ud800"])
)
any_json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def instead_of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Make some members of a document say anything at all."""
    return st.dictionaries(st.sampled_from(names), any_json, max_size=3)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or the refusal that it raises; anything else fails the test."""
    try:
        return call()
    except REFUSALS as refusal:
        return refusal


@pytest.fixture
def provider() -> Any:
    fake = FakeProvider()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        fake.register(mock)
        yield fake


@pytest.fixture
def metadata(provider: FakeProvider) -> document.Metadata:
    return discovery.ask(provider.issuer, deadline=Deadline(10))


def verify(provider: FakeProvider, metadata: document.Metadata, token: str) -> VerifiedClaims:
    return tokens.verify_id_token(
        token,
        metadata=metadata,
        client_id=provider.client_id,
        nonce=provider.nonce,
        access_token=provider.access_token,
        now=time.time(),
        deadline=Deadline(10),
    )


CLAIMS = [
    *("iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "email", "groups"),
    *("email_verified", "name", "preferred_username", "roles", "hasgroups", "_claim_names", "sid"),
]


@few
@given(changes=instead_of(CLAIMS), whole=st.none() | any_json)
def test_any_signed_claims(provider, metadata, changes, whole):
    said = provider.token_claims() | changes if whole is None else whole
    token = provider.signed(json.dumps(said).encode())
    claims = outcome(lambda: verify(provider, metadata, token))
    if isinstance(claims, REFUSALS):
        assert claims.reason
        return
    assert claims["iss"] == provider.issuer
    assert claims["aud"] in (provider.client_id, [provider.client_id])
    assert claims["nonce"] == provider.nonce
    assert isinstance(identity_from(claims, is_entra=False), Identity)


@few
@given(token=st.text(alphabet="abcXYZ019-_.=+/ ü\n", max_size=60) | st.binary(max_size=40))
def test_any_text_as_a_token(provider, metadata, token):
    text = token if isinstance(token, str) else token.decode("latin-1")
    assert isinstance(outcome(lambda: verify(provider, metadata, text)), SignInRefused)


KEY = ["kty", "kid", "use", "alg", "n", "e", "crv", "x", "y", "k", "key_ops", "x5c", "issuer"]


@few
@given(
    whole=st.none() | any_json,
    keys_said=st.lists(any_json | instead_of(KEY).map(lambda changes: jwk() | changes), max_size=4),
    kid=st.booleans(),
)
def test_any_key_set(provider, metadata, whole, keys_said, kid):
    keys.forget(metadata)
    provider.kid = "rsa" if kid else None
    said = {"keys": keys_said} if whole is None else whole
    provider.on("keys", lambda _honest: Reply.json(said))
    claims = outcome(lambda: verify(provider, metadata, provider.id_token()))
    if not isinstance(claims, REFUSALS):
        # Only by the key that did sign it.
        assert any(key.get("n") == jwk()["n"] for key in keys_said if isinstance(key, dict))


@few
@given(
    whole=st.none() | any_json,
    changes=instead_of([*FakeProvider().document, "msgraph_host", "cloud_instance_name"]),
)
def test_any_discovery_document(provider, whole, changes):
    said = provider.document | changes if whole is None else whole
    provider.on("discovery", lambda _honest: Reply.json(said))
    found = outcome(lambda: discovery.ask(provider.issuer, deadline=Deadline(10)))
    if isinstance(found, REFUSALS):
        assert isinstance(found, ProviderFailed)
        return
    assert found.issuer == provider.issuer
    assert found.token_endpoint.startswith("https://")
    assert set(found.signing_algs) <= set(document.ALGORITHMS)


@few
@given(
    body=any_json.map(lambda said: json.dumps(said).encode())
    | st.binary(max_size=60)
    | instead_of(["token_type", "access_token", "id_token", "scope", "error"]).map(
        lambda changes: json.dumps(
            {"token_type": "Bearer", "access_token": "a", "id_token": "b"} | changes
        ).encode()
    ),
    status=st.sampled_from([200, 200, 200, 204, 400, 401, 403, 404, 429, 500, 599]),
)
def test_any_token_answer(provider, metadata, body, status):
    # A host that answers 500 is left alone after a while; each example is a new one.
    cache.clear()
    provider.on("token", lambda _honest: Reply(status, body))
    answer = outcome(
        lambda: tokens.redeem(
            metadata,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            code=provider.code,
            code_verifier=VERIFIER,
            redirect_uri=CALLBACK,
            deadline=Deadline(10),
        )
    )
    if isinstance(answer, REFUSALS):
        assert provider.client_secret not in f"{answer!r}{answer.detail}"
        return
    assert status == 200
    assert answer.id_token
    assert answer.access_token.isascii()


@few
@given(said=any_json, changes=instead_of(["sub", "email", "groups", "email_verified"]))
def test_any_userinfo(provider, metadata, said, changes):
    for answer in (said, {"sub": provider.subject} | changes):
        provider.on("userinfo", lambda _honest, answer=answer: Reply.json(answer))
        told = outcome(
            lambda: tokens.userinfo(
                metadata, access_token="a", subject=provider.subject, deadline=Deadline(10)
            )
        )
        if isinstance(told, REFUSALS):
            continue
        assert told["sub"] == provider.subject
        claims = VerifiedClaims({"iss": provider.issuer, "sub": provider.subject})
        assert isinstance(identity_from(claims, is_entra=False, userinfo=told), Identity)


@few
@given(said=any_json | st.lists(any_json, max_size=3).map(lambda members: {"value": members}))
def test_any_page_of_groups(provider, said):
    fake = FakeProvider.for_entra()
    fake.on("groups", lambda _honest: Reply.json(said))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        fake.register(mock)
        found = discovery.ask(fake.issuer, deadline=Deadline(10))
        answer = graph.member_groups(found, access_token="a", overage=True, deadline=Deadline(10))
    assert all(isinstance(group, str) for group in answer.groups.values)


names = st.sampled_from(["a", "A ", "b", "c", "", " ", "chiefs", "Chiefs", "chief"])


@few
@given(
    groups=any_json | st.lists(names | any_json, max_size=5),
    rows=st.dictionaries(st.sampled_from(list(Role)), st.lists(names, max_size=3).map(tuple)),
    default=st.sampled_from(list(Role)),
    is_entra=st.booleans(),
)
def test_any_groups_give_no_more_than_a_matching_row(groups, rows, default, is_entra):
    claims = VerifiedClaims({"iss": "https://sso.example.com", "sub": "s", "groups": groups})
    identity = identity_from(claims, is_entra=is_entra)
    policy = SignInPolicy(
        sync_roles=True,
        auto_create_users=True,
        trust_unverified_email=False,
        is_entra=is_entra,
        mapping=RoleMapping(default_role=default, rows=rows),
        first_administrator_open=False,
    )
    decision = decide(identity, policy=policy, matches=Matches(), groups=identity.groups)
    assert isinstance(decision, Create)
    received = {group_key(group) for group in identity.groups.values}
    granted = {
        role for role, row in rows.items() if {group_key(name) for name in row} & received - {""}
    }
    assert decision.role in granted | {default, Role.ADMIN}
    assert decision.role.rank <= max(role.rank for role in granted | {default})


@pytest.mark.django_db
@settings(parent=few, max_examples=15)
@given(
    people=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "email": any_json | st.sampled_from(["bob@a.example", "BOB@b.example"]),
                "preferred_username": any_json | st.text(max_size=40),
                "upn": any_json,
                "name": any_json | st.text(max_size=40),
            },
        ),
        min_size=1,
        max_size=4,
    )
)
def test_usernames_are_valid_and_nobody_elses(people):
    User.objects.all().delete()
    config = current()
    groups = GroupsClaim(values=(), source=GroupsSource.ABSENT)
    admitted = []
    for number, told in enumerate(people):
        claims = VerifiedClaims({"iss": "https://sso.example.com", "sub": f"s{number}"} | told)
        identity = identity_from(claims, is_entra=False)
        admit_them = functools.partial(
            admit, identity, config=config, groups=groups, is_entra=False
        )
        admission = outcome(admit_them)
        if not isinstance(admission, SignInRefused):
            admitted.append(admission.user.username)
    assert all(USERNAME.fullmatch(username) and len(username) <= 32 for username in admitted)
    assert len({username.lower() for username in admitted}) == len(admitted)
    assert User.objects.count() == len(admitted)


@pytest.mark.django_db
@settings(parent=few, max_examples=30)
@given(
    query=st.dictionaries(
        st.sampled_from(["state", "code", "iss", "error", "error_description", "next", "x"]),
        st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=2),
    ),
    cookie=st.text(alphabet="abcXYZ019-_", max_size=50),
)
def test_any_callback_of_a_stranger(query, cookie):
    client = Client(headers={"host": HOST})
    client.cookies["patchmon-browser"] = cookie
    answer = client.get("/api/v1/auth/oidc/callback", query)
    assert (answer.status_code, answer["Location"]) == (302, "/login")
    assert not User.objects.exists()


@few
@given(identity=any_json, is_entra=st.booleans())
def test_any_claims_are_decided_or_refused(identity, is_entra):
    said = VerifiedClaims(identity)
    made = outcome(lambda: identity_from(said, is_entra=is_entra))
    if isinstance(made, SignInRefused):
        return
    policy = SignInPolicy(
        sync_roles=False,
        auto_create_users=False,
        trust_unverified_email=False,
        is_entra=is_entra,
        mapping=RoleMapping(default_role=Role.USER, rows={}),
        first_administrator_open=False,
    )
    assert isinstance(decide(made, policy=policy, matches=Matches(), groups=made.groups), Refuse)
