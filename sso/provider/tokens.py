"""An authorization code becomes verified claims; nothing else makes them.

verification.md, ID token, Client authentication, Userinfo.
"""

from __future__ import annotations

import base64
import http
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import jwt
from jwt import PyJWS, PyJWTError

from sso.provider import id_token, jose, keys
from sso.provider.answers import Answer
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.rules.claims import VerifiedClaims
from sso.rules.reasons import Reason, SignInRefused, Stage

_BEARER_TOKEN = re.compile(r"[!-~]{1,65536}")
_CLIENT_REFUSALS = frozenset({"invalid_client", "unauthorized_client"})
_OUTAGES = frozenset({"server_error", "temporarily_unavailable"})
_SCOPE_LIMIT = 4096

_jws = PyJWS()


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    #: As granted; empty where the provider does not say.
    scopes: frozenset[str]

    @property
    def may_read_graph(self) -> bool:
        """Tell whether User.Read was granted, however its name is written (entra-facts §6)."""
        return any(scope.rpartition("/")[2].lower() == "user.read" for scope in self.scopes)


def redeem(
    metadata: Metadata,
    *,
    client_id: str,
    client_secret: str,
    code: str,
    code_verifier: str,
    redirect_uri: str,
    deadline: Deadline,
) -> TokenAnswer:
    """Exchange the code for tokens, once: this request is never repeated.

    Raises `ProviderFailed`; its reason is `CLIENT_REFUSED` when the client ID or the secret was
    not accepted.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    answer = post_as_client(
        metadata, form, client_id=client_id, client_secret=client_secret, deadline=deadline
    )
    if answer.status != http.HTTPStatus.OK:
        raise _refusal(answer)
    told = answer.json(Reason.TOKEN_ANSWER)
    if "error" in told:
        raise _refusal(answer)
    return _tokens(told)


def post_as_client(
    metadata: Metadata,
    form: dict[str, str],
    *,
    client_id: str,
    client_secret: str,
    deadline: Deadline,
    probing: bool = False,
) -> Answer:
    """Make a request to the token endpoint, authenticated by exactly one method.

    `probing` as for `fetch`.
    """
    headers = {}
    if _uses_post(metadata):
        form = form | {"client_id": client_id, "client_secret": client_secret}
    else:
        # RFC 6749 §2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return fetch(
        "POST",
        metadata.token_endpoint,
        deadline=deadline,
        data=form,
        headers=headers,
        retry=False,
        loopback=metadata.is_loopback,
        probing=probing,
    )


def _uses_post(metadata: Metadata) -> bool:
    methods = metadata.token_auth_methods
    if methods is None:
        # A missing list means Basic (OpenID Connect Discovery 3).
        return False
    # One that names neither was not written for secrets at all: a body is what most servers read.
    return "client_secret_post" in methods or "client_secret_basic" not in methods


def _refusal(answer: Answer) -> ProviderFailed:
    failure = answer.failure(Reason.TOKEN_REFUSED, Stage.TOKEN, "The token endpoint")
    error = failure.provider_error.error if failure.provider_error else ""
    if error in _CLIENT_REFUSALS:
        failure.reason = Reason.CLIENT_REFUSED
    elif error == "invalid_grant":
        failure.reason = Reason.GRANT_REFUSED
    elif error in _OUTAGES:
        failure.reason = Reason.PROVIDER_STATUS
    return failure


def _tokens(told: dict[str, Any]) -> TokenAnswer:
    kind = told.get("token_type")
    access_token = told.get("access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ProviderFailed(Reason.TOKEN_TYPE, "The access token is no bearer token.")
    if not isinstance(access_token, str) or not _BEARER_TOKEN.fullmatch(access_token):
        raise ProviderFailed(Reason.TOKEN_TYPE, "There is no usable access token.")
    token = told.get("id_token")
    if not isinstance(token, str) or not token:
        raise ProviderFailed(Reason.TOKEN_FORMAT, "There is no ID token: is openid in the scopes?")
    scope = told.get("scope")
    scopes = scope[:_SCOPE_LIMIT].split() if isinstance(scope, str) else ()
    return TokenAnswer(id_token=token, access_token=access_token, scopes=frozenset(scopes))


def verify_id_token(
    token: str,
    *,
    metadata: Metadata,
    client_id: str,
    nonce: str,
    access_token: str,
    now: float,
    deadline: Deadline,
) -> VerifiedClaims:
    """Return the claims of a token that passes every check, or refuse the sign-in."""
    unverified = jose.take_apart(token, algorithms=metadata.signing_algs)
    claims = jose.parse_payload(_verified_payload(unverified, metadata, deadline))
    id_token.check(
        claims,
        id_token.Expected(
            metadata=metadata,
            client_id=client_id,
            nonce=nonce,
            access_token=access_token,
            alg=unverified.alg,
            now=now,
        ),
    )
    return VerifiedClaims(claims)


def _verified_payload(token: jose.UnverifiedToken, metadata: Metadata, deadline: Deadline) -> bytes:
    """Return the payload that one of the provider's keys signed.

    A key that is not there, or without a `kid` none that fits, is worth one look at whether the
    provider has new ones.
    """
    key_set = keys.held_or_fetched(metadata, deadline=deadline)
    candidates = keys.fitting(key_set, metadata, alg=token.alg, kid=token.kid)
    payload = _payload(token, candidates)
    if payload is None and (token.kid is None or not candidates):
        newer = keys.refetched(metadata, key_set, deadline=deadline)
        if newer is not None:
            candidates = keys.fitting(newer, metadata, alg=token.alg, kid=token.kid)
            payload = _payload(token, candidates)
    if payload is not None:
        return payload
    if token.kid is None or not candidates:
        raise SignInRefused(Reason.KEY, detail="no published key fits the token")
    raise SignInRefused(Reason.SIGNATURE, detail="the signature is not by the published key")


def _payload(token: jose.UnverifiedToken, candidates: list[jwt.PyJWK]) -> bytes | None:
    for key in candidates:
        try:
            decoded = _jws.decode_complete(
                token.text,
                key=key,
                # One, fixed beforehand by discovery and our list; the key carries the same.
                algorithms=[token.alg],
                options={"verify_signature": True, "enforce_minimum_key_length": True},
            )
        except PyJWTError:
            continue
        payload: bytes = decoded["payload"]
        return payload
    return None


def userinfo(
    metadata: Metadata, *, access_token: str, subject: str, deadline: Deadline
) -> dict[str, Any]:
    """Return the claims of the userinfo endpoint, which are nobody's signed word.

    Only of the ID token's own subject: an answer about somebody else refuses the sign-in.
    """
    if not metadata.userinfo_endpoint:
        raise ProviderFailed(Reason.USERINFO, "The provider has no userinfo endpoint.")
    answer = fetch(
        "GET",
        metadata.userinfo_endpoint,
        deadline=deadline,
        headers={"Authorization": f"Bearer {access_token}"},
        retry=True,
        loopback=metadata.is_loopback,
    )
    if answer.status != http.HTTPStatus.OK:
        raise answer.failure(Reason.USERINFO, Stage.TOKEN, "The userinfo endpoint")
    if not answer.says_json:
        # A signed answer would need checks of its own; what we need is in the ID token.
        raise ProviderFailed(Reason.USERINFO, "The userinfo answer is not plain JSON.")
    told = answer.json(Reason.USERINFO)
    if told.get("sub") != subject:
        raise SignInRefused(Reason.USERINFO_SUB, detail="userinfo is about another person")
    return told
