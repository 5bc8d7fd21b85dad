"""The eighteen configuration variables: while any of them is set, they are the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from accounts.roles import Role
from sso.rules import repair
from sso.rules.groups import parse_row
from sso.rules.hosts import host_of
from sso.rules.microsoft import is_microsoft_login_host
from sso.rules.repair import NotAcceptable
from sso.rules.text import one_line

# Name of the variable → name of the field it sets (product.md, Environment).
VARIABLES: Mapping[str, str] = {
    "OIDC_ENABLED": "enabled",
    "OIDC_ISSUER_URL": "issuer",
    "OIDC_CLIENT_ID": "client_id",
    "OIDC_CLIENT_SECRET": "client_secret",
    "OIDC_REDIRECT_URI": "redirect_uri",
    "OIDC_SCOPES": "scopes",
    "OIDC_BUTTON_TEXT": "button_text",
    "OIDC_ENFORCE_HTTPS": "enforce_https",
    "OIDC_SYNC_ROLES": "sync_roles",
    "OIDC_DISABLE_LOCAL_AUTH": "disable_local_auth",
    "OIDC_AUTO_CREATE_USERS": "auto_create_users",
    "OIDC_TRUST_UNVERIFIED_EMAIL": "trust_unverified_email",
    "OIDC_DEFAULT_ROLE": "default_role",
    "OIDC_SUPERADMIN_GROUP": "superadmin_group",
    "OIDC_ADMIN_GROUP": "admin_group",
    "OIDC_HOST_MANAGER_GROUP": "host_manager_group",
    "OIDC_USER_GROUP": "user_group",
    "OIDC_READONLY_GROUP": "readonly_group",
}
SECRET_VARIABLES = frozenset({"OIDC_CLIENT_SECRET"})
SWITCHES = frozenset(
    {
        "enabled",
        "enforce_https",
        "sync_roles",
        "disable_local_auth",
        "auto_create_users",
        "trust_unverified_email",
    }
)
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


_LONGEST_LINE = 600


class BadVariable(Exception):
    """Name a variable whose value cannot be used, and what is accepted instead, in one line."""

    def __init__(self, name: str, problem: str, accepted: str = "") -> None:
        super().__init__(f"{name} {problem}; {accepted}." if accepted else f"{name} {problem}")
        self.name = name

    @classmethod
    def by_rule(cls, name: str, sentence: str) -> Self:
        """Say in the settings page's own words why the value is refused."""
        return cls(name, f"is refused: {one_line(sentence, _LONGEST_LINE)}")


class BadVariables(Exception):
    """Hold all that is wrong with the configuration variables, each in a line of its own."""

    def __init__(self, problems: Sequence[BadVariable]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentConfig:
    """Hold what the variables say; fields that are not named in ``present`` are unset.

    ``values`` maps field names to strings and booleans; its repr would show the secret, so it
    is left out of this object's own.
    """

    present: tuple[str, ...]
    values: Mapping[str, str | bool] = field(repr=False)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name, default)
        return value if isinstance(value, str) else default

    def switch(self, name: str, *, default: bool) -> bool:
        value = self.values.get(name, default)
        return value if isinstance(value, bool) else default


def parse_switch(name: str, text: str) -> bool:
    """Read a yes/no variable; refuse anything that is not plainly one or the other."""
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise BadVariable(name, "is neither true nor false", "use true or false")


def read_environment(read: Callable[[str], str | None]) -> EnvironmentConfig | None:
    """Read the configuration variables through ``read``; None when none of them is set.

    An empty value counts as unset, as compose files pass empty ones for what is left out. The
    settings page's own rules repair and refuse: all but what only the provider could answer, as
    nobody is asked at start. Raises BadVariables with everything that cannot be used.
    """
    texts: dict[str, str] = {}
    values: dict[str, str | bool] = {}
    problems: list[BadVariable] = []
    for name in VARIABLES:
        try:
            text = repair.clean(read(name) or "")
        except BadVariable as problem:
            problems.append(problem)
            continue
        if text:
            texts[name] = text
    # The rules of the addresses want to know whether https is enforced.
    for name in sorted(texts, key=lambda name: VARIABLES[name] not in SWITCHES):
        try:
            values[VARIABLES[name]] = _value(name, texts, values)
        except BadVariable as problem:
            problems.append(problem)
        except NotAcceptable as refused:
            problems.append(BadVariable.by_rule(name, refused.message))
    problems += _in_two_rows(values)
    if problems:
        raise BadVariables(problems)
    if not texts:
        return None
    return EnvironmentConfig(present=tuple(texts), values=values)


def _value(name: str, texts: Mapping[str, str], values: Mapping[str, str | bool]) -> str | bool:
    """Judge one variable as the page judges its field; raise BadVariable or NotAcceptable."""
    text, target = texts[name], VARIABLES[name]
    if target in SWITCHES:
        return parse_switch(name, text)
    if target == "default_role":
        if text.lower() not in list(Role):
            raise BadVariable(name, "is no role", "use one of " + ", ".join(Role))
        return text.lower()
    # Set to something that is no switch, it has a line of its own and causes no other.
    enforce_https = bool(values.get("enforce_https", "OIDC_ENFORCE_HTTPS" not in texts))
    microsoft = is_microsoft_login_host(host_of(texts.get("OIDC_ISSUER_URL", "")))
    rules: Mapping[str, Callable[[], repair.Repaired]] = {
        "issuer": lambda: repair.issuer(text, enforce_https=enforce_https, discovered=None),
        "client_id": lambda: repair.client_id(text, microsoft=microsoft),
        "client_secret": lambda: repair.client_secret(text),
        "redirect_uri": lambda: repair.redirect_uri(text, enforce_https=enforce_https),
        "scopes": lambda: repair.scopes(text, microsoft=microsoft),
        "button_text": lambda: repair.button_text(text),
    }
    rule = rules.get(target, lambda: repair.role_row(text, microsoft=microsoft))
    return rule().value


def _in_two_rows(values: Mapping[str, str | bool]) -> list[BadVariable]:
    """Return a problem for each group that would give two roles."""
    variables = {role: f"OIDC_{role.value.upper()}_GROUP" for role in Role}
    rows = {
        role: parse_row(text)
        for role, name in variables.items()
        if isinstance(text := values.get(VARIABLES[name]), str)
    }
    return [
        BadVariable.by_rule(
            variables[duplicate.roles[0]],
            f"“{duplicate.group}” is in "
            + " and ".join(variables[role] for role in duplicate.roles[1:])
            + " too. A group can give one role only: take it out of one of them.",
        )
        for duplicate in repair.duplicate_groups(rows)
    ]
