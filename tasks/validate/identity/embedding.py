"""Embed a cohort's probes in every arm, in threads side by side."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from schemas.params.extract import Extract
from tasks.validate.identity.attack import Probe, Sighting
from tasks.validate.identity.judges import make_judges
from tasks.validate.identity.probes import embed_arm
from tasks.vision.sessions import shared_weights

MOST_THREADS = 4  # each holds its own models


def embed_all(root: Path, wanted: list[tuple[str, Probe]], extract: Extract) -> Iterator[Sighting]:
    """Yield what the judges see of each (arm, probe), in their order; embeddings stay in memory."""
    # a device has one owner, and that is this thread, which holds its models already
    if shared_weights(root).inference.provider != "cpu":
        yield from (_embed(root, arm, probe, extract) for arm, probe in wanted)
        return
    count = min(len(os.sched_getaffinity(0)), MOST_THREADS)
    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(lambda one: _embed(root, one[0], one[1], extract), wanted)


def _embed(root: Path, arm: str, probe: Probe, extract: Extract) -> Sighting:
    return embed_arm(root, arm, probe, make_judges(shared_weights(root), extract))
