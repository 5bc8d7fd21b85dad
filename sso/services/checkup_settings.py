"""Steps 1 and 8 of Check configuration: what the settings alone show, without a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from accounts.roles import Role
from sso.conf import GROUP_FIELDS, REQUIRED, Config
from sso.environment import VARIABLES
from sso.provider.checkup.findings import Finding, Outcome, explained, passed
from sso.rules import repair
from sso.rules.explanations import Blade, Who
from sso.rules.hosts import host_of
from sso.rules.meanings import explain_reason
from sso.rules.microsoft import is_microsoft_login_host
from sso.rules.portal import blade_link
from sso.rules.reasons import Reason
from sso.rules.repair import NotAcceptable, Repaired
from sso.services.secret_expiry import reminder
from sso.services.settings import SECRET, enable_problems, superadmin_has_password

#: The callback is no field: the Server URL makes it, or the redirect override does.
CALLBACK: Final = "callback"
_SERVER_URL: Final = "server_url"
#: How the pages call the field that a finding is about.
PLACE_LABELS: Final = {
    **REQUIRED,
    "redirect_uri": "Redirect URI",
    "scopes": "Scopes",
    "sync_roles": "Sync roles from IdP",
    "auto_create_users": "Auto-create users",
    "trust_unverified_email": "Trust e-mail addresses",
    _SERVER_URL: "Server URL",
    **{
        name: f"Role Mapping, row {role.value.replace('_', ' ')}"
        for role, name in GROUP_FIELDS.items()
    },
}


def field_problems(config: Config) -> dict[str, Finding]:
    """Return what is wrong with the values in force, by field, `CALLBACK` among them."""
    problems = {name: _missing(config, name) for name in config.missing}
    if config.secret_set and not config.secret_readable:
        problems[SECRET] = explained(explain_reason(Reason.SECRET_UNREADABLE))
    for name, check in _checks(config).items():
        if name in problems:
            continue
        finding = check()
        if finding is not None:
            problems[name] = finding
    # What else Enable would refuse: plain http while it is enforced not to be.
    for name, text in enable_problems(config).items():
        where = CALLBACK if name == "enforce_https" else name
        problems.setdefault(where, _not_protected(config, where, text))
    return problems


def _not_protected(config: Config, where: str, text: str) -> Finding:
    if where != CALLBACK:
        return _refused(text, where)
    if not config.redirect_uri:
        return _refused(text, _SERVER_URL)
    return _failed(
        f"The callback URL {config.callback_url} is not https, and Enforce HTTPS is on.",
        "Put an https address into Redirect URI, or leave it empty.",
        place="redirect_uri",
    )


def _missing(config: Config, name: str) -> Finding:
    if config.from_environment:
        variable = next(variable for variable, field in VARIABLES.items() if field == name)
        cure = f"Set {variable} and restart PatchMon."
    elif name == SECRET:
        cure = "Paste the secret's Value into Client Secret and press Save next to the field."
    else:
        cure = f"Fill in {REQUIRED[name]} and press Apply."
    return _failed(f"{REQUIRED[name]} is empty.", cure, place=name)


def _checks(config: Config) -> dict[str, Callable[[], Finding | None]]:
    """Judge each value as the page would if it were typed now: the rules may be newer than it."""
    microsoft = is_microsoft_login_host(host_of(config.issuer))
    https = config.enforce_https
    scopes = config.scopes_for(is_entra=microsoft)
    callback = config.callback_url
    return {
        "issuer": lambda: _judged(
            config.issuer,
            "issuer",
            lambda text: repair.issuer(text, enforce_https=https, discovered=None),
        ),
        "client_id": lambda: _judged(
            config.client_id,
            "client_id",
            lambda text: repair.client_id(text, microsoft=microsoft),
            rewritten=False,
        ),
        SECRET: lambda: _judged(
            config.client_secret, SECRET, repair.client_secret, rewritten=False
        ),
        "scopes": lambda: _judged(
            scopes, "scopes", lambda text: repair.scopes(text, microsoft=microsoft)
        ),
        CALLBACK: lambda: _judged(
            callback,
            _callback_place(config),
            lambda text: repair.redirect_uri(text, enforce_https=False),
        ),
    }


def _judged(
    value: str, place: str, repairing: Callable[[str], Repaired], *, rewritten: bool = True
) -> Finding | None:
    """Return what a repair objects to; `rewritten` counts a value that it would change, too."""
    try:
        repaired = repairing(value)
    except NotAcceptable as refused:
        return _refused(refused.message, place)
    if rewritten and repaired.value != value:
        return _failed(
            "It is not written the way it has to be.", f"Change it to {repaired.value}", place=place
        )
    return None


def _callback_place(config: Config) -> str:
    return "redirect_uri" if config.redirect_uri else _SERVER_URL


def _refused(message: str, place: str) -> Finding:
    """Take a refusal of the page apart: its first sentence is the cause, the rest the cure."""
    happened, point, cure = message.partition(". ")
    return _failed(f"{happened}." if point else happened, cure, place=place)


def _failed(happened: str, cure: str, *, place: str) -> Finding:
    return Finding(
        outcome=Outcome.FAILED, happened=happened, cure=cure, who=Who.ADMINISTRATOR, place=place
    )


def blade_url(finding: Finding, config: Config) -> str:
    """Return the address of the finding's blade, built on no value that the finding doubts."""
    sound_issuer = finding.place != "issuer"
    sound_client = sound_issuer and finding.place != "client_id"
    parts = urlsplit(config.issuer)
    return blade_link(
        finding.blade,
        issuer=config.issuer if sound_issuer else f"{parts.scheme}://{parts.netloc}",
        client_id=config.client_id if sound_client else "",
    )


