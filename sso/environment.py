"""The eighteen configuration variables: while any of them is set, they are the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from accounts.roles import Role

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


class BadVariable(Exception):
    """Name a variable whose value cannot be used, and what is accepted instead."""

    def __init__(self, name: str, problem: str, accepted: str) -> None:
        super().__init__(f"{name} {problem}; {accepted}.")
        self.name = name


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

    An empty value counts as unset, as compose files pass empty ones for what is left out.
    Raises BadVariable for a value that cannot be used; its text never holds a secret's value.
    """
    values: dict[str, str | bool] = {}
    present: list[str] = []
    for name, target in VARIABLES.items():
        text = read(name)
        if text is None or not text.strip():
            continue
        present.append(name)
        if target in SWITCHES:
            values[target] = parse_switch(name, text)
        elif target == "default_role":
            word = text.strip().lower()
            if word not in list(Role):
                raise BadVariable(name, "is no role", "use one of " + ", ".join(Role))
            values[target] = word
        else:
            values[target] = text.strip()
    if not present:
        return None
    return EnvironmentConfig(present=tuple(present), values=values)
