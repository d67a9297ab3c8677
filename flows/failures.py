"""Unforeseen errors, told in one sentence."""

import errno
import traceback

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
