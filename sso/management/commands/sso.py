"""Operate single sign-on from the command line (product.md, Command line)."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import set_password
from sso import conf
from sso.encryption import CannotDecrypt
from sso.environment_import import import_environment
from sso.provider.checkup.findings import Outcome
from sso.readiness import local_sign_in_open, readiness
from sso.rules.secret_expiry import EXPIRY_REMOVED
from sso.services.checkup_runs import run_all
from sso.services.checkup_settings import PLACE_LABELS
from sso.services.secret_expiry import secret_expiry
from sso.services.settings import Saved, SettingsConflict
from sso.services.upkeep import open_local_sign_in, rotate_keys
from sso.settings_document import (
    READ_ONLY,
    SECRET_KEY,
    DocumentRefused,
    apply_document,
    read_document,
)

MOST_MINUTES = 24 * 60


class Command(BaseCommand):
    help = "Look at single sign-on, switch it, move its settings, and open the way back in."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("status", help="say whether SSO is ready, and why not")
        actions.add_parser("check", help="check the configuration step by step")
        actions.add_parser("enable", help="switch SSO on, where it can work")
        actions.add_parser("disable", help="switch SSO off")
        export = actions.add_parser("export", help="write every setting but the secret as JSON")
        export.add_argument("file", nargs="?", type=Path, help="left out: standard output")
        load = actions.add_parser("import", help="change the settings that a JSON file names")
        load.add_argument("file", type=Path)
        load.add_argument("--secret-from", metavar="VARIABLE", help="take the secret from there")
        load.add_argument(
            "--secret-stdin", action="store_true", help="take the secret from standard input"
        )
        actions.add_parser("import-env", help="copy the OIDC_* variables into the database")
        actions.add_parser("rotate-keys", help="encrypt the stored secret with the first key")
        password = actions.add_parser("set-password", help="give an account a password")
        password.add_argument("user")
        way_back = actions.add_parser(
            "allow-local-login", help="accept passwords although SSO is enforced"
        )
        way_back.add_argument("--minutes", type=int, required=True, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"].replace("-", "_")
        getattr(self, f"do_{action}")(options)

    def do_status(self, options: Mapping[str, Any]) -> None:
        config = conf.current()
        state = readiness(config)
        source = "environment" if config.from_environment else "database"
        self.stdout.write(f"{state.cause.value}: {state.explanation}")
        if state.detail:
            self.stdout.write(f"detail: {state.detail}")
        self.stdout.write(f"configured by: {source}")
        expiry = secret_expiry(config)
        if expiry is not None:
            self.stdout.write(expiry.happened)
        self.stdout.write(f"passwords accepted: {'yes' if local_sign_in_open(config) else 'no'}")

    def do_check(self, options: Mapping[str, Any]) -> None:
        config = conf.current()
        check = run_all(config)
        for result in check.steps:
            self.stdout.write(f"{result.step.number}. {result.step.label}: {result.outcome.label}")
            for finding in result.findings:
                self.stdout.write(f"   {finding.happened}")
                where = PLACE_LABELS.get(finding.place, "")
                for text in (finding.cure, where and f"field: {where}", finding.blade.value):
                    if text:
                        self.stdout.write(f"   → {text}")
        if check.ended.outcome is Outcome.FAILED:
            raise CommandError(check.ended.sentence)
        self.stdout.write(check.ended.sentence)

    def do_enable(self, options: Mapping[str, Any]) -> None:
        _apply({"oidc_enabled": True})
        self.stdout.write("SSO is enabled.")

    def do_disable(self, options: Mapping[str, Any]) -> None:
        _apply({"oidc_enabled": False})
        self.stdout.write("SSO is off.")

    def do_export(self, options: Mapping[str, Any]) -> None:
        document = read_document()
        kept = {key: value for key, value in document.items() if key not in READ_ONLY}
        kept.pop("version")
        text = json.dumps(kept, indent=2) + "\n"
        if options["file"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            options["file"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from None

    def do_import(self, options: Mapping[str, Any]) -> None:
        try:
            document = json.loads(options["file"].read_text(encoding="utf-8"))
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from None
        except (ValueError, RecursionError):
            raise CommandError(f"{options['file']} is no JSON document.") from None
        secret = _secret(options)
        if secret is not None and isinstance(document, dict):
            document[SECRET_KEY] = secret
        saved = _apply(document)
        self.stdout.write("The settings are saved.")
        if saved.expiry_removed:
            self.stdout.write(EXPIRY_REMOVED)

    def do_import_env(self, options: Mapping[str, Any]) -> None:
        config = conf.current()
        if not config.from_environment:
            raise CommandError("No OIDC_* variable is set.")
        errors = import_environment(config, actor=None)
        if errors:
            raise CommandError(_one_line(errors))
        self.stdout.write("The values are in the database. Remove the OIDC_* lines and restart.")

    def do_rotate_keys(self, options: Mapping[str, Any]) -> None:
        try:
            found = rotate_keys()
        except CannotDecrypt:
            raise CommandError(
                "No key at hand opens the stored secret: put the earlier key back first."
            ) from None
        self.stdout.write(
            "The stored secret is encrypted with the first key."
            if found
            else "No client secret is stored, so there was nothing to encrypt."
        )

    def do_set_password(self, options: Mapping[str, Any]) -> None:
        try:
            user = User.objects.get_by_natural_key(options["user"])
        except User.DoesNotExist:
            raise CommandError(f"There is no account named {options['user']}.") from None
        password = _typed_password()
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        set_password(user, password, actor=None)
        self.stdout.write(f"{user.username} has a new password; other sessions were ended.")

    def do_allow_local_login(self, options: Mapping[str, Any]) -> None:
        minutes = options["minutes"]
        if not 0 <= minutes <= MOST_MINUTES:
            raise CommandError(f"Give between 0 and {MOST_MINUTES} minutes; 0 ends it.")
        until = open_local_sign_in(minutes)
        self.stdout.write(f"Passwords are accepted for {minutes} minutes, until {until:%H:%M} UTC.")


def _apply(document: Any) -> Saved:
    try:
        return apply_document(document, actor=None)
    except DocumentRefused as refused:
        raise CommandError(_one_line(refused.errors)) from None
    except SettingsConflict as conflict:
        raise CommandError(f"Changed meanwhile: {', '.join(conflict.conflicts)}.") from None


def _one_line(errors: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items())


def _secret(options: Mapping[str, Any]) -> str | None:
    name = options["secret_from"]
    if name:
        if not os.environ.get(name):
            raise CommandError(f"{name} is not set.")
        return os.environ[name]
    return sys.stdin.readline().strip() if options["secret_stdin"] else None


def _typed_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != first:
        raise CommandError("The two are not the same.")
    return first
