"""New private signing keys, in the form in which every provider takes them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

Jwk = dict[str, Any]


def _named(jwk: Jwk, alg: str) -> Jwk:
    # PyJWT adds what the key may be used for; which key signs is for the provider to say.
    jwk.pop("key_ops", None)
    return {**jwk, "kid": f"{alg.lower()}-{secrets.token_hex(4)}", "alg": alg, "use": "sig"}


def rsa_key(alg: str = "RS256") -> Jwk:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _named(RSAAlgorithm.to_jwk(key, as_dict=True), alg)


def ec_key() -> Jwk:
    key = ec.generate_private_key(ec.SECP256R1())
    return _named(ECAlgorithm.to_jwk(key, as_dict=True), "ES256")


def ed25519_key() -> Jwk:
    key = ed25519.Ed25519PrivateKey.generate()
    return _named(OKPAlgorithm.to_jwk(key, as_dict=True), "EdDSA")


#: What makes a key for each algorithm that is tried.
SIGNING: Final[dict[str, Callable[[], Jwk]]] = {
    "RS256": rsa_key,
    "PS256": lambda: rsa_key("PS256"),
    "ES256": ec_key,
    "EdDSA": ed25519_key,
}
