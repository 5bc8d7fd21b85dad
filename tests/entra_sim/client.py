from __future__ import annotations

import base64
import hashlib
import re
import secrets
import urllib.parse
from dataclasses import dataclass, field

import jwt
import requests

from entra_sim import defaults
from entra_sim.server import EntraSim

CALLBACK = "http://localhost:3000/api/v1/auth/oidc/callback"
SCOPES = "openid email profile User.Read"
TIMEOUT = 5


def challenge_of(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def found(pattern, text):
    match = re.search(pattern, text)
    assert match
    return match.group(1)


def query_of(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


@dataclass
class Client:
    """An application that keeps to the protocol unless told otherwise."""

    sim: EntraSim
    http: requests.Session
    tenant: str = defaults.TENANT_ID
    verifier: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(48))
    nonce: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(16))

    def url(self, rest, tenant=""):
        return f"{self.sim.url}/{tenant or self.tenant}/{rest}"

    def get(self, address, **kwargs):
        return self.http.get(address, timeout=TIMEOUT, allow_redirects=False, **kwargs)

    def post(self, address, data=None, **kwargs):
        return self.http.post(address, data, timeout=TIMEOUT, allow_redirects=False, **kwargs)

    def authorize_url(self, tenant="", **changes):
        values = {
            "client_id": defaults.CLIENT_ID,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "the-state",
            "nonce": self.nonce,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        kept = {name: value for name, value in values.items() if value is not None}
        return self.url(f"oauth2/v2.0/authorize?{urllib.parse.urlencode(kept)}", tenant)

    def authorize(self, tenant="", **changes):
        return self.get(self.authorize_url(tenant, **changes))

    def pick(self, page, **choice):
        """Press a button of the account picker or of the consent page."""
        action = found(r'action="([^"]+)"', page.text)
        flow = found(r'name="flow" value="([^"]+)"', page.text)
        return self.post(self.sim.url + action, {"flow": flow, **choice})

    def code(self, person="alice", tenant="", **changes):
        return query_of(self.sim.sign_in(self.authorize_url(tenant, **changes), person))["code"]

    def redeem(self, code, tenant="", **changes):
        values = {
            "grant_type": "authorization_code",
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "code": code,
            "code_verifier": self.verifier,
            "redirect_uri": CALLBACK,
            **changes,
        }
        return self.token(
            {name: value for name, value in values.items() if value is not None}, tenant
        )

    def app_only(self, tenant="", **changes):
        values = {
            "grant_type": "client_credentials",
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "scope": f"{self.sim.url}/.default",
            **changes,
        }
        return self.token(
            {name: value for name, value in values.items() if value is not None}, tenant
        )

    def token(self, values, tenant="", **kwargs):
        return self.post(self.url("oauth2/v2.0/token", tenant), values, **kwargs)

    def answer(self, person="alice", **changes):
        return self.redeem(self.code(person, **changes)).json()

    def claims(self, person="alice", tenant="", **changes):
        code = self.code(person, tenant, **changes)
        return self.verified(self.redeem(code, tenant).json()["id_token"])

    def verified(self, id_token):
        jwks = self.get(self.url("discovery/v2.0/keys")).json()
        kid = jwt.get_unverified_header(id_token)["kid"]
        key = next(each for each in jwks["keys"] if each["kid"] == kid)
        return jwt.decode(
            id_token, jwt.PyJWK(key, "RS256"), algorithms=["RS256"], audience=defaults.CLIENT_ID
        )

    def graph(self, rest, token, **kwargs):
        headers = {"Authorization": f"Bearer {token}"}
        return self.get(f"{self.sim.url}/v1.0/{rest}", headers=headers, **kwargs)
