"""The graph's nodes as Prefect tasks, one after the other."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from dvc.repo import Repo
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.host.environment import LOGS, RELEASE
from flows.host.prefect_settings import prefect_settings, without_heartbeat
from flows.stage.standing import standing_process
from flows.workspace.graph import Node, NodeResult, open_repo
from flows.workspace.ready import require_clips
from schemas.reports import StageReport
from tasks.files.clips import refusals_path
from tasks.files.documents import read_document
from tasks.files.errors import GuiseError, StageError

Tell = Callable[[NodeResult], None]


@task(task_run_name="{node.name}", cache_policy=NO_CACHE, persist_result=False)
def reproduce(node: Node, version: str | None) -> NodeResult:
    """Run one node of the graph if anything that it depends on has changed; version: for which release."""
    root = Path.cwd()
    before = [_written_ns(path) for path in node.reports]
    # in a thread, DVC leaves Ctrl-C to us
    with (
        open_repo(root) as repo,
        _words_to(root / LOGS / "dvc.txt"),
        _told(version),
        ThreadPoolExecutor(1) as aside,
    ):
        trouble = aside.submit(_repro, repo, node.name).result()
    told = [
        path for path, then in zip(node.reports, before, strict=True) if _written_ns(path) not in (0, then)
    ]
    reports = tuple(read_document(path, StageReport) for path in told)
    for report in reports:
        if report.failure:
            raise _with_exit_code(report)
    if trouble:
        raise StageError(
            f"{node.name} did not end (see {LOGS / 'dvc.txt'}): run the same command again, "
            "finished clips are kept"
        )
    return NodeResult(node.name, reports)


def _written_ns(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


def _repro(repo: Repo, node: str) -> bool:
    """Let DVC reproduce one node; return whether it could not. Its words go to where descriptor 2 leads."""
    try:
        repo.reproduce([node], single_item=True)
    except Exception:  # DVC's own, and whatever the disk does to it
        traceback.print_exc()
        return True
    return False


@contextmanager
def _told(version: str | None) -> Iterator[None]:
    """Tell the commands of the block for which release they run."""
    if not version:
        yield
        return
    os.environ[RELEASE] = version
    try:
        yield
    finally:
        del os.environ[RELEASE]


@contextmanager
def _words_to(log: Path) -> Iterator[None]:
    """Send what this process and its commands print to a file until the block ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = [os.dup(number) for number in (1, 2)]
    sys.stdout.flush()
    try:
        with log.open("wb") as sink:
            for number in (1, 2):
                os.dup2(sink.fileno(), number)
        yield
    finally:
        sys.stdout.flush()
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
            os.close(before)


def _with_exit_code(report: StageReport) -> GuiseError:
    error = StageError(report.failure)
    error.exit_code = report.exit_code
    return error


def replay(root: Path, nodes: list[Node], tell: Tell) -> list[NodeResult]:
    """Reproduce nodes of the graph as a Prefect flow, telling of each as it ends."""

    @flow(name="run", flow_run_name="run", persist_result=False)
    def run() -> list[NodeResult]:
        return replay_graph(root, nodes, tell)

    with prefect_settings(without_heartbeat()):
        return run()


def replay_graph(root: Path, nodes: list[Node], tell: Tell, version: str | None = None) -> list[NodeResult]:
    """Reproduce nodes of the graph, inside a flow, telling of each as it ends."""
    results = []
    with standing_process(root):
        for node in nodes:
            result = reproduce(node, version)
            tell(result)
            if node.name == "ingest" and len(nodes) > 1:
                require_clips(root)
            results.append(result)
    return results


def forget_refusals(root: Path) -> None:
    """Let stages try again what they could not process: without their word on it they are not done."""
    for path in (root / "data").rglob(refusals_path(Path()).name):
        path.unlink()