def fields(config: Config) -> tuple[Finding, ...]:
    """Judge the values; a date alone fails nothing, since step 5 asks the provider itself."""
    found = list(field_problems(config).values())
    expiry = reminder(config)
    if expiry is not None:
        warning = _warning(expiry.happened, expiry.cure, place=SECRET)
        found.append(replace(warning, blade=Blade.SECRETS))
    return tuple(found) or (passed("Nothing is missing or malformed."),)


def mapping(config: Config, *, is_entra: bool) -> tuple[Finding, ...]:
    """Judge the role mapping, and whether somebody gets in when the provider does not answer."""
    rows = config.mapping.rows
    findings = [
        _failed(*_cause_and_cure(duplicate.message), place=GROUP_FIELDS[duplicate.roles[-1]])
        for duplicate in repair.duplicate_groups(rows)
    ]
    filled = [role for role in rows if config.mapping.fills(role)]
    if filled and not config.sync_roles:
        findings.append(
            _warning(
                "Sync roles from IdP is off, so the filled rows of Role Mapping have no effect:"
                " everybody new gets the default role.",
                "Switch Sync roles from IdP on and press Apply, or empty the rows.",
                place="sync_roles",
            )
        )
    elif config.sync_roles:
        findings += _unfilled(config, filled)
    if is_entra:
        findings += _names(config)
    if not superadmin_has_password():
        findings.append(
            _warning(
                "No active Super Admin has a password: nobody could get in if SSO failed.",
                "Give one a password: manage.py sso set-password USER.",
                place="",
            )
        )
    if findings:
        return tuple(findings)
    return (passed("The mapping is complete, and a Super Admin can get in with a password."),)


def _unfilled(config: Config, filled: list[Role]) -> list[Finding]:
    default = config.mapping.default_role.label
    if not filled:
        return [
            _warning(
                "Sync roles from IdP is on, but no row of Role Mapping is filled: everybody gets"
                f" the default role {default}.",
                "Paste the Object ID of a group into the row of each role that you use, and press"
                " Apply.",
                place="superadmin_group",
            )
        ]
    if Role.SUPERADMIN in filled:
        return []
    return [
        _warning(
            "The superadmin row is empty: nobody is promoted to Super Admin through SSO, and those"
            " who are keep their role.",
            "Fill the row if you want that; if not, all is well.",
            place="superadmin_group",
        )
    ]


def _names(config: Config) -> list[Finding]:
    """Point at rows that hold something else than the object IDs that Entra sends."""
    found = []
    for role, values in config.mapping.rows.items():
        for note in repair.role_row(", ".join(values), microsoft=True).notes:
            happened, cure = _cause_and_cure(note.text)
            found.append(_warning(happened, cure, place=GROUP_FIELDS[role]))
    return found


def _cause_and_cure(message: str) -> tuple[str, str]:
    happened, _point, cure = message.partition(". ")
    return f"{happened}.", cure


def _warning(happened: str, cure: str, *, place: str) -> Finding:
    return Finding(
        outcome=Outcome.WARNING, happened=happened, cure=cure, who=Who.ADMINISTRATOR, place=place
    )
