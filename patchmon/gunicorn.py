"""Gunicorn's configuration: threads in one process, more processes by WEB_CONCURRENCY."""

from __future__ import annotations

from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from patchmon.logs import configure
from patchmon.start import judged

# Before anything listens. A worker that stops over a bad value would be replaced for ever.
_start = judged()

bind = f"0.0.0.0:{_start.port}"
workers = _start.processes
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
logconfig_dict: dict[str, Any] = configure(log_format=_start.log_format, level=_start.log_level)


def on_starting(server: Arbiter) -> None:
    """Judge the number of processes that really start: gunicorn's own --workers wins."""
    if server.cfg.workers != workers:
        judged(WEB_CONCURRENCY=str(server.cfg.workers))


def on_reload(server: Arbiter) -> None:
    """Judge what the workers after a SIGHUP will read; stop the server where they would stop."""
    try:
        judged(WEB_CONCURRENCY=str(server.cfg.workers))
    except SystemExit:
        raise HaltServer("The settings cannot be used any more.", 1) from None
