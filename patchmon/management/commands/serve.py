"""Run PatchMon on a real WSGI server: what `make run` and `make demo` start."""

from __future__ import annotations

import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from patchmon.start import run_gunicorn


class Command(BaseCommand):
    help = "Migrate, collect the static files, and serve PatchMon on PORT until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], settings.PORT
        _require_free(host, port)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        self.stdout.write(f"PatchMon listens on http://{host}:{port}")
        sys.stdout.flush()
        run_gunicorn("--bind", f"{host}:{port}")


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise CommandError(
                f"Port {port} on {host} is taken. Stop what runs there, or set PORT to another."
            ) from None
