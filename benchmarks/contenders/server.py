"""Gunicorn for the small sites, with the workers, threads and time limits of PatchMon's own."""

from __future__ import annotations

workers = 1
worker_class = "gthread"
threads = 8
timeout = 60
graceful_timeout = 15
keepalive = 65
accesslog = None
control_socket_disable = True
