"""Peak memory of this process and everything that it started."""

import os
import threading
from types import TracebackType
from typing import Self

import psutil

INTERVAL_S = 0.5


class PeakMemory:
    """Sample the proportional set size of the process tree, in bytes, until the block ends."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process(os.getpid())
        while not self._stop.wait(INTERVAL_S):
            tree = [me, *me.children(recursive=True)]
            self.peak_bytes = max(self.peak_bytes, sum(map(_shared_out_bytes, tree)))


def _shared_out_bytes(process: psutil.Process) -> int:
    # pages that several processes share count once in all
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
