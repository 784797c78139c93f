"""Runs import-linter by the interpreter in use: its own script names the folder it was installed to."""

import sys

from importlinter.cli import lint_imports_command

if __name__ == "__main__":
    sys.exit(lint_imports_command())
