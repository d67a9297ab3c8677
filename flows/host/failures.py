"""Unforeseen errors, told in one sentence."""

import errno
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.host.environment import LOGS
from tasks.files.errors import DiskError, GuiseError, InputError, StageError

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
# polars keeps the number of a system error in its text only
FULL_TEXTS = ("No space left on device", f"os error {errno.ENOSPC})", "Disk quota exceeded")
STOPPED = 130
# what stands in quotation marks, and whatever looks like a file
NAMES = re.compile(r"""'[^'\n]*'|"[^"\n]*"|\S*[/\\]\S*|\S+\.\w{2,4}\b""")


def describe_failure(error: BaseException, where: str) -> GuiseError:
    """Turn an unforeseen error into a sentence; its traceback stays in the workspace's own log."""
    for cause in _causes(error):
        number = getattr(cause, "errno", None)
        if number in FULL or any(text in str(cause) for text in FULL_TEXTS):
            return DiskError("the disk is full: free some space and run the same command again")
        if number in FORBIDDEN:
            return DiskError(f"{where} may not read or write a file here: check the folder's permissions")
    if any(type(cause).__module__.split(".")[0] in ("httpx", "httpcore") for cause in _causes(error)):
        return InputError(
            "the Prefect server does not answer any more: start it again and run the same command again, "
            "finished clips are kept"
        )
    log = keep_traceback(error, where.replace(" ", "-"))
    told = f"see {log}" if log else "and no log can be written here"
    return StageError(f"{where} failed unexpectedly ({type(error).__name__}): {told}")


def keep_traceback(error: BaseException, name: str) -> Path | None:
    """Write where an error came from into the workspace's log; return it, None where none can be written.

    Of its words, what may be a name is left out.
    """
    log = LOGS / f"{name}.txt"
    lines: list[str] = []
    for cause in _causes(error):
        words = NAMES.sub("...", str(cause))
        lines += [*traceback.format_tb(cause.__traceback__), f"{type(cause).__name__}: {words}\n\n"]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(lines), "utf-8")
    except OSError:
        return None
    return log


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def exit_code_of(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; a failure is one sentence on stderr."""
    try:
        return run()
    except KeyboardInterrupt:
        print("guise: stopped; the same command carries on where it was", file=sys.stderr)
        return STOPPED
    except Exception as error:
        known = error if isinstance(error, GuiseError) else describe_failure(error, "guise")
        print(f"guise: {known}", file=sys.stderr)
        return known.exit_code
