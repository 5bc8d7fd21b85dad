"""The fake provider, grown up: it keeps the protocol, so that one lie is the only fault.

It binds each code to the nonce, the PKCE challenge and the redirect URI it was asked with,
authenticates the client, and remembers every secret it has handed out or been handed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jwt.algorithms import get_default_algorithms

from tests.fakes.provider import FakeProvider, Reply, Seen, signing_key

GROUP = "operators"
ENTRA_GROUP = "6a2f9d0e-1c1b-4b1e-9b53-0c1d2e3f4a5b"
EMAIL = "alice@example.com"

Told = Callable[[Any], Any]
Query = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorization request bound its code to."""

    nonce: str
    challenge: str
    redirect_uri: str


class HostileProvider(FakeProvider):
    """An honest provider until a document is given something else to say.

    `told` maps a document to the function that changes it: claims, header, payload, id_token,
    token, keys, discovery, userinfo, groups. A function may also return a whole Reply.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told: dict[str, Told] = {}
        self.secrets: set[str] = {self.client_secret, self.access_token}
        self.while_redeeming: Callable[[], None] = lambda: None
        self.authorizations: list[dict[str, str]] = []
        self._codes: dict[str, Asked] = {}
        person = {"email": EMAIL, "email_verified": True}
        if self.entra:
            self.claims |= person | {"groups": [ENTRA_GROUP]}
        else:
            # Left to userinfo, so that a refused ID token shows in its not being asked.
            self.userinfo = {"sub": self.subject, **person, "groups": [GROUP]}

    # The browser's part

    def authorize(self, url: str) -> Query:
        """Let the person in who stands before the screen; return the query of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.authorizations.append(asked)
        code = secrets.token_urlsafe(24)
        self._codes[code] = Asked(asked["nonce"], asked["code_challenge"], asked["redirect_uri"])
        self.secrets |= {code, asked["nonce"], asked["state"]}
        query = {"code": [code], "state": [asked["state"]]}
        if self.document.get("authorization_response_iss_parameter_supported"):
            query["iss"] = [self.issuer]
        return query

    # The token endpoint

    def _token(self, seen: Seen) -> Reply:
        self.while_redeeming()
        verifier = seen.form.get("code_verifier", "")
        if verifier:
            self.secrets.add(verifier)
        if seen.form.get("client_secret", self.client_secret) != self.client_secret:
            return Reply.json({"error": "invalid_client"}, 401)
        asked = self._codes.pop(seen.form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        if (
            asked is None
            or challenge.rstrip(b"=").decode() != asked.challenge
            or seen.form.get("redirect_uri") != asked.redirect_uri
        ):
            return Reply.json({"error": "invalid_grant"}, 400)
        self.nonce = asked.nonce
        answer = {
            "token_type": "Bearer",
            "access_token": self.access_token,
            "expires_in": 3600,
            "scope": self.scope,
            "id_token": self.id_token(),
        }
        return self._reply("token", answer)

    def id_token(self, **changes: Any) -> str:
        claims = self._say("claims", self.token_claims(**changes))
        token = self.signed(claims)
        changed: str = self._say("id_token", token)
        for made in (token, changed):
            # A lie may be of any type, and a token without a signature holds no secret.
            if str(made).count(".") == 2:
                self.secrets |= {str(made), str(made).rpartition(".")[2]} - {""}
        return changed

    def signed(self, claims: dict[str, Any] | bytes) -> str:
        """Sign whatever the header and the payload became, so that they are the only fault."""
        header = {"alg": self.alg, "typ": "JWT", "kid": self.kid} | self.header
        if self.kid is None:
            del header["kid"]
        head = self._say("header", header)
        body = self._say("payload", json.dumps(claims).encode())
        signing_input = f"{segment(head)}.{segment(body)}"
        signature = sign(self.alg, signing_input, signing_key(self.sign_with))
        return f"{signing_input}.{segment(signature)}"

    # The other documents

    def _discovery(self, _seen: Seen) -> Reply:
        return self._reply("discovery", self.document)

    def _keys(self, _seen: Seen) -> Reply:
        return self._reply("keys", {"keys": self.keys})

    def _userinfo(self, _seen: Seen) -> Reply:
        return self._reply("userinfo", self.userinfo)

    def _groups(self, seen: Seen) -> Reply:
        return self._reply("groups", super()._groups(seen).told())

    def _say(self, document: str, honest: Any) -> Any:
        return self.told[document](honest) if document in self.told else honest

    def _reply(self, document: str, honest: Any) -> Reply:
        said = self._say(document, honest)
        return said if isinstance(said, Reply) else Reply.json(said)


def segment(part: object) -> str:
    """Return a part of a compact JWS: bytes as they are, anything else as JSON."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(alg: str, signing_input: str, key: Any) -> bytes:
    signature: bytes = get_default_algorithms()[alg].sign(signing_input.encode(), key)
    return signature


def with_header(token: str, **changes: Any) -> str:
    """Change the header of a signed token; a member given as None goes, and nobody signs anew."""
    head, rest = token.split(".", 1)
    told = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))) | changes
    kept = {name: value for name, value in told.items() if value is not None}
    return f"{segment(kept)}.{rest}"


def unsigned(token: str, alg: object) -> str:
    """Say that the token needs no signature, and leave it out."""
    return with_header(token, alg=alg).rpartition(".")[0] + "."


def maced(token: str, secret: bytes) -> str:
    """Sign with a MAC whose secret everybody knows, or only we and the provider."""
    signing_input = with_header(token, alg="HS256").rpartition(".")[0]
    return f"{signing_input}.{segment(sign('HS256', signing_input, secret))}"
