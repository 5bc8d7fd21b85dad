"""What a repair of typed input comes to: a value with notes, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NoteKind(StrEnum):
    #: What was put right.
    INFO = "info"
    #: What is saved as typed and may not be meant.
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class Note:
    kind: NoteKind
    text: str


@dataclass(frozen=True, slots=True)
class Repaired:
    value: str
    notes: tuple[Note, ...] = ()


class NotAcceptable(Exception):
    """Refuse what was typed: a sentence for the person, and what to put instead, if known."""

    def __init__(self, message: str, *, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def info(text: str) -> Note:
    return Note(NoteKind.INFO, text)


def amber(text: str) -> Note:
    return Note(NoteKind.AMBER, text)
