"""Makes a login on the command line: the way the first administrator comes to be."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.selectors.people import people_by_email_or_name
from organization.services import OrganizationError, create_login
from salesops.passwords import generated_password


class Command(BaseCommand):
    """Exit code 0: made; 1: refused, with the reason."""

    help = "Create a login with roles. Roles given here need no second administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, as what, with which password."""
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="shown name")
        parser.add_argument(
            "--role", action="append", required=True, type=str.upper, choices=[role.value for role in Role],
            help="at least one; may be given several times",
        )  # fmt: skip
        parser.add_argument("--person", default="", help="name or e-mail address of the person this login is")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input (one line)"
        )
        parser.add_argument(
            "--generate-password", action="store_true", help="make a password and print it, once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the login."""
        scope = Scope.system("login created on the command line")
        password, shown = self._password(options)
        person_id = self._person(options["person"], scope) if options["person"] else None
        try:
            create_login(
                email=options["email"], name=options["name"], password=password, roles=options["role"],
                person_id=person_id, scope=scope,
            )  # fmt: skip
        except OrganizationError as error:
            raise CommandError(error.message) from error
        roles = ", ".join(options["role"])
        self.stdout.write(f"{options['email']} created ({roles}).{shown}")

    def _password(self, options: dict[str, Any]) -> tuple[str, str]:
        if options["generate_password"]:
            password = generated_password(email=options["email"], name=options["name"])
            return password, f" Password: {password}"
        if options["password_stdin"]:
            return sys.stdin.readline().rstrip("\n"), ""
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Again: "):
            raise CommandError("The two passwords differ.")
        return first, ""

    def _person(self, text: str, scope: Scope) -> int:
        by_email, by_name = people_by_email_or_name(scope)
        found = (
            [by_email[text.casefold()]] if text.casefold() in by_email else by_name.get(text.casefold(), [])
        )
        if len(found) != 1:
            raise CommandError(f"{text!r} fits {len(found)} people; use the e-mail address of one.")
        return found[0]
