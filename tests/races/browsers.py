"""Browsers between which a race is run: what each holds is its cookies, nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from entra_sim.server import EntraSim
from tests.people import HOST
from tests.races.http import Answer, Job, perform

BACKEND = "accounts.backends.PasswordBackend"


@dataclass(slots=True)
class Browser:
    cookies: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, user: User) -> Self:
        """Return a browser in which somebody is signed in already."""
        client = Client(headers={"host": HOST})
        client.force_login(user, backend=BACKEND)
        return cls({name: morsel.value for name, morsel in client.cookies.items()})

    def get(self, path: str) -> Job:
        return Job(path=path, cookies=dict(self.cookies))

    def post(self, path: str, data: Mapping[str, str] | None = None) -> Job:
        return Job(path=path, method="post", data=dict(data or {}), cookies=dict(self.cookies))

    def away(self, sim: EntraSim, person: str) -> Job:
        """Press the button and pick a person; return the callback that is still to come."""
        start = self.take(perform(self.get(reverse("sso:login"))))
        assert start.status == 302, start.failure or start
        callback = urlsplit(sim.new_browser().sign_in(start.location, person))
        return self.get(f"{callback.path}?{callback.query}")

    def take(self, answer: Answer) -> Answer:
        """Keep the cookies of an answer."""
        for name, value in answer.cookies.items():
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def sign_in(self, sim: EntraSim, person: str) -> Answer:
        return self.take(perform(self.away(sim, person)))

    @property
    def has_session(self) -> bool:
        return settings.SESSION_COOKIE_NAME in self.cookies

    def signed_in(self) -> bool:
        """Say whether a page that asks for a sign-in lets this browser in."""
        return perform(self.get(reverse("sso:api-profile"))).status == 200

    def status(self, path: str) -> int:
        return perform(self.get(path)).status
