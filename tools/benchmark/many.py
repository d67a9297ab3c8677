"""Measure what many clips cost beside their pixels: plans, DVC, tables, candidate, publication, audit.

    python -m tools.benchmark.many [--clips 1000 10000] [--seconds 0.5]

A tiny demo is run once. Its clips are copied under other names until there are so many, no two files alike,
as if every one had been worked on; then what a release does with all of them together is done, each step in a
process of its own.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from flows.audit.findings import audit_release
from flows.demo.object_store import object_store
from flows.demo.sample import COLUMNS
from flows.host.environment import STATE, keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.release.approval import approve
from flows.release.candidate import freeze
from flows.release.decisions import decide
from flows.release.publication import publish
from flows.release.record import Record
from flows.review.contents import read_contents
from flows.screen.cohort import show_clips
from flows.screen.console import show_table
from flows.stage.load import load_stage
from flows.workspace.git import commit
from flows.workspace.graph import changed_nodes, graph_order, open_repo
from flows.workspace.make import HERE, RECORDS, make_workspace
from schemas.clips import CLIPS, SOURCES
from schemas.params import Params
from schemas.targets import TARGETS
from tasks import validate
from tasks.files.clips import CLIPS_PATH, SHAPES, TARGETS_PATH, read_clips, shapes_path
from tasks.files.documents import read_params, read_table, write_table
from tasks.files.errors import InputError, StageError
from tasks.files.nested import nest
from tasks.files.tables import build_table
from tasks.ingest import SOURCES_PATH
from tasks.ingest.manifest import MANIFEST_NAME
from tasks.publish import open_bucket
from tasks.publish.plan import candidate_digest
from tasks.validate.measured import (
    COHORT,
    Tables,
    measured_path,
    read_measured,
    write_measured,
)
from tasks.validate.planning import COMPARED

VERSION, BY, WHY = "many-1", "Benchmark (automatic, the sample cohort is public)", "measured, never released"
VISITS = 4  # clips of a subject
# what is done with all clips of a release together, in the order in which a person does it
STAGES = (
    "ingest", "extract:original", "control", "extract:control", "targets", "deidentify:released",
    "extract:released", "deidentify:blur", "extract:blur", "validate",
)  # fmt: skip


def make(base: Path, root: Path, count: int) -> None:
    """Copy a finished demo, and make so many clips of its own."""
    shutil.copytree(base, root, symlinks=True, ignore=shutil.ignore_patterns("prefect", "s3", "demo-*"))
    make_workspace(root)  # with the code at hand
    with open_repo(root) as repo, repo.config.edit("local") as config:
        config["cache"]["type"] = ["hardlink", "copy"]  # half the disk for as many files
    models = read_clips(root).filter(status="admitted").sort("clip_id").rows(named=True)
    made = [
        model
        | {
            "clip_id": f"clip-{number:016x}",
            "subject": f"subject-{number // VISITS:016x}",
            "was": model["clip_id"],
        }
        for number in range(count)
        for model in [models[number % len(models)]]
    ]
    _write_tables(root, made)
    (cohort,) = read_measured([root / measured_path(COHORT)])
    for model in models:
        theirs = [
            (number, one["clip_id"]) for number, one in enumerate(made) if one["was"] == model["clip_id"]
        ]
        _multiply(root, model["clip_id"], theirs, cohort)
    alone = {name: cohort[name].to_dicts() for name in ("recognition", "roc")}
    write_measured(alone, root / measured_path(COHORT))
    shapes = sorted((root / SHAPES).iterdir())
    for number, subject in enumerate(dict.fromkeys(one["subject"] for one in made)):
        shutil.copyfile(shapes[number % len(shapes)], root / shapes_path(subject))
    for path in shapes:
        path.unlink()


def _multiply(root: Path, model: str, clips: list[tuple[int, str]], cohort: Tables) -> None:
    """Write what a clip has, and what the cohort's job said of it, for others; and remove it."""
    there = list((root / "data").rglob(f"{model}.*"))
    # methods are tried on some clips only
    files = [path for path in there if not {"compare", *COMPARED} & {*path.parts}]
    (tables,) = read_measured([root / measured_path(model)])
    tables |= {name: cohort[name].filter(clip_id=model) for name in ("identity", "identity_frames")}
    for path in files:
        content = path.read_bytes()
        for number, clip_id in clips:
            path.with_name(f"{clip_id}{path.suffix}").write_bytes(unlike(content, path.suffix, number))
    for _, clip_id in clips:
        theirs = {
            name: table.with_columns(clip_id=pl.lit(clip_id)) if "clip_id" in table.columns else table
            for name, table in tables.items()
        }
        nest(theirs, root / measured_path(clip_id))  # checked when they are read
    for path in there:
        path.unlink()


def unlike(content: bytes, suffix: str, number: int) -> bytes:
    """Return the same video or table as other bytes."""
    if suffix == ".mp4":
        return content + struct.pack(">I4sQ", 16, b"free", number)
    # between a parquet file's last column and its footer, which is found from the end
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return content[:start] + struct.pack(">Q", number) + content[start:]


