"""What a browser without JavaScript sends of a page's form, and what its reader sees."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

SETTINGS = "/settings/oidc"
_UNSEEN = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


class _Form(HTMLParser):
    """Collect a form's successful controls; buttons are left to whoever presses one."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self._id = form_id
        self._inside = False
        self._text = ""
        self._select = ""

    def _counts(self, told: dict[str, str | None]) -> bool:
        owner = told.get("form")
        ours = owner == self._id if owner is not None else self._inside
        return ours and "disabled" not in told and bool(told.get("name"))

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "form":
            self._inside = told.get("id") == self._id
        elif tag == "option" and self._select and "selected" in told:
            self.data[self._select] = told.get("value") or ""
        elif not self._counts(told):
            return
        elif tag == "textarea":
            self._text = told["name"]
            self.data[self._text] = ""
        elif tag == "select":
            self._select = told["name"]
        elif tag == "input" and told.get("type") == "checkbox":
            if "checked" in told:
                self.data[told["name"]] = told.get("value") or "on"
        elif tag == "input":
            self.data[told["name"]] = told.get("value") or ""

    def handle_data(self, data):
        if self._text:
            self.data[self._text] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._text:
            # A line break straight after the tag is no part of the value.
            self.data[self._text] = self.data[self._text].removeprefix("\n")
            self._text = ""
        elif tag == "select":
            self._select = ""


def form_data(page: str, form_id: str = "settings-form") -> dict[str, str]:
    """Return what pressing a button of this form would send, without that button."""
    form = _Form(form_id)
    form.feed(page)
    return form.data


def typed_into(data: dict[str, str], values: dict[str, Any]) -> dict[str, str]:
    """Type over a form's data; True and False tick and untick a box."""
    typed = dict(data)
    for name, value in values.items():
        if value is False:
            typed.pop(name, None)
        else:
            typed[name] = "on" if value is True else value
    return typed


def press(browser, path: str = SETTINGS, *, page: Any = None, **values: Any) -> Any:
    """Open the settings page (or go on with one), type, and press a button that posts to a path."""
    page = browser.get(SETTINGS) if page is None else page
    return browser.post(path, typed_into(form_data(page.text), values))


def reads(page: Any) -> str:
    """Return the text of a page as somebody reads it."""
    return " ".join(html.unescape(_UNSEEN.sub(" ", page.text)).split())


def errors_of(page: Any) -> dict[str, list[str]]:
    """Return what a settings page refuses, by field; {} after a redirect."""
    if page.status_code != 200:
        return {}
    forms = (page.context["form"], page.context["secret_form"])
    return {name: [str(text) for text in texts] for f in forms for name, texts in f.errors.items()}
