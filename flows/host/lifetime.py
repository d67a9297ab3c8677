"""A killed parent leaves nothing behind: prctl(PR_SET_PDEATHSIG) of Linux."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1
LAUNCH = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGTERM); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


def end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def ending_with_parent(command: list[str]) -> list[str]:
    """Return the command so that it ends when the thread that starts it ends."""
    return [sys.executable, "-c", LAUNCH, *command]
