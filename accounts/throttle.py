"""Hold back whoever guesses at passwords (spec/product.md; issue "Nobody locked out").

Counted with `limits` in the cache that all processes share. django-axes was looked at: it has one
limit for pairs and for addresses alike, counts only after the password was compared and not
atomically, so that guesses sent side by side slip through, and sees no password but the sign-in
page's. django-ratelimit has had no release since 2023. `limits` brings the counting and leaves the
rules to the caller.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
import unicodedata
from dataclasses import dataclass
from math import ceil
from typing import Final

import structlog
from django.http import HttpRequest
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from accounts import shared_cache

log = structlog.stdlib.get_logger(__name__)

# An account from one address: locked for what is left of the quarter of an hour.
PAIR: Final = RateLimitItemPerMinute(5, 15, namespace="password/pair")
# An address, whatever it tries: an office behind one address forgets a password now and then.
ADDRESS: Final = RateLimitItemPerMinute(50, 15, namespace="password/address")
# An account from anywhere: never locked, or anybody could lock out the last superadmin.
ACCOUNT: Final = RateLimitItemPerHour(10, 1, namespace="password/account")
# Nobody guesses an API token; this tells a script with a dead one to slow down.
TOKENS: Final = RateLimitItemPerMinute(50, 15, namespace="token/address")
SLOWED_BY: Final = 2.0  # seconds
_TOLD: Final = {"password": "too many wrong passwords", "token": "too many wrong API tokens"}
# A pause holds a thread: past this many at once a process answers without one, so that guessing
# at one account does not bring the whole site to a halt (patchmon/gunicorn.py: eight threads).
_PAUSES: Final = threading.BoundedSemaphore(4)
_IPV6_NETWORK: Final = 64  # what a provider hands to one household


class TooManyAttempts(Exception):
    """Say how long this address has to wait; it says nothing about any account."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, ceil(seconds))
        minutes = ceil(self.seconds / 60)
        unit = "minute" if minutes == 1 else "minutes"
        self.sentence = f"Too many attempts. Wait {minutes} {unit} and try again."
        super().__init__(self.sentence)


class SharedCacheStorage(Storage):
    """Keep the counts of `limits` where every process finds them (accounts.shared_cache)."""

    STORAGE_SCHEME = ("django-cache",)  # type: ignore[assignment]  # its registry only iterates

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (OSError,)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, atomically; the first of a window says when it ends."""
        shared_cache.claim(_end(key), time.time() + expiry, expiry)
        return shared_cache.count(key, expiry, amount)

    def give_back(self, key: str) -> None:
        """Uncount one, unless its window has ended meanwhile."""
        shared_cache.uncount(key)

    def get(self, key: str) -> int:
        return int(shared_cache.read(key) or 0)

    def get_expiry(self, key: str) -> float:
        return float(shared_cache.read(_end(key)) or time.time())

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        """Forget nothing: this cache holds other things as well."""
        return None

    def clear(self, key: str) -> None:
        shared_cache.drop(key, _end(key))


def _end(key: str) -> str:
    return f"{key}/ends"


_storage: Final = SharedCacheStorage()
_limiter: Final = FixedWindowRateLimiter(_storage)


@dataclass(frozen=True, slots=True)
class Guess:
    """One password tried: at which account and from where, as digests."""

    account: str
    address: str

    def keys(self) -> dict[RateLimitItem, tuple[str, ...]]:
        return {
            ADDRESS: (self.address,),
            PAIR: (self.account, self.address),
            ACCOUNT: (self.account,),
        }


def count_guess(request: HttpRequest, account: str) -> Guess:
    """Count a guess before the password is compared, so that none slips by beside another.

    `account` is the name as it was typed, whether or not somebody has it: who has an account
    makes no difference to what is counted, to the pause, or to the answer. Raises
    TooManyAttempts; take the guess back where the password was right.
    """
    guess = Guess(account=_digest(_folded(account)), address=_digest(_network(request)))
    keys = guess.keys()
    # Once an address is locked, it makes no more keys by inventing names; and what is refused
    # for its pair alone does not count against the others behind that address.
    if not _limiter.test(ADDRESS, *keys[ADDRESS]):
        raise _locked(ADDRESS, keys[ADDRESS], request)
    for item in (PAIR, ADDRESS):
        if not _limiter.hit(item, *keys[item]):
            raise _locked(item, keys[item], request)
    if not _limiter.hit(ACCOUNT, *keys[ACCOUNT]):
        _pause()
    return guess


def take_back(guess: Guess) -> None:
    """Uncount a guess that was right; what this address got wrong elsewhere stays counted."""
    keys = guess.keys()
    _limiter.clear(PAIR, *keys[PAIR])
    for item in (ADDRESS, ACCOUNT):
        _storage.give_back(item.key_for(*keys[item]))


def count_bad_token(request: HttpRequest) -> None:
    """Count an API token that was none; raises TooManyAttempts where an address goes on with it.

    Good ones from there are not held back: a script with a dead token must not stop the others
    behind its address, and no number of guesses finds one of 256 random bits. Nor does it count
    as a password.
    """
    keys = (_digest(_network(request)),)
    if not _limiter.hit(TOKENS, *keys):
        raise _locked(TOKENS, keys, request)


def _pause() -> None:
    if _PAUSES.acquire(blocking=False):
        try:
            time.sleep(SLOWED_BY)
        finally:
            _PAUSES.release()


def _locked(item: RateLimitItem, keys: tuple[str, ...], request: HttpRequest) -> TooManyAttempts:
    """Log a lock, once in its time and never what was typed: that may be a password."""
    if shared_cache.claim(f"{item.key_for(*keys)}/told", 1, item.get_expiry()):
        what, _, by = item.namespace.partition("/")
        log.warning(
            _TOLD[what],
            _event=f"accounts.{what}.locked",
            by=by,
            address=request.META.get("REMOTE_ADDR", ""),
        )
    ends, _left = _limiter.get_window_stats(item, *keys)
    return TooManyAttempts(ends - time.time())


def _folded(account: str) -> str:
    """Bring every spelling that could mean the same account to one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", account.strip()).casefold())


def _network(request: HttpRequest) -> str:
    """Return whose address it is: an IPv6 customer has a whole network to send from.

    REMOTE_ADDR is what TrustedProxyMiddleware left there; no header is read here.
    """
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        # A Unix socket has none.
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), _IPV6_NETWORK), strict=False))
    return str(address)


def _digest(text: str) -> str:
    # Names are of any length and content; keys are not.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