def _write_tables(root: Path, made: list[dict[str, Any]]) -> None:
    rows = [{name: value for name, value in one.items() if name != "was"} for one in made]
    write_table(build_table(rows, CLIPS), CLIPS, root / CLIPS_PATH)
    known = [
        {"clip_id": one["clip_id"], "file": f"{one['clip_id']}.mp4", "raw_sha256": f"{number:064x}"}
        for number, one in enumerate(made)
    ]
    write_table(build_table(known, SOURCES), SOURCES, root / SOURCES_PATH)
    casts = read_table(root / TARGETS_PATH, TARGETS)
    each = pl.DataFrame([{name: one[name] for name in ("was", "clip_id", "subject")} for one in made])
    given = each.join(casts.drop("subject"), left_on="was", right_on="clip_id").select(casts.columns)
    write_table(given, TARGETS, root / TARGETS_PATH)
    raw = root / "data/raw"
    some = next(iter(sorted(raw.glob("*.mp4")))).read_bytes()
    with (raw / MANIFEST_NAME).open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(COLUMNS)
        for number, one in enumerate(made):
            (raw / f"{one['clip_id']}.mp4").write_bytes(unlike(some, ".mp4", number))
            patient = f"Patient {number // VISITS}"
            lines.writerow([f"{one['clip_id']}.mp4", patient, "s1", "speed", "yes", "2099-12-31", "", ""])
    for path in raw.glob("*.mp4"):
        if not path.name.startswith("clip-"):
            path.unlink()


def steps(root: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is done with all clips together, by name."""
    params, record = read_params(root), Record(root, VERSION)
    for stage in STAGES:
        name, _, arm = stage.partition(":")
        yield f"plan {stage}", partial(load_stage(name).plan, root, params, arm)
    yield "evidence", lambda: _collect(root, params)
    yield "dvc commit", lambda: _take_over(root)
    yield "dvc status", lambda: _must_be_empty(changed_nodes(root))
    yield "screen", lambda: show_clips(root)
    yield "contents of the review", lambda: read_contents(root, params.purpose, None)
    yield "decide", lambda: decide(root, [], accepted=True, by=BY, reason=WHY)
    yield "candidate", lambda: freeze(root, VERSION, params)
    yield "approve", lambda: approve(record, params, BY, WHY, [], digest=candidate_digest(record.candidate()))
    yield "publish", lambda: publish(record, params.publish, None, lambda *_: None)
    yield "audit", lambda: _must_be_empty(audit_release(record, params.publish).findings)


def _collect(root: Path, params: Params) -> None:
    paths = sorted((root / measured_path(COHORT)).parent.iterdir())
    validate.collect(root, params, "", [{"outputs": {str(path.relative_to(root)): ""}} for path in paths])


def _take_over(root: Path) -> None:
    with open_repo(root) as repo:
        repo.add([str(root / "data/raw")])
    for node in graph_order(root):  # as a run does
        with open_repo(root) as repo:
            repo.commit(node.name, force=True)
    commit(root, "Record the run", RECORDS)


def _must_be_empty(found: Sequence[str]) -> None:
    if found:
        raise StageError(f"{len(found)} things do not hold, such as: {found[0]}")


def do_step(name: str) -> dict[str, float]:
    """Do a step in the workspace at hand; return seconds and the most memory that this process held."""
    step = dict(steps(Path.cwd()))[name]
    started = time.monotonic()
    step()
    seconds = time.monotonic() - started
    return {"seconds": seconds, "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def measure(base: Path, count: int) -> dict[str, dict[str, float]]:
    """Return step -> seconds and gigabytes, for so many clips. Raises StageError where one fails."""
    with tempfile.TemporaryDirectory(prefix="guise-benchmark-") as scratch:
        root = Path(scratch) / "release"
        make(base, root, count)
        os.chdir(root)
        try:
            with object_store(root / STATE / "s3") as store:
                os.environ.update(store.environment())
                open_bucket(read_params(root).publish.to).make()
                return {name: _aside(name, count) for name, _ in steps(root)}
        finally:
            os.chdir(HERE)


def _aside(name: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.benchmark.many", "--step", name]
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageError(f"{name} of {count} clips: {done.stderr.strip()}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{count} clips, {name}: {told['seconds']:.1f} s, {told['gb']:.2f} GB", file=sys.stderr, flush=True)
    return told


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--seconds", type=float, default=0.5, help="of the demo's clips")
    parser.add_argument("--base", type=Path, help="a finished demo (default: one is run)")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    told = parser.parse_args(words)
    keep_to_ourselves()
    if told.step:
        print(json.dumps(do_step(told.step)))
        return 0
    with tempfile.TemporaryDirectory(prefix="guise-benchmark-") as scratch:
        base = told.base or _run_demo(Path(scratch) / "demo", told.seconds)
        if not (base / "dvc.lock").is_file():
            raise InputError(f"{base} is no workspace in which a demo has run")
        found = {count: measure(base.resolve(), count) for count in told.clips}
    rows = [
        [step, *(cell for count, costs in found.items() for cell in _cells(costs[step], count))]
        for step in next(iter(found.values()))
    ]
    total = {count: sum(cost["seconds"] for cost in costs.values()) for count, costs in found.items()}
    rows.append(["all", *(cell for count in found for cell in (f"{1000 * total[count] / count:.2f}", ""))])
    columns = [cell for count in found for cell in (f"{count} clips: ms a clip", "GB")]
    show_table("What is done with all clips together", ["step", *columns], rows)
    return 0


def _cells(cost: dict[str, float], count: int) -> tuple[str, str]:
    return f"{1000 * cost['seconds'] / count:.2f}", f"{cost['gb']:.2f}"


def _run_demo(root: Path, seconds: float) -> Path:
    words = ["-m", "flows.cli", "demo", "--dir", str(root), "--seconds", str(seconds)]
    subprocess.run([sys.executable, *words], check=True, stdout=sys.stderr)
    return root


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
