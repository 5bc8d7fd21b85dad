"""Gunicorn's configuration: threads in one process, more processes by WEB_CONCURRENCY."""

from __future__ import annotations

import os
from typing import Any

from patchmon.logs import configure

bind = f"0.0.0.0:{os.environ.get('PORT') or 3000}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 1)
worker_class = "gthread"
threads = 8
# A callback may wait ten seconds for the provider; past this a worker is stuck.
timeout = 60
graceful_timeout = 15
keepalive = 65
# An authorization code in a callback's address, and no more.
limit_request_line = 8190
# The access log would hold authorization codes.
accesslog = None
# Several instances of one user would share its path, and nobody here asks it anything.
control_socket_disable = True
# The proxy's headers are judged by TRUST_PROXY alone.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
logconfig_dict: dict[str, Any] = configure(
    log_format=os.environ.get("LOG_FORMAT") or "json",
    level=os.environ.get("LOG_LEVEL") or "info",
)
