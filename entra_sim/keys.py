"""Signing keys in Entra's shape (entra-facts §1.4)."""

from __future__ import annotations

import base64
import datetime as dt
import threading
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_KEY_BITS = 2048
_EXPONENT = 65537


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _base64url_int(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)
    certificate: str = field(repr=False)

    def jwk(self, issuer: str) -> dict[str, object]:
        """Return the public half; Entra names no `alg` and adds the issuer to each key."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _base64url_int(numbers.n),
            "e": _base64url_int(numbers.e),
            "x5c": [self.certificate],
            "cloud_instance_name": "microsoftonline.com",
            "issuer": issuer,
        }


def new_key() -> SigningKey:
    private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_KEY_BITS)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "accounts.accesscontrol.windows.net")]
    )
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=5 * 365))
        .sign(private, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    # Entra's kid is the SHA-1 thumbprint of the key's certificate.
    kid = base64url(certificate.fingerprint(hashes.SHA1()))  # noqa: S303
    return SigningKey(kid, private, base64.b64encode(der).decode())


class KeyRing:
    """The published keys and the one that signs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Several are always published (entra-facts §1.4): one signs, one stands by.
        self._published = (new_key(), new_key())
        self._signing = self._published[0]
        self._initial = self._published

    @property
    def signing(self) -> SigningKey:
        return self._signing

    @property
    def published(self) -> tuple[SigningKey, ...]:
        return self._published

    def rotate(self, *, keep_old: bool = True, publish: bool = True) -> str:
        """Sign with a key nobody has seen and return its kid."""
        key = new_key()
        with self._lock:
            kept = self._published if keep_old else ()
            self._published = (*kept, key) if publish else kept
            self._signing = key
        return key.kid

    def restore(self) -> None:
        """Go back to the keys of the start."""
        with self._lock:
            self._published = self._initial
            self._signing = self._initial[0]
