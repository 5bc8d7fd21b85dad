"""What is going on at the running tenant: sign-ins under way, codes, sessions, tokens."""

from __future__ import annotations

import re
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from entra_sim import defaults
from entra_sim.errors import Marks, Refused, new_marks
from entra_sim.faults import Faults
from entra_sim.messages import Request
from entra_sim.record import RequestLog
from entra_sim.replies import Reply
from entra_sim.tenant import Person, Tenant

FLOW_LIFETIME = 600.0
CODE_LIFETIME = 600.0
SESSION_LIFETIME = 24 * 3600.0
ACCESS_TOKEN_LIFETIME = 3600.0
_MANY = 4096
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_MULTI_TENANT = frozenset({"common", "organizations"})

Value = TypeVar("Value")


class Expiring(Generic[Value]):
    """A dictionary under random keys whose entries fall out after a while."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[float, Value]] = {}

    def add(self, key: str, value: Value, now: float) -> None:
        with self._lock:
            if len(self._entries) >= _MANY:
                fresh = {name: entry for name, entry in self._entries.items() if entry[0] > now}
                # Still full: the oldest half goes, so that a long benchmark stays small.
                self._entries = dict(list(fresh.items())[-_MANY // 2 :])
            self._entries[key] = (now + self._lifetime, value)

    def get(self, key: str, now: float) -> Value | None:
        with self._lock:
            entry = self._entries.get(key)
        return entry[1] if entry and entry[0] > now else None

    def pop(self, key: str, now: float) -> Value | None:
        with self._lock:
            entry = self._entries.pop(key, None)
        return entry[1] if entry and entry[0] > now else None

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


@dataclass(frozen=True, slots=True)
class Authority:
    """The first part of a path: a tenant, or one of the names for any tenant."""

    segment: str
    # '' where any tenant will do.
    tenant_id: str


@dataclass(slots=True)
class Flow:
    """One authorization request that passed the checks, until it is answered."""

    authority: Authority
    reply: Reply
    scopes: frozenset[str]
    nonce: str = field(repr=False)
    challenge: str = field(repr=False)
    challenge_method: str
    prompt: str
    login_hint: str
    correlation_id: str
    # Set when a person was picked and is being asked for consent.
    person_key: str = ""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    person_key: str
    sid: str


@dataclass(slots=True)
class Grant:
    """An authorization code, not yet redeemed or just so."""

    flow: Flow
    person_key: str
    tenant_id: str
    sid: str
    issued: float
    redeemed: bool = False


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What an access token stands for; person_key is '' for one of the app itself."""

    person_key: str
    tenant_id: str
    scopes: frozenset[str]


@dataclass(slots=True)
class Site:
    tenant: Tenant
    base_url: str = ""
    faults: Faults = field(default_factory=Faults)
    requests: RequestLog = field(default_factory=RequestLog)
    flows: Expiring[Flow] = field(default_factory=lambda: Expiring(FLOW_LIFETIME))
    # Kept longer than they are good for: an expired code has its own refusal.
    codes: Expiring[Grant] = field(default_factory=lambda: Expiring(4 * CODE_LIFETIME))
    sessions: Expiring[BrowserSession] = field(default_factory=lambda: Expiring(SESSION_LIFETIME))
    tokens: Expiring[AccessGrant] = field(default_factory=lambda: Expiring(ACCESS_TOKEN_LIFETIME))
    redeeming: threading.Lock = field(default_factory=threading.Lock)
    # Set while the server goes down: a slow answer does not hold it up.
    stopping: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return time.time() + self.tenant.clock_skew

    @property
    def graph_host(self) -> str:
        return self.base_url.partition("//")[2]

    def issuer(self, tenant_id: str) -> str:
        return f"{self.base_url}/{tenant_id}/v2.0"

    def marks(self, request: Request | None = None, correlation_id: str = "") -> Marks:
        asked = correlation_id
        if request is not None and not asked:
            asked = request.query["client-request-id"] or request.headers.get(
                "client-request-id", ""
            )
        return new_marks(self.now(), asked if is_guid(asked) else "")

    def authority(self, segment: str) -> Authority:
        """Resolve a tenant GUID, a verified domain, or a name for any tenant (§1.1)."""
        name = segment.lower()
        tenant = self.tenant
        if name in _MULTI_TENANT:
            return Authority(name, "")
        if name in {"consumers", defaults.CONSUMERS_TENANT_ID}:
            return Authority(name, defaults.CONSUMERS_TENANT_ID)
        if name == tenant.tenant_id or name in tenant.domains:
            return Authority(tenant.tenant_id, tenant.tenant_id)
        if name in tenant.other_tenants:
            return Authority(name, name)
        if is_guid(name) or _DOMAIN.fullmatch(name):
            raise Refused(90002, value=segment)
        raise Refused(900023, value=segment)

    def person(self, key: str) -> Person | None:
        return self.tenant.people.get(key)

    def forget(self) -> None:
        """Drop everything under way and every planted fault."""
        for store in (self.flows, self.codes, self.sessions, self.tokens):
            store.clear()
        self.faults.clear()
        self.requests.clear()


def is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def opaque(size: int = 32) -> str:
    return secrets.token_urlsafe(size)
