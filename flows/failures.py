"""Unforeseen errors, told in one sentence."""

import errno
import sys
import traceback
from collections.abc import Callable

from flows.environment import LOGS
from tasks.errors import DiskError, GuiseError, StageError


def describe_failure(error: Exception, where: str) -> GuiseError:
    """Turn an unforeseen error into a sentence; its traceback stays in the workspace's own log."""
    if getattr(error, "errno", None) == errno.ENOSPC:
        return DiskError("the disk is full: free some space and run the same command again")
    log = LOGS / f"{where.replace(' ', '-')}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(traceback.format_exception(error)))
    return StageError(f"{where} failed unexpectedly ({type(error).__name__}): see {log}")


def exit_code_of(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; a failure is one sentence on stderr."""
    try:
        return run()
    except Exception as error:
        known = error if isinstance(error, GuiseError) else describe_failure(error, "guise")
        print(f"guise: {known}", file=sys.stderr)
        return known.exit_code
