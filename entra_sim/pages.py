"""The pages of the simulated tenant: account picker, consent, error, sign-out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape

from entra_sim.errors import CATALOGUE, Marks, Refused
from entra_sim.tenant import Person

_STYLE = """
:root { color-scheme: light dark; --ground: #eef1f5; --card: #fff; --ink: #1b1f24; --soft: #57606a;
  --line: #d0d7de; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161b; --card: #1c2128; --ink: #e6edf3;
  --soft: #9aa5b1; --line: #3a424c; --accent: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 2rem auto; padding: 1.5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.3; }
p { margin: 0 0 1rem; } dl { margin: 0; } dt { color: var(--soft); } dd { margin: 0 0 .5rem; }
dd, .text { overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .875rem; }
ul { list-style: none; margin: 0 0 1rem; padding: 0; }
button { width: 100%; padding: .625rem .75rem; border: 1px solid var(--line); border-radius: 6px;
  background: none; color: inherit; font: inherit; text-align: start; cursor: pointer; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
li + li, .row button + button { margin-top: .375rem; }
button strong, button span { display: block; overflow-wrap: anywhere; }
button .soft { line-height: 1.35; }
.hinted { border-color: var(--accent); border-width: 2px; }
details { margin-top: 1rem; } summary { cursor: pointer; color: var(--soft); }
a { color: var(--accent); }
iframe { display: none; }
"""
# Every browser asks for one.
ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    b'<rect width="16" height="16" rx="3" fill="#2f5bd0"/>'
    b'<circle cx="8" cy="6" r="2.5" fill="#fff"/>'
    b'<path d="M3.5 13a4.5 4 0 0 1 9 0z" fill="#fff"/></svg>'
)
# What "fail" offers: refusals by the tenant itself that no click on a person shows.
FAILURES = (50105, 53003, 50053, 50126, 65001, 90033)


def _document(title: str, content: str, script: str = "") -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>{content}</main>{script}</body></html>\n"
    )


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def picker(action: str, flow_id: str, app: str, people: Iterable[Person], hint: str) -> str:
    # The hinted account first, as its own page would be at the real one.
    ordered = sorted(people, key=lambda person: not person.is_hinted_by(hint))
    buttons = "".join(
        _person_button(person, is_hinted=person.is_hinted_by(hint)) for person in ordered
    )
    failures = "".join(
        f'<button name="fail" value="{code}"><strong>AADSTS{code}</strong>'
        f'<span class="soft">{escape(_first_sentence(code))}</span></button>'
        for code in FAILURES
    )
    return _document(
        "Pick an account",
        f"<h1>Pick an account</h1><p class='soft'>Simulated Entra tenant, to continue to"
        f" {escape(app)}</p>"
        f'<form method="post" action="{escape(action)}">{_hidden({"flow": flow_id})}'
        f"<ul>{buttons}</ul>"
        '<div class="row"><button name="action" value="cancel">Cancel</button>'
        '<button name="action" value="decline">Decline consent</button></div>'
        f'<details><summary>Fail</summary><div class="row">{failures}</div></details></form>',
    )


def _person_button(person: Person, *, is_hinted: bool) -> str:
    address = person.mail or "no e-mail address"
    marks = ' class="hinted" autofocus aria-current="true"' if is_hinted else ""
    return (
        f'<li><button name="person" value="{escape(person.key)}"{marks}>'
        f"<strong>{escape(person.name)}</strong><span>{escape(address)}</span>"
        f'<span class="soft">{escape(person.case)}</span></button></li>'
    )


def _first_sentence(code: int) -> str:
    return CATALOGUE[code].text.format_map(_Names()).partition(". ")[0]


class _Names(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def consent(action: str, flow_id: str, app: str, person: Person, scopes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(scopes))
    return _document(
        "Permissions requested",
        f"<h1>Permissions requested</h1><p>{escape(app)} asks {escape(person.name)} for:</p>"
        f'<ul>{items}</ul><form method="post" action="{escape(action)}">'
        f"{_hidden({'flow': flow_id})}"
        '<div class="row"><button name="action" value="accept">Accept</button>'
        '<button name="action" value="decline">Cancel</button></div></form>',
    )


def error_page(refused: Refused, marks: Marks) -> str:
    """Show a refusal that never goes back to the application (entra-facts §4.1, channel P)."""
    config = {
        "iErrorCode": refused.code,
        "sErrorCode": str(refused.code),
        "strMainMessage": "Sorry, but we're having trouble signing you in.",
        "strServiceExceptionMessage": str(refused),
        "correlationId": marks.correlation_id,
        "sessionId": marks.trace_id,
    }
    script = json.dumps(config).replace("<", "\\u003c")
    rows = (
        ("Request Id", marks.trace_id),
        ("Correlation Id", marks.correlation_id),
        ("Timestamp", marks.timestamp),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return _document(
        "Sign in to your account",
        "<h1>Sorry, but we’re having trouble signing you in.</h1>"
        f'<p class="text">{escape(str(refused))}</p>'
        f"<h2 class='soft'>Troubleshooting details</h2><dl>{listed}</dl>",
        f"<script>//<![CDATA[\n$Config={script};\n//]]></script>",
    )


def form_post(address: str, values: Mapping[str, str]) -> str:
    return _document(
        "Working…",
        f'<form method="post" action="{escape(address)}">{_hidden(values)}'
        "<button>Continue</button></form>",
        "<script>document.forms[0].submit();</script>",
    )


def pick_for_sign_out(action: str, values: Mapping[str, str], person: Person) -> str:
    return _document(
        "Pick an account",
        "<h1>Which account do you want to sign out of?</h1>"
        f'<form method="post" action="{escape(action)}">{_hidden(values)}'
        f"<ul>{_person_button(person, is_hinted=False)}</ul></form>",
    )


def signed_out(front_channel: str, target: str) -> str:
    """Call the application in a hidden frame, then go on to where it asked for."""
    frame = (
        f'<iframe src="{escape(front_channel)}" title="Signing out"></iframe>'
        if front_channel
        else ""
    )
    link = f'<p><a id="next" href="{escape(target)}">Continue</a></p>' if target else ""
    # Three seconds are enough for a frame that never loads.
    script = (
        "<script>const go=()=>location.replace(document.getElementById('next').href);"
        "addEventListener('load',go);setTimeout(go,3000);</script>"
        if target
        else ""
    )
    return _document(
        "Signed out",
        "<h1>You signed out of your account</h1>"
        f"<p>It’s a good idea to close all browser windows.</p>{link}{frame}",
        script,
    )


def start(name: str, issuer: str, people: Iterable[Person]) -> str:
    rows = "".join(
        f"<dt>{escape(person.name)}</dt><dd>{escape(person.mail or person.upn)}"
        f'<br><span class="soft">{escape(person.case)}</span></dd>'
        for person in people
    )
    return _document(
        f"Simulated Entra tenant {name}",
        f"<h1>Simulated Entra tenant {escape(name)}</h1>"
        f'<p class="text">Issuer URL: {escape(issuer)}</p><dl>{rows}</dl>',
    )


def lookup(code: str) -> str:
    entry = next((CATALOGUE[each] for each in CATALOGUE if str(each) == code), None)
    text = entry.text.format_map(_Names()) if entry else "No such error code here."
    return _document(
        "Error lookup", f'<h1>AADSTS{escape(code)}</h1><p class="text">{escape(text)}</p>'
    )
