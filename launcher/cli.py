"""The launcher's command line."""

import argparse
import os
import sys
from pathlib import Path

from launcher.console import LauncherError, say
from launcher.places import ROOT, Places, default_var

EPILOG = """\
environment: SALESOPS_VAR (folder for data, default ./var), PORT (default 8000), HOST (default 127.0.0.1),
DATABASE_URL and REDIS_URL (use these servers instead of the embedded ones).
"""


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="launch.py",
        description="Starts SalesOps with everything it needs on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="start everything and watch over it until Ctrl-C")
    run.add_argument("--port", type=int, default=None, help="port of the web server (default: PORT or 8000)")
    run.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1", help="address to listen on")
    run.add_argument("--no-demo", action="store_true", help="start empty, without the demo company")
    test = commands.add_parser("test", help="run all checks and tests on services of their own")
    test.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="arguments for pytest; then the checks are left out"
    )
    execute = commands.add_parser(
        "exec", help="run a command with the services up: exec -- python manage.py doctor"
    )
    execute.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("stop", help="end a run of this var folder")
    commands.add_parser("status", help="say what is running; exit code 0 when ready, else 3")
    return parser


def run_command(arguments: list[str]) -> int:
    """Runs one command; mistakes the reader can mend are told in a sentence, not as a traceback."""
    options = build_parser().parse_args(arguments)
    try:
        return _dispatch(options)
    except LauncherError as problem:
        say()
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(options: argparse.Namespace) -> int:
    from launcher import commands, run, testing

    if options.command == "test":
        return testing.test(
            Places.of(Path(os.environ.get("SALESOPS_TEST_VAR") or ROOT / "var" / "test")), _rest(options)
        )
    places = Places.of(default_var())
    if options.command == "run":
        return run.run(places, host=options.host, port=_port(options.port), demo=not options.no_demo)
    if options.command == "exec":
        return commands.execute(places, _rest(options))
    return commands.stop(places) if options.command == "stop" else commands.status(places)


def _rest(options: argparse.Namespace) -> list[str]:
    rest = list(options.arguments)
    return rest[1:] if rest[:1] == ["--"] else rest


def _port(given: int | None) -> int:
    raw = os.environ.get("PORT") or "8000"
    if given is None and not (raw.isascii() and raw.isdigit()):
        raise LauncherError(f"PORT={raw!r} is not a number.")
    port = given if given is not None else int(raw)
    if not 1 <= port <= 65_535:
        raise LauncherError(f"{port} is not a port; choose one between 1 and 65535.")
    return port
