"""One process does the stages of a run, where each command would start one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.host.environment import LOGS, STATE, private_folder
from flows.host.servers import serve
from flows.stage.ask import STANDING

PLACE = STATE / "stage.sock"


@contextmanager
def standing_process(root: Path) -> Iterator[None]:
    """Let one process of this workspace do every stage command of the block; the environment names it."""
    if os.environ.get(STANDING):
        yield
        return
    place = root / PLACE
    private_folder(place.parent)
    place.unlink(missing_ok=True)
    # a socket's path is short, a workspace's may be long
    command = [sys.executable, "-m", "flows.stage.server", str(PLACE)]
    with serve(command, place.is_socket, root / LOGS / "stages.txt", "process for the stages"):
        os.environ[STANDING] = str(PLACE)
        try:
            yield
        finally:
            del os.environ[STANDING]
            place.unlink(missing_ok=True)
