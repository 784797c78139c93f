#!/usr/bin/env python3
"""Starts SalesOps on a machine that has nothing but Python 3.11 or newer: see `python3 launch.py --help`.

This file is kept readable for old Pythons, so that they can say what is missing; the work is in `launcher/`, which
uses the standard library only.
"""

import os
import shutil
import subprocess
import sys

NEEDED = (3, 11)
CANDIDATES = ["python3.14", "python3.13", "python3.12", "python3.11"]


def find_newer_python():
    """The first newer Python on the PATH that really runs, or None."""
    for name in CANDIDATES:
        path = shutil.which(name)
        test = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
        if path and subprocess.call([path, "-c", test], stderr=subprocess.DEVNULL) == 0:
            return path
    return None


def main():
    """Hands over to the launcher, in a newer Python if this one is too old."""
    if sys.version_info < NEEDED:
        newer = find_newer_python()
        if newer:
            os.execv(newer, [newer, os.path.abspath(__file__)] + sys.argv[1:])  # noqa: PTH100, RUF005
        sys.stderr.write(
            "SalesOps needs Python 3.11 or newer; this is %d.%d and none newer is on the PATH.\n"  # noqa: UP031
            "On Debian or Ubuntu: apt install python3 python3-venv. On macOS: install Python from python.org.\n"
            % sys.version_info[:2]
        )
        return 1
    from launcher.cli import run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
