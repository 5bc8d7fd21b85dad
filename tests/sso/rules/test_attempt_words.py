"""Notes and sources of a recorded sign-in, in sentences."""

from __future__ import annotations

import pytest

from sso.rules.attempt_words import note_words, source_words
from sso.rules.claims import GroupsSource


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("email_kept", "another account holds the new one"),
        ("password_removed", "its password is gone"),
        ("graph_not_allowed", "the permission User.Read is missing"),
        (
            "graph:provider_timeout",
            "Microsoft Graph did not answer: The provider did not answer in",
        ),
        ("ignored:groups", "The claim groups had a shape"),
        ("confirmed", "to confirm a sensitive change"),
        ("would_signin", "would be let in"),
        ("photo: The photo is larger than 4 MiB.", "photo: The photo is larger than 4 MiB."),
        ("graph:of another version", "graph:of another version"),
    ],
)
def test_a_note_is_a_sentence(note, sentence):
    assert sentence in note_words(note)


def test_every_source_of_groups_has_words():
    words = {source: source_words(source.value) for source in GroupsSource}

    assert not {words[source] for source in words} & {source.value for source in words}
    assert source_words("") == ""
