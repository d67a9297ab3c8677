"""One run at a time works in a workspace; the kernel lets go when its process ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.environment import STATE
from tasks.errors import InputError

LOCK = STATE / "run.lock"


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keep every other run out until the block ends. Raises InputError where one is at work."""
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                "another run is at work in this workspace: try again when it has ended"
            ) from None
        yield
