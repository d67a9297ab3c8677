"""Measure what a release costs end to end, and what that makes of many hours and many clips.

    python -m tools.benchmark.release [--clips 1 4 16] [--seconds 10 60 600] [--workers 1 2] [--height 720]

Every size of release is run by `guise run` in a workspace of its own, on the sample cohort's pictures at
another size and length, a subject a clip: on so many dask workers, a core each, or with `--workers 0` as it
comes.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import scipy

from flows.demo.memory import PeakMemory
from flows.demo.sample import CLIPS, COLUMNS
from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.host.servers import prefect_server
from flows.screen.console import show_table
from flows.workspace.graph import graph_order
from flows.workspace.inbox import take_inbox
from flows.workspace.make import HERE, make_workspace
from schemas.reports import StageReport
from tasks.files.documents import read_document
from tasks.files.errors import StageError
from tasks.models.fetch import fetch_member
from tasks.video.stretch import RATE, stretch_clip
from tools.benchmark.graph import cluster

# close-ups; the first in front of a still wall, the third in front of a moving street
SOURCES = (CLIPS[2], CLIPS[1], CLIPS[0], CLIPS[3])
SHARES = ("control", "extract", "targets", "deidentify", "compare", "validate")
BOUNDED = ("compare", "validate", "targets")  # which may take so much of all extraction


@dataclass(frozen=True)
class Size:
    """So many clips of so many seconds, on so many workers; 0: threads of one process, on every core."""

    clips: int
    seconds: float
    workers: int

    @property
    def frames(self) -> int:
        return round(self.clips * self.seconds * RATE)


@dataclass(frozen=True)
class Cost:
    """What a release of a size took; stage_s: stage -> seconds, of the compared methods as one."""

    size: Size
    seconds: float
    peak_gb: float
    stage_s: dict[str, float]


def fill(inbox: Path, size: Size, height: int) -> None:
    """Write clips of a size, no two alike, and their manifest."""
    inbox.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(size.clips):
        one = SOURCES[number % len(SOURCES)]
        frames = round(size.seconds * RATE) + number // len(SOURCES)
        whole = fetch_member(one.source, one.member, one.sha256)
        stretch_clip(whole, inbox / f"{number:04}.mp4", height=height, frames=frames)
        rows.append([f"{number:04}.mp4", f"Patient {number}", "s1", "speed", "yes", "2099-12-31", "", ""])
    with (inbox / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


def measure(size: Size, height: int) -> Cost:
    """Release a cohort of a size as a person does. Raises StageError where it fails."""
    with tempfile.TemporaryDirectory(prefix="guise-benchmark-") as scratch, ExitStack() as stack:
        root = Path(scratch) / "release"
        make_workspace(root)
        with ProcessPoolExecutor(1) as aside:  # whose memory is not that of a release
            aside.submit(fill, root / "data/inbox", size, height).result()
        os.chdir(root)
        stack.callback(os.chdir, HERE)
        os.environ |= {"PREFECT_HOME": str(root / ".guise/prefect"), "PYTHONPATH": str(root)}
        stack.enter_context(prefect_server(root))
        take_inbox(root, root / "data/inbox")
        _run(root, "ingest")  # what admits a clip decodes it once; the weights are here from then on
        _run(root, "models")
        if size.workers:
            stack.enter_context(cluster(root, size.workers))
        memory = stack.enter_context(PeakMemory())
        seconds = _run(root)
        return Cost(size, seconds, memory.peak_bytes / 1e9, stage_seconds(_reports(root)))


def _run(root: Path, *words: str) -> float:
    started = time.monotonic()
    command = [sys.executable, "-m", "flows.cli", "run", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageError(done.stderr.strip())
    return time.monotonic() - started


def _reports(root: Path) -> list[StageReport]:
    paths = [path for node in graph_order(root) for path in node.reports]
    return [read_document(path, StageReport) for path in paths if path.is_file()]


def stage_seconds(reports: Iterable[StageReport]) -> dict[str, float]:
    """Return what each stage took; extraction by arm, too, and every command of a compared method as one."""
    told: dict[str, float] = dict.fromkeys(SHARES, 0.0)
    for report in reports:
        is_compared = report.arm == "compared"
        name = "compare" if is_compared else report.stage
        told[name] = told.get(name, 0.0) + report.seconds
        if report.stage == "extract" and not is_compared:
            told[report.name] = report.seconds
    return told


def fit_costs(costs: list[Cost]) -> tuple[float, float, float]:
    """Return seconds a run, a clip and a frame that explain one kind of workers' times best, none below 0.

    Errors count by their share: else the longest release alone would decide.
    """
    sizes = np.array([[1, cost.size.clips, cost.size.frames] for cost in costs], float)
    seconds = np.array([cost.seconds for cost in costs])
    a_run, a_clip, a_frame = scipy.optimize.nnls(sizes / seconds[:, None], np.ones(len(costs)))[0]
    return float(a_run), float(a_clip), float(a_frame)


def tell(costs: list[Cost]) -> None:
    """Print a row for every size, and its stages as shares."""
    columns = ["workers", "clips", "seconds each", "frames", "run, s", "frames/s", "peak GB"]
    rows = [
        [str(one.size.workers or "-"), str(one.size.clips), f"{one.size.seconds:g}", str(one.size.frames),
         f"{one.seconds:.1f}", f"{one.size.frames / one.seconds:.2f}", f"{one.peak_gb:.2f}"]
        for one in costs
    ]  # fmt: skip
    show_table("Releases, end to end", columns, rows)
    show_table(
        "Seconds of each stage, and what three of them are of all extraction",
        ["workers", "clips", "seconds each", *SHARES, *(f"{name} of extraction" for name in BOUNDED)],
        [[*row[:3], *_stages(one)] for row, one in zip(rows, costs, strict=True)],
    )


def _stages(cost: Cost) -> list[str]:
    seconds = [f"{cost.stage_s[name]:.1f}" for name in SHARES]
    shares = [f"{cost.stage_s[name] / cost.stage_s['extract']:.2f}" for name in BOUNDED]
    return [*seconds, *shares]


def tell_on_paper(costs: list[Cost]) -> None:
    """Print what the measured times make of a hundred hours and of many clips, where three sizes were run."""
    rows = []
    for workers in sorted({cost.size.workers for cost in costs}):
        alike = [cost for cost in costs if cost.size.workers == workers]
        if len(alike) < 3:
            continue
        a_run, a_clip, a_frame = fit_costs(alike)
        hours = (a_run + 200 * a_clip + 100 * 3600 * RATE * a_frame) / 3600
        many = (a_run + 100_000 * a_clip + 100_000 * 10 * RATE * a_frame) / 3600
        figures = [f"{a_run:.1f}", f"{a_clip:.2f}", f"{1000 * a_frame:.1f}", f"{hours:.0f}", f"{many:.0f}"]
        rows.append([str(workers or "-"), *figures])
    if not rows:
        return
    columns = [
        "workers",
        "s a run",
        "s a clip",
        "ms a frame",
        "100 hours in 200 clips, h",
        "100,000 clips of 10 s, h",
    ]
    show_table("On paper", columns, rows)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 60, 600])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--height", type=int, default=720)
    told = parser.parse_args(words)
    keep_to_ourselves()
    costs = []
    for size in (Size(*one) for one in product(told.clips, told.seconds, told.workers)):
        costs.append(measure(size, told.height))
        tell(costs[-1:])
    if len(costs) > 1:
        tell(costs)
    tell_on_paper(costs)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
