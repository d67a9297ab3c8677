"""Stages one after the other: what the last one imported and opened, the next one finds.

    python -m flows.stage.server SOCKET

While nobody asks, it imports what may be asked for next. It ends with the process that started it, and with
whoever asked for a stage and went away.
"""

import faulthandler
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flows.host.environment import API_URL, collect_seldom
from flows.host.lifetime import end_with_parent
from flows.host.prefect_settings import api_setting, prefect_settings, without_heartbeat
from flows.stage.ask import TOLD

LOOK_S = 0.2


def stand(place: str) -> None:
    """Run a stage for everybody who asks; Prefect's settings and client stay from one to the next."""
    os.umask(0o077)
    with socket.socket(socket.AF_UNIX) as door, ExitStack() as kept:
        door.bind(place)
        door.listen()
        # whoever asks meanwhile waits
        from flows.stage.job import code_here
        from flows.stage.load import STAGES, load_stage
        from flows.stage.run import run_and_report

        waiting = list(STAGES)
        while True:
            while waiting and not _is_there(door):
                load_stage(waiting[0])
                code_here(waiting.pop(0))
            link, _ = door.accept()
            with link:
                asked = json.loads(link.makefile().readline())
                _take_environment(asked["environment"])
                _keep_client(kept)
                with _ending_with(link):
                    code = run_and_report(asked["name"], asked["arm"])
                # from here on whoever asked may go away
                link.sendall(f"{code}\n".encode())


def _keep_client(kept: ExitStack) -> None:
    """Hold a client of the Prefect server: making one takes longer than asking something of it."""
    from prefect.context import SyncClientContext

    held = SyncClientContext.get()
    if held is not None and str(held.client.api_url).rstrip("/") == os.environ.get(API_URL, "").rstrip("/"):
        return
    kept.close()  # beside one that is held no other is made
    kept.enter_context(prefect_settings({**without_heartbeat(), **api_setting()}))
    kept.enter_context(SyncClientContext())


def _take_environment(told: dict[str, str]) -> None:
    for name in TOLD:
        os.environ.pop(name, None)
    os.environ.update(told)


def _is_there(link: socket.socket) -> bool:
    """Return whether somebody is at the door, or something was said or ended."""
    return bool(select.select([link], [], [], 0)[0])


@contextmanager
def _ending_with(link: socket.socket) -> Iterator[None]:
    """End this process where the one that asked is gone before its stage is done."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_S):
            if _is_there(link):
                os._exit(1)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    collect_seldom()
    # what native code does to this process is told in its log
    faulthandler.enable()
    end_with_parent()
    stand(sys.argv[1])
