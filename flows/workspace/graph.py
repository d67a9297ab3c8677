"""The graph of dvc.yaml, read and never repeated."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import networkx
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import PipelineStage

from flows.host.environment import LOGS, REPORTS, let_go
from flows.host.failures import keep_traceback
from flows.workspace.lockfile import quicken_files
from flows.workspace.looking import NoRunCache, forget_lists, lighten_dependencies, looking_once
from schemas.reports import StageReport
from tasks.files.errors import InputError

logging.getLogger("dvc").setLevel(logging.CRITICAL)
quicken_files()
lighten_dependencies()


@dataclass(frozen=True)
class Node:
    """A node of the graph, and where each stage of its commands leaves a report."""

    name: str
    reports: tuple[Path, ...]


@dataclass(frozen=True)
class NodeResult:
    """How one node of the graph went; reports: one per stage command that ran, none if unchanged."""

    node: str
    reports: tuple[StageReport, ...] = ()

    @property
    def unchanged(self) -> bool:
        return not self.reports


def init_repo(root: Path) -> None:
    """Let DVC begin in a git repository. Raises InputError."""
    with _in_a_sentence():
        Repo.init(str(root)).close()


@contextmanager
def open_repo(root: Path) -> Iterator[Repo]:
    """Open the workspace for DVC. Raises InputError."""
    with _in_a_sentence(), Repo(str(root)) as repo:
        repo.stage_cache = NoRunCache(repo)
        try:
            yield repo
        finally:
            forget_lists()


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    try:
        yield
    except DvcException as error:
        # its words may name a patient's file
        keep_traceback(error, "dvc-reading")
        raise InputError(
            f"DVC cannot read the workspace ({type(error).__name__}): see {LOGS / 'dvc-reading.txt'}"
        ) from None


def graph_order(root: Path, upto: str | None = None) -> list[Node]:
    """Return the nodes of dvc.yaml in an order in which each follows what it depends on.

    upto: a stage name; only what it needs is returned. Raises InputError for an unknown one.
    """
    with open_repo(root) as repo:
        graph = repo.index.graph
        wanted = set(graph)
        if upto:
            named = [stage for stage in graph if _is_named(stage, upto)]
            if not named:
                raise InputError(f"there is no stage {upto} in dvc.yaml")
            wanted = set(named).union(*(networkx.descendants(graph, stage) for stage in named))
        order = networkx.lexicographical_topological_sort(
            graph.subgraph(wanted).reverse(copy=True), key=lambda stage: stage.addressing
        )
        return [
            Node(stage.addressing, _reports(stage)) for stage in order if isinstance(stage, PipelineStage)
        ]


def _reports(stage: PipelineStage) -> tuple[Path, ...]:
    commands = [stage.cmd] if isinstance(stage.cmd, str) else stage.cmd or []
    named = [one for command in commands for one in command.partition("flows.stage")[2].split()]
    return tuple(REPORTS / f"{one.replace(':', '-')}.json" for one in named)


def _is_named(stage: object, name: str) -> bool:
    return isinstance(stage, PipelineStage) and name in (stage.name, stage.name.split("@")[0])


def changed_nodes(root: Path) -> list[str]:
    """Return which nodes are not what dvc.lock says they are."""
    with open_repo(root) as repo, looking_once(repo):
        changed = sorted(repo.status())
    del repo
    let_go()  # DVC's objects know one another, and go with none
    return changed
