"""The WSGI application; before setup it prints where the first-run wizard is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, Final

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchmon.settings")
_django = get_wsgi_application()
# Needs the apps to be loaded, which the line above does.
from patchmon.first_run import setup_notice  # noqa: E402

_CHARSET: Final = re.compile(r""";\s*charset\b[^;=]*=\s*("[^"]*"|[^;]*)""", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request, read as UTF-8 whatever it says of itself.

    Django decodes queries and forms by the codec that Content-Type names while it makes the
    request, before anything can catch that Python has codecs that decode no text.
    """
    if content_type := environ.get("CONTENT_TYPE"):
        environ["CONTENT_TYPE"] = _CHARSET.sub("", content_type)
    return _django(environ, start_response)


if notice := setup_notice():
    print(notice, file=sys.stdout, flush=True)  # noqa: T201 - for whoever watches the start
