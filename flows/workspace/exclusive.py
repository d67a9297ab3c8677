"""One run at a time works in a workspace; the kernel lets go when its process ends, however it ends."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.host.environment import STATE
from tasks.files.errors import InputError

LOCK = STATE / "run.lock"


@contextmanager
def alone(root: Path, *, before_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Keep every other run out until the block ends.

    before_waiting: called where another run is at work, whose end is then awaited; without it that is an
    InputError.
    """
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not before_waiting:
                raise InputError(
                    "another run is at work in this workspace: try again when it has ended"
                ) from None
            before_waiting()
            fcntl.flock(stream, fcntl.LOCK_EX)
        _forget_broken_lock(root)
        yield


def _forget_broken_lock(root: Path) -> None:
    """Remove DVC's list of who reads and writes if a kill broke it off: DVC would refuse it for ever."""
    path = root / ".dvc/tmp/rwlock"
    try:
        if path.is_file():
            json.loads(path.read_bytes())
    except ValueError:
        path.unlink(missing_ok=True)
