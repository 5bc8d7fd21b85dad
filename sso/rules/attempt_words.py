"""What a recorded sign-in says in short, in sentences for an administrator (product.md)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sso.rules.claims import GroupsSource
from sso.rules.meanings import explain_reason
from sso.rules.reasons import Reason

_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "confirmed": "Signed in once more to confirm a sensitive change.",
        "email_kept": "The e-mail address stayed as it was: another account holds the new one.",
        "graph_not_allowed": (
            "Microsoft Graph did not let PatchMon read the groups: the permission User.Read is"
            " missing."
        ),
        "object_id_elsewhere": (
            "The account of this subject signed in. Its object ID is tied to another account, and"
            " stays there."
        ),
        "password_removed": "The account was linked by its e-mail address; its password is gone.",
        "would_create": "A real sign-in would create an account.",
        "would_link": "A real sign-in would link an existing account.",
        "would_refuse": "A real sign-in would be refused.",
        "would_signin": "A real sign-in would be let in.",
    }
)
_GRAPH = "graph:"
_IGNORED = "ignored:"

_SOURCES: Mapping[GroupsSource, str] = MappingProxyType(
    {
        GroupsSource.TOKEN: "ID token",
        GroupsSource.USERINFO: "Userinfo",
        GroupsSource.GRAPH: "Microsoft Graph",
        GroupsSource.OVERAGE: "More groups than the ID token holds, and Graph was not asked",
        GroupsSource.ABSENT: "Nowhere: no groups claim, and Graph did not tell either",
        GroupsSource.INCOMPLETE: "Not all of them could be read",
    }
)


def note_words(note: str) -> str:
    """Return the sentence of a note; one that has none is a sentence already."""
    if note.startswith(_IGNORED):
        return f"The claim {note.removeprefix(_IGNORED)} had a shape that PatchMon does not use."
    reason = note.removeprefix(_GRAPH)
    if note.startswith(_GRAPH) and reason in list(Reason):
        return f"Microsoft Graph did not answer: {explain_reason(Reason(reason)).happened}"
    return _NOTES.get(note, note)


def source_words(source: str) -> str:
    """Say where the groups came from, by the name that is recorded."""
    return _SOURCES[GroupsSource(source)] if source in list(GroupsSource) else source
