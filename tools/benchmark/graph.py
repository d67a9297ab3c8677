"""Measure what orchestration costs beside the work itself, and what a second dask worker brings.

    python -m tools.benchmark.graph overhead [--clips 100 1000 5000]
    python -m tools.benchmark.graph demo [--seconds 10]
    python -m tools.benchmark.graph workers [--seconds 90]

`demo` does the work of the whole graph over the sample cohort without Prefect and DVC, then with them, once
more without a change, and once more with every command but no work: a comment in the code has changed.
`overhead` sends many tiny clips through a stage, and then does the same work alone. `workers` extracts the
sample cohort on one dask worker and on two, each on a core of its own: so much of each clip that its longest,
which would be two thirds of the work, is half of it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from flows.demo.sample import cohort, prepare_demo
from flows.host.environment import REPORTS, RUNNER, keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.host.servers import HOST, Server, prefect_server, serve, serve_on_free_ports
from flows.screen.console import show_table
from flows.stage.libraries import note_libraries
from flows.stage.load import arms_of, load_stage
from flows.stage.runners import SCHEDULER, worker_count
from flows.workspace.graph import graph_order
from flows.workspace.inbox import take_inbox
from flows.workspace.make import CODE, HERE
from schemas.clips import CLIPS
from schemas.reports import StageReport
from tasks import models
from tasks.files.clips import CLIPS_PATH, video_path
from tasks.files.documents import read_document, read_params, write_table
from tasks.files.errors import StageError
from tasks.files.hashing import sha256_file
from tasks.files.tables import build_table
from tasks.models.fetch import fetch_member
from tasks.video import copy_streams, read_frames, read_info

TINY_S = 0.1
# what the stages leave in data/
MADE = ("models", "ingested", "control", "keypoints", "targets", "deidentified", "compare", "evidence")


@contextmanager
def scratch() -> Iterator[Path]:
    """Give the block a folder that holds this code and no clip."""
    folder = Path(tempfile.mkdtemp(prefix="guise-benchmark-"))
    try:
        for name in CODE:
            (folder / name).symlink_to(HERE / name)
        (folder / "data").mkdir()
        note_libraries(folder)
        os.chdir(folder)
        # nothing that was done before is known here
        os.environ["PREFECT_HOME"] = str(folder / ".guise/prefect")
        yield folder
    finally:
        os.chdir(HERE)
        shutil.rmtree(folder)


def admit(root: Path, videos: list[Path]) -> None:
    """Write videos and their table as `ingest` leaves them, a subject each."""
    rows = []
    for number, video in enumerate(videos):
        clip_id = f"clip-{number:016x}"
        path = root / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(video)
        info, count = read_info(path), sum(1 for _ in read_frames(path))
        rows.append(
            {
                "clip_id": clip_id, "subject": f"subject-{number:016x}", "session": "s1", "task": "speed",
                "width": info.shown_size_wh[0], "height": info.shown_size_wh[1], "rotation": 0,
                "time_base": str(info.time_base), "frame_count": count,
                "duration_s": count / float(info.frame_rate), "is_vfr": False,
                "codec": info.codec, "pix_fmt": info.pix_fmt,
                "has_audio": False, "audio": "none", "sha256": sha256_file(path), "status": "admitted",
            }
        )  # fmt: skip
    write_table(build_table(rows, CLIPS), CLIPS, root / CLIPS_PATH)


def excerpts(root: Path, seconds: float) -> list[Path]:
    """Cut an excerpt of every sample clip."""
    found = []
    for clip in cohort(seconds):
        target = root / clip.file
        whole = fetch_member(clip.source, clip.member, clip.sha256)
        copy_streams(whole, target, keep_audio=False, stop_s=seconds * clip.share)
        found.append(target)
    return found


def run_stage(name: str, arm: str) -> tuple[float, float]:
    """Run a stage as DVC does; return the seconds of the whole process, and of its clips.

    Raises StageError where it fails.
    """
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "flows.stage", ":".join(filter(None, (name, arm)))], check=False)
    seconds = time.monotonic() - started
    report = read_document(REPORTS / f"{'-'.join(filter(None, (name, arm)))}.json", StageReport)
    if report.failure:
        raise StageError(report.failure)
    return seconds, report.seconds


def work_alone(root: Path, name: str, arm: str) -> float:
    """Do a stage's jobs side by side in a process of their own, without Prefect and DVC; return seconds.

    Its modules are imported and its models opened anew, as every stage does.
    """
    command = [sys.executable, "-m", "tools.benchmark.graph", "alone", name, arm]
    # the stage's code is the workspace's own, this module is not in it
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def _work_here(root: Path, name: str, arm: str) -> float:
    started = time.monotonic()
    stage, params = load_stage(name), read_params(root)
    jobs = {one: stage.plan(root, params, one) for one in arms_of(name, arm)}
    with ThreadPoolExecutor(worker_count()) as pool:
        done = {one: pool.map(partial(stage.process, root), jobs[one]) for one in jobs}
        rows = {one: list(found) for one, found in done.items()}
    for one in jobs:
        stage.collect(root, params, one, rows[one])
    return time.monotonic() - started


def overhead(counts: list[int]) -> None:
    """Print what each of so many tiny clips costs beside its work."""
    rows = []
    for count in counts:
        with scratch() as root, prefect_server(root):
            tiny = excerpts(root, TINY_S)[0]
            admit(root, [tiny] * count)
            (whole, _), work = run_stage("control", ""), work_alone(root, "control", "")
        rows.append([str(count), f"{whole:.1f}", f"{work:.1f}", f"{(whole - work) / count:.3f}"])
    columns = ["clips", "stage, seconds", "work alone, seconds", "seconds a clip beside the work"]
    show_table("Orchestration of tiny clips", columns, rows)


def demo(seconds: float) -> None:
    """Print what Prefect and DVC cost beside the work of a run, and how long one without changes takes."""
    with tempfile.TemporaryDirectory(prefix="guise-benchmark-") as scratch_folder:
        root = Path(scratch_folder) / "d"
        prepare_demo(root, seconds)
        os.chdir(root)
        os.environ |= {"PREFECT_HOME": str(root / ".guise/prefect"), "PYTHONPATH": str(root)}
        with prefect_server(root):
            take_inbox(root, root / "data/inbox")
            reports = [path for node in graph_order(root) for path in node.reports]
            work = sum(work_alone(root, *path.stem.partition("-")[::2]) for path in reports)
            for folder in MADE:
                shutil.rmtree(root / "data" / folder)
            first, again = _run(root), _run(root)
            # once given, targets are read as what stands: the first time this is another input
            for _ in range(2):
                with (root / "schemas/__init__.py").open("a") as stream:
                    stream.write("# nothing that this does has changed\n")
                idle = _run(root)
        os.chdir(HERE)
    share = f"{100 * (first - work) / first:.1f}"
    columns = [
        "run, seconds",
        "work alone, seconds",
        "percent beside the work",
        "run without changes, seconds",
        "every command without work, seconds",
    ]
    show_table(
        "Orchestration of the sample cohort",
        columns,
        [[f"{first:.1f}", f"{work:.1f}", share, f"{again:.1f}", f"{idle:.1f}"]],
    )


def _run(root: Path) -> float:
    """Run the graph as a person does; return seconds. Raises StageError where it fails."""
    started = time.monotonic()
    command = [sys.executable, "-m", "flows.cli", "run"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageError(done.stderr.strip())
    return time.monotonic() - started


def workers(seconds: float) -> None:
    """Print how long the sample cohort takes on one dask worker and on two, a core each."""
    rows, first = [], 0.0
    for count in (1, 2):
        with scratch() as root, prefect_server(root):
            admit(root, excerpts(root, seconds))
            params = read_params(root)
            for job in models.plan(root, params, ""):
                models.process(root, job)
            models.collect(root, params, "", [])
            with cluster(root, count):
                _, took = run_stage("extract", "original")
        first = first or took
        rows.append([str(count), f"{took:.1f}", f"{first / took:.2f}"])
    show_table(
        "Extraction of the sample cohort", ["dask workers", "seconds", "times one worker's speed"], rows
    )


@contextmanager
def cluster(root: Path, count: int) -> Iterator[None]:
    """Run a dask scheduler and so many workers, and let stages use them, until the block ends."""
    dask = [sys.executable, "-m", "dask"]
    scheduler = Server(
        "dask scheduler",
        root / "scheduler.txt",
        lambda ports: [*dask, "scheduler", "--host", HOST, "--port", str(ports[0]), "--no-dashboard"],
        lambda ports: "Scheduler at" in (root / "scheduler.txt").read_text(),
    )
    with ExitStack() as stack:
        (port,) = stack.enter_context(serve_on_free_ports(scheduler, 1))
        address = f"tcp://{HOST}:{port}"
        for number in range(count):
            words = ["worker", address, "--host", HOST, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            log = root / f"worker-{number}.txt"
            pinned = ["taskset", "--cpu-list", str(number), *dask, *words]
            has_joined = partial(_says, log, "Registered to")
            stack.enter_context(serve(pinned, has_joined, log, "dask worker"))
        os.environ |= {RUNNER: "dask", SCHEDULER: address}
        try:
            yield
        finally:
            del os.environ[RUNNER], os.environ[SCHEDULER]


def _says(log: Path, words: str) -> bool:
    return words in log.read_text()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("overhead").add_argument("--clips", type=int, nargs="+", default=[100, 1000, 5000])
    kinds.add_parser("demo").add_argument("--seconds", type=float, default=10.0)
    alone = kinds.add_parser("alone")
    alone.add_argument("stage")
    alone.add_argument("arm")
    kinds.add_parser("workers").add_argument("--seconds", type=float, default=90.0)
    told = parser.parse_args(words)
    keep_to_ourselves()
    os.environ.setdefault("PYTHONPATH", str(HERE))
    if told.kind == "alone":
        print(_work_here(Path.cwd(), told.stage, told.arm))
    elif told.kind == "overhead":
        overhead(told.clips)
    elif told.kind == "demo":
        demo(told.seconds)
    else:
        workers(told.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
