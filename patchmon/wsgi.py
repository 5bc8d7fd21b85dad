"""The WSGI application; before setup it prints where the first-run wizard is."""

from __future__ import annotations

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchmon.settings")
application = get_wsgi_application()

# Needs the apps to be loaded, which the line above does.
from patchmon.first_run import setup_notice  # noqa: E402

if notice := setup_notice():
    print(notice, file=sys.stdout, flush=True)  # noqa: T201 - for whoever watches the start
