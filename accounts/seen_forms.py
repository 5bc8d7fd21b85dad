from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.roles import Role
from accounts.seen import ChangedMeanwhile, both_values


class SeenFields(forms.BaseForm):
    """A form that sends along what it showed, so that an old page overwrites nothing."""

    def tell(self, *names: str) -> None:
        """Let the page carry what it shows of these fields."""
        for name in names:
            if name in self.fields:
                self.fields[name].show_hidden_initial = True

    def seen(self) -> dict[str, Any]:
        """Return what the editor was shown, by field name, as far as the page tells it."""
        shown = {}
        for name, field in self.fields.items():
            told = self.data.get(self.add_initial_prefix(name))
            if field.show_hidden_initial and not field.disabled and told is not None:
                try:
                    shown[name] = field.to_python(told)
                except ValidationError:
                    # Nobody's page says so: as if it said nothing.
                    continue
        return shown

    def refuse_changed(self, changed: ChangedMeanwhile, *, button: str = "Save") -> None:
        """Name both values at each field that somebody else changed meanwhile."""
        told = {name: self.data[name] for name in self.data}
        for name, (mine, theirs) in changed.conflicts.items():
            text = both_values(_shown(mine), _shown(theirs), button=button)
            self.add_error(name, text)
            # From here on they have seen the other's value of these fields, and of no others.
            told[self.add_initial_prefix(name)] = theirs
        self.data = told


def _shown(value: Any) -> Any:
    try:
        return Role(value).label
    except ValueError:
        return value
