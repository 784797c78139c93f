"""What the launcher says: short lines, and signs of life during long steps."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

INTERACTIVE = sys.stdout.isatty()


class LauncherError(Exception):
    """Something the person at the keyboard can mend; the text says how."""


def say(text: str = "") -> None:
    """Prints a line; a closed terminal is no reason to stop."""
    with suppress(OSError, ValueError):
        print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator["Step"]:
    """Announces a step, shows seconds while it lasts, and says how long it took."""
    current = Step(title)
    current.start()
    try:
        yield current
    except BaseException:
        current.end("failed")
        raise
    current.end("")


class Step:
    """One line of progress: rewritten in place on a terminal, repeated every ten seconds elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.note = ""
        self.began = time.monotonic()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._show_life, daemon=True)

    def start(self) -> None:
        """Shows the title at once."""
        if INTERACTIVE:
            self._rewrite("…")
        else:
            say(f"  {self.title} …")
        self.thread.start()

    def end(self, outcome: str) -> None:
        """Leaves the final line behind."""
        self.over.set()
        self.thread.join()
        seconds = time.monotonic() - self.began
        words = " — ".join(word for word in (self.note, outcome) if word)
        line = f"  {self.title}{': ' + words if words else ''} ({seconds:.1f} s)"
        if INTERACTIVE:
            self._rewrite(line.strip(), final=True)
        elif seconds > 1 or words:
            say(line)

    def _show_life(self) -> None:
        while not self.over.wait(0.5 if INTERACTIVE else 10):
            text = f"{self.title} … {self.note} ({time.monotonic() - self.began:.0f} s)"
            if INTERACTIVE:
                self._rewrite(text)
            else:
                say(f"    {self.note or 'still at it'} ({time.monotonic() - self.began:.0f} s)")

    def _rewrite(self, text: str, *, final: bool = False) -> None:
        with suppress(OSError, ValueError):
            shown = text if text != "…" else f"{self.title} …"
            sys.stdout.write(f"\r\x1b[2K  {shown[:110]}" + ("\n" if final else ""))
            sys.stdout.flush()
