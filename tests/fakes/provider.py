"""A provider that can be as hostile as a test wants, under `responses` or on a real socket.

Its documents are plain attributes to change; `on` replaces or damages a whole reply; `seen` and
`asked` tell what reached it.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import functools
import hashlib
import json
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import responses
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

TENANT = "8b2ff1d1-6f6c-4f0e-9a55-0d3a6bb1c0de"
NONCE = "n-0S6_WzA2Mj-the-nonce-of-this-round-trip"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CALLBACK = "https://patchmon.example.com/api/v1/auth/oidc/callback"
CODE = "SplxlOBeZQQYbYS6WxSbIA"


@functools.cache
def signing_key(name: str = "rsa") -> Any:
    """Return a private key; equal names give the same key throughout a test run."""
    kind = name.partition("-")[0]
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "weak":
        return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    if kind == "ed":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def jwk(name: str = "rsa", **members: Any) -> dict[str, Any]:
    """Return a public key as providers publish it; a member given as None is left out."""
    public = signing_key(name).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        told = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        told = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        told = OKPAlgorithm.to_jwk(public, as_dict=True)
    told.pop("key_ops", None)
    told |= {"kid": name, "use": "sig"} | members
    return {key: value for key, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, told: Any, status: int = 200) -> Reply:
        return cls(status, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def told(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    url: str
    headers: dict[str, str]
    form: dict[str, str]


Change = Callable[[Reply], Reply]


class FakeProvider:
    """One issuer with its endpoints, and Graph when it is Entra."""

    def __init__(
        self,
        issuer: str = "https://sso.example.com/realms/main",
        *,
        entra: bool = False,
        graph_root: str = "https://graph.microsoft.com",
    ) -> None:
        self.issuer = issuer
        self.entra = entra
        self.graph_root = graph_root
        self.client_id = "0f0e3b1c-9a0b-4f51-8a37-2f0f5b8c9d11"
        self.client_secret = "it~Is.A-secret_Value+with/odd=signs&%"
        self.code = CODE
        self.nonce = NONCE
        self.kid: str | None = "rsa"
        self.alg = "RS256"
        self.sign_with = "rsa"
        self.header: dict[str, Any] = {}
        self.scope = "openid profile email User.Read" if entra else "openid profile email"
        self.access_token = "an-opaque-access-token"
        self.keys: list[Any] = [self._published("rsa")]
        self.document = self._document()
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {"sub": self.subject}
        self.groups: list[str] = []
        self.page_size = 999
        self.photo: bytes | None = None
        self.asked: Counter[str] = Counter()
        self.seen: list[Seen] = []
        self._changes: dict[str, Change] = {}

    subject = "248289761001"

    @classmethod
    def for_entra(cls) -> FakeProvider:
        return cls(f"https://login.microsoftonline.com/{TENANT}/v2.0", entra=True)

    # What it publishes and signs

    def _document(self) -> dict[str, Any]:
        base = self.issuer.removesuffix("/")
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys",
            "userinfo_endpoint": f"{base}/userinfo",
            "end_session_endpoint": f"{base}/logout",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        if self.entra:
            told |= {
                "cloud_instance_name": "microsoftonline.com",
                "msgraph_host": urlsplit(self.graph_root).netloc,
            }
        return told

    def _published(self, name: str) -> dict[str, Any]:
        if not self.entra:
            return jwk(name)
        template = self.issuer.replace(TENANT, "{tenantid}")
        return jwk(name, alg=None, issuer=template)

    def publish(self, *names: str, **members: Any) -> None:
        self.keys = [self._published(name) | members for name in names]

    def token_claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of an honest token, changed; a claim given as None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.client_id,
            "exp": now + 3600,
            "iat": now,
            "nonce": self.nonce,
            "name": "Alice Example",
        }
        if self.entra:
            claims |= {"tid": TENANT, "oid": "7d0d3c1e-51b2-4c5a-8f1b-5f9b5a0d4e11", "ver": "2.0"}
        claims |= self.claims | changes
        return {name: value for name, value in claims.items() if value is not None}

    def id_token(self, **changes: Any) -> str:
        return self.signed(self.token_claims(**changes))

    def signed(self, claims: dict[str, Any] | bytes) -> str:
        headers = {"kid": self.kid} if self.kid is not None else {}
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        return jwt.PyJWS().encode(
            payload, signing_key(self.sign_with), self.alg, headers=headers | self.header
        )

    def at_hash(self) -> str:
        digest = hashlib.sha256(self.access_token.encode()).digest()
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()

    # What reaches it

    def on(self, stage: str, change: Change) -> None:
        """Put `change` between the honest reply of a stage and the wire.

        Stages: discovery, keys, token, userinfo, groups, photo.
        """
        self._changes[stage] = change

    def reply(self, stage: str, reply: Reply) -> None:
        self.on(stage, lambda _honest: reply)

    def handle(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Reply:
        path = urlsplit(url).path
        stage = self._stage(path)
        self.asked[stage] += 1
        fields = {name.lower(): value for name, value in headers.items()}
        seen = Seen(method, url, fields, dict(parse_qsl(body.decode())))
        self.seen.append(seen)
        honest: Reply = getattr(self, f"_{stage}")(seen)
        change = self._changes.get(stage)
        return change(honest) if change else honest

    @property
    def total(self) -> int:
        return sum(self.asked.values())

    def _stage(self, path: str) -> str:
        if path.endswith("/.well-known/openid-configuration"):
            return "discovery"
        if "/photo" in path:
            return "photo"
        name = path.rpartition("/")[2]
        known = {"transitiveMemberOf": "groups", "keys": "keys", "token": "token"}
        return known.get(name, "userinfo" if name == "userinfo" else "unknown")

    def _discovery(self, _seen: Seen) -> Reply:
        return Reply.json(self.document)

    def _keys(self, _seen: Seen) -> Reply:
        return Reply.json({"keys": self.keys})

    def _token(self, seen: Seen) -> Reply:
        if seen.form.get("code") != self.code:
            return Reply.json({"error": "invalid_grant"}, 400)
        return Reply.json(
            {
                "token_type": "Bearer",
                "access_token": self.access_token,
                "expires_in": 3600,
                "scope": self.scope,
                "id_token": self.id_token(),
            }
        )

    def _userinfo(self, _seen: Seen) -> Reply:
        return Reply.json(self.userinfo)

    def _groups(self, seen: Seen) -> Reply:
        query = dict(parse_qsl(urlsplit(seen.url).query))
        start = int(query.get("$skiptoken", "0"))
        members: list[dict[str, Any]] = [
            {"@odata.type": "#microsoft.graph.group", "id": group}
            for group in self.groups[start : start + self.page_size]
        ]
        told: dict[str, Any] = {"value": members}
        if start + self.page_size < len(self.groups):
            told["@odata.nextLink"] = (
                f"{self.graph_root}/v1.0/me/transitiveMemberOf"
                f"?$select=id&$skiptoken={start + self.page_size}"
            )
        return Reply.json(told)

    def _photo(self, _seen: Seen) -> Reply:
        if self.photo is None:
            return Reply.json({"error": {"code": "ImageNotFound", "message": "none"}}, 404)
        return Reply(200, self.photo, {"Content-Type": "image/jpeg"})

    def _unknown(self, _seen: Seen) -> Reply:
        return Reply(404)

    # The two ways to put it on the network

    def register(self, mock: responses.RequestsMock) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            body = request.body or b""
            raw = body.encode() if isinstance(body, str) else body
            reply = self.handle(request.method, request.url, dict(request.headers), raw)
            return reply.status, reply.headers, reply.body

        hosts = {urlsplit(self.issuer).netloc, urlsplit(self.graph_root).netloc}
        pattern = re.compile(rf"https?://({'|'.join(map(re.escape, hosts))})/")
        for method in ("GET", "POST"):
            # Its own type comes with every reply, or there is none.
            mock.add_callback(method, pattern, callback=answer, content_type=None)

    @classmethod
    @contextlib.contextmanager
    def serving(cls, *, entra: bool = False) -> Iterator[FakeProvider]:
        """Serve one on a loopback port of its own for the time of the block."""
        with serving(lambda handler: _speak(provider, handler)) as port:
            root = f"http://127.0.0.1:{port}"
            issuer = f"{root}/{TENANT}/v2.0" if entra else f"{root}/realms/main"
            provider = cls(issuer, entra=entra, graph_root=root)
            yield provider


def _speak(provider: FakeProvider, handler: BaseHTTPRequestHandler) -> None:
    length = int(handler.headers.get("Content-Length") or 0)
    body = handler.rfile.read(length)
    reply = provider.handle(handler.command, handler.path, dict(handler.headers), body)
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.body)))
    handler.end_headers()
    handler.wfile.write(reply.body)


@contextlib.contextmanager
def serving(
    speak: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Run an HTTP server on loopback whose every request `speak` answers; yield its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise the wait for a kept-alive connection's next request holds the test up.
        timeout = 5

        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                speak(self)

        do_POST = do_GET  # noqa: N815

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                super().handle()

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    if tls is not None:
        # The handshake happens where the connection is read, so that a failed one stops nothing.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(
        target=functools.partial(server.serve_forever, poll_interval=0.01), daemon=True
    )
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: copy.deepcopy(value) for name, value in document.items() if name not in names}


def damaged(**changes: Any) -> Change:
    """Return a change of a JSON reply's members; None takes a member out."""

    def change(reply: Reply) -> Reply:
        told = reply.told() | changes
        kept = {name: value for name, value in told.items() if value is not None}
        return replace(reply, body=json.dumps(kept).encode())

    return change
