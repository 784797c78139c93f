#!/usr/bin/env python
"""Django's command line for SalesOps."""

import os
import sys


def main() -> None:
    """Runs a command; a mistake in the environment is told as sentences, not as a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
    from salesops.wall.context import this_program_is

    this_program_is("a command")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        if "-v3" in sys.argv or "--traceback" in sys.argv:
            raise
        sys.exit(f"Error: {problem}")


if __name__ == "__main__":
    main()
