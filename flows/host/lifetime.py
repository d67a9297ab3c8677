"""How processes end: with the one that started them, by prctl(PR_SET_PDEATHSIG) of Linux, and at once."""

import atexit
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

PR_SET_PDEATHSIG = 1
UNHEARD = 120  # as Python says that nobody took its last words
# of a parent that ended before it was asked for nobody is told
LAUNCH = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGTERM); "
    "os.getppid() == int(sys.argv[1]) and os.execvp(sys.argv[2], sys.argv[2:])"
)


def end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def ending_with_parent(command: list[str]) -> list[str]:
    """Return the command so that it ends when the thread that starts it ends."""
    return [sys.executable, "-c", LAUNCH, str(os.getpid()), *command]


def run_and_leave(run: Callable[[], int]) -> NoReturn:
    """Run a command and end this process with its exit code.

    What it registered for the end is done. What was imported is not taken apart: that takes up to a second.
    """
    code = [1]
    # what was registered first is called last
    atexit.register(lambda: _leave(code[0]))
    try:
        code[0] = run()
    except SystemExit as end:
        code[0] = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    sys.exit(code[0])


def _leave(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = UNHEARD
    os._exit(code)
