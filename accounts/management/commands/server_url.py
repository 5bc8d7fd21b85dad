from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.origins import ServerUrlError, clean_server_url
from accounts.services import server_url, set_server_url


class Command(BaseCommand):
    help = "Show the Server URL in force, or change it when no browser gets in by the present one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", nargs="?", help="such as https://patchmon.example.com")

    def handle(self, *args: object, url: str | None = None, **options: object) -> None:
        if url:
            try:
                set_server_url(clean_server_url(url), actor=None)
            except ServerUrlError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(server_url())
