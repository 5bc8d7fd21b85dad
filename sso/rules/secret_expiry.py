"""When the client secret expires: the date that an administrator copied, seen from today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sso.rules.repaired import NotAcceptable

#: Time enough for whoever may make a new secret in Entra to be found and asked.
REMIND_DAYS = 30
EXPIRY_REMOVED = "The date on which the old secret expired was removed; enter the new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretExpiry:
    """The day on which the client secret stops working, and the day it is now."""

    on: date
    today: date

    @property
    def days_left(self) -> int:
        """Return the days until then: 0 on the day itself, negative after it."""
        return (self.on - self.today).days

    @property
    def is_reached(self) -> bool:
        return self.days_left <= 0

    @property
    def is_near(self) -> bool:
        """Say whether it is time to be reminded; it stays so from the day on."""
        return self.days_left <= REMIND_DAYS

    @property
    def kind(self) -> str:
        """Return the colour of the state, for a pill or a callout."""
        return "red" if self.is_reached else "amber" if self.is_near else "grey"

    @property
    def day(self) -> str:
        return f"{self.on.day} {self.on:%b} {self.on.year}"

    @property
    def words(self) -> str:
        """Return what fits into a pill."""
        return f"{'expired' if self.days_left < 0 else 'expires'} {self.day}"

    @property
    def heading(self) -> str:
        return f"The client secret {self._when}"

    @property
    def happened(self) -> str:
        """Return one sentence with the exact date."""
        if self.days_left > 0:
            return f"{self.heading}, on {self.day}."
        return f"{self.heading}, {self.day}." if self.days_left == 0 else f"{self.heading}."

    @property
    def cure(self) -> str:
        before = "" if self.is_reached else " before that day"
        return (
            "Make a new one in Entra → Certificates & secrets, paste its Value into Client Secret"
            f"{before}, enter its date below it and press Save; then delete the old one."
        )

    @property
    def text(self) -> str:
        """Return what it means, with the exact date, and what to do."""
        return (
            f"By the date that was entered, the provider refuses it from {self.day} on, and nobody"
            f" can sign in through SSO then. {self.cure}"
        )

    @property
    def _when(self) -> str:
        match self.days_left:
            case 0:
                return "expires today"
            case 1:
                return "expires tomorrow"
            case left if left > 0:
                return f"expires in {left} days"
            case _:
                return f"expired on {self.day}"


def not_past(day: date, *, today: date) -> None:
    """Refuse a day that has passed: it belongs to another secret, or this one works no more."""
    if day < today:
        raise NotAcceptable(
            "This day has passed. If Entra's column Expires says so too, make a new secret there"
            " and paste its Value above."
        )
