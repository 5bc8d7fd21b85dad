"""`python -m patchmon` serves PatchMon: the settings are judged before gunicorn itself is loaded.

Gunicorn reads WEB_CONCURRENCY the moment it is imported, and ends in a traceback over nonsense.
"""

from __future__ import annotations

import sys

from patchmon.start import judged, run_gunicorn

if __name__ == "__main__":
    judged()
    run_gunicorn(*sys.argv[1:])
