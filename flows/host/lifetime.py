"""A killed parent leaves nothing behind: prctl(PR_SET_PDEATHSIG) of Linux."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
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
