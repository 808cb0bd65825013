"""What the commands write: results on standard output, progress and complaints on standard error."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Final

_TRACEBACK: Final = "WHEREHOUSE_TRACEBACK"


def say(text: str) -> None:
    """Write a result to standard output: the only place of the package that does."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


@contextmanager
def ours_only(*, is_quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Progress on standard error, and nothing of what libraries write there: an error of theirs becomes one of ours."""
    screen = sys.stderr

    def progress(line: str) -> None:
        if not is_quiet:
            screen.write(f"[{time.process_time():6.1f} CPU s] {line}\n")
            screen.flush()

    with redirect_stderr(screen if os.environ.get(_TRACEBACK) == "1" else io.StringIO()):
        yield progress


def complain(text: str) -> None:
    """Say in one line why a command stopped."""
    if os.environ.get(_TRACEBACK) == "1":
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"wherehouse: {' '.join(text.split())}\n")
