"""DVC's look at files, taken once and let go: DVC looks anew for each node, and keeps all that it saw."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import dvc.dependency
from dvc.dependency.base import Dependency
from dvc.output import Output
from dvc.repo import Repo, lock_repo
from dvc.stage import Stage
from dvc.stage.cache import RunCacheNotFoundError, StageCache
from fsspec.implementations.memory import MemoryFileSystem


class NoRunCache(StageCache):
    """No runs of earlier days.

    DVC keeps none of a node whose outputs persist, but looks at all that the node reads to find that out.
    """

    def save(self, stage: object) -> None:
        pass

    def restore(self, stage: Any, **_: object) -> None:
        raise RunCacheNotFoundError(stage)


class LeanDependency(Dependency):
    """What a node reads, of which the hash is kept and not the list of its files."""

    def save(self) -> None:
        super().save()
        self.obj = None
        forget_lists()


def lighten_dependencies() -> None:
    """Let DVC keep in this process no lists of what nodes read."""
    dvc.dependency.Dependency = LeanDependency


@contextmanager
def looking_once(repo: Repo) -> Iterator[list[Stage]]:
    """Give the block all stages; what several of them name is looked at once: nothing may be written."""
    known: dict[tuple[str, str], object] = {}

    def hash_of(one: Output) -> object:
        key = (one.fs_path, one.hash_name)
        if key not in known:
            known[key] = type(one).get_hash(one)
            forget_lists()
        return known[key]

    with lock_repo(repo):
        for stage in repo.index.stages:
            for one in (*stage.outs, *stage.deps):
                if type(one) in (Output, LeanDependency):
                    one.get_hash = partial(hash_of, one)
        yield repo.index.stages


def forget_lists() -> None:
    """Let go of the lists of files that DVC made: each stands in a store of this process, for good."""
    MemoryFileSystem.store.clear()
