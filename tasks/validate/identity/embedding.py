"""Embed a cohort's probes in every arm, in threads side by side."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasks.validate.identity.attack import Probe, Sighting
from tasks.validate.identity.probes import embed_arm
from tasks.vision.recognisers import make_recognisers
from tasks.vision.sessions import shared_weights

MOST_THREADS = 4  # each holds its own models


def embed_all(root: Path, wanted: list[tuple[str, Probe]]) -> Iterator[Sighting]:
    """Yield what recognisers see of each (arm, probe), in their order; embeddings stay in memory."""
    # a device has one owner, and that is this thread, which holds its models already
    if shared_weights(root).inference.provider != "cpu":
        yield from (_embed(root, *one) for one in wanted)
        return
    count = min(len(os.sched_getaffinity(0)), MOST_THREADS)
    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(lambda one: _embed(root, *one), wanted)


def _embed(root: Path, arm: str, probe: Probe) -> Sighting:
    weights = shared_weights(root)
    return embed_arm(root, arm, probe, weights.once("recognisers", lambda: make_recognisers(weights)))
