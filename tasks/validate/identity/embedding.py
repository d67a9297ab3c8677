"""Embed a cohort's probes in every arm, in processes side by side: dlib lets no other thread work."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import current_process, get_context, parent_process
from pathlib import Path

from tasks.validate.identity.attack import Probe, Sighting
from tasks.validate.identity.probes import embed_arm
from tasks.vision.recognisers import make_recognisers
from tasks.vision.sessions import shared_weights

# so many faces take as long as starting a process
WORTH_A_PROCESS = 60
MOST_PROCESSES = 4  # each holds its own models


def embed_all(root: Path, wanted: list[tuple[str, Probe]]) -> Iterator[Sighting]:
    """Yield what recognisers see of each (arm, probe), in their order; embeddings stay in memory."""
    faces = sum(len(probe.faces) for _, probe in wanted)
    count = min(len(os.sched_getaffinity(0)), MOST_PROCESSES, 1 + faces // WORTH_A_PROCESS)
    # a dask worker may start no process, and a device has one owner
    if count < 2 or current_process().daemon or shared_weights(root).inference.provider != "cpu":
        yield from (_embed(root, arm, probe) for arm, probe in wanted)
        return
    # this process does what nobody else has begun, since each more holds models and libraries of its own
    with ProcessPoolExecutor(count - 1, get_context("spawn"), _end_with_parent) as pool:
        sent = [(pool.submit(_embed, root, *one), one) for one in wanted]
        own = {place: _embed(root, *one) for place, (future, one) in enumerate(sent) if future.cancel()}
        for place, (future, _) in enumerate(sent):
            yield own[place] if place in own else future.result()


def _embed(root: Path, arm: str, probe: Probe) -> Sighting:
    weights = shared_weights(root)
    return embed_arm(root, arm, probe, weights.once("recognisers", lambda: make_recognisers(weights)))


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however it did."""
    threading.Thread(target=_outlive, daemon=True).start()


def _outlive() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)
