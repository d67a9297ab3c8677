"""Embed probes in every arm, in threads side by side; embeddings stay in memory."""

import ctypes
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
Wanted = list[tuple[str, Probe]]
Seen = Iterator[tuple[tuple[str, Probe], Sighting]]


def embed_all(root: Path, wanted: Wanted, extract: Extract) -> Seen:
    """Yield each (arm, probe) and what the judges see of it, in their order."""
    # a device has one owner, and that is this thread, which holds its models already
    if shared_weights(root).inference.provider != "cpu":
        yield from embed_here(root, wanted, extract)
        return
    count = min(len(os.sched_getaffinity(0)), MOST_THREADS)
    with ThreadPoolExecutor(count) as pool:
        yield from zip(wanted, pool.map(lambda one: _embed(root, one, extract), wanted), strict=True)
    give_back()


def give_back() -> None:
    """Return to the system what the models of threads that have ended held: glibc keeps it, some 300 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def embed_here(root: Path, wanted: Wanted, extract: Extract) -> Seen:
    """Do the same in this thread, whose models stay open: what few faces are worth."""
    for one in wanted:
        yield one, _embed(root, one, extract)


def _embed(root: Path, one: tuple[str, Probe], extract: Extract) -> Sighting:
    arm, probe = one
    return embed_arm(root, arm, probe, make_judges(shared_weights(root), extract))
