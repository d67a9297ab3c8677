"""Hold what is covered of clips against heads that a person marked in every 15th frame of them.

    python -m tools.benchmark.heads FOLDER [--json] [--only NAME ...]

FOLDER holds the clips of heads.csv, known by their SHA-256. Each goes through extraction, targets and
rendering as in a run, a subject each; no verdict is asked for. Coordinates are thousandths of the picture.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import show_table
from flows.stage.load import load_stage
from schemas.coverage import COVERAGE
from tasks import models
from tasks.files.clips import coverage_path, read_admitted
from tasks.files.documents import read_params, read_table
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_file
from tools.benchmark.graph import admit, scratch
from tools.benchmark.scoring import Head, Region, Score, score

HEADS = Path(__file__).with_name("heads.csv")
STAGES = (("extract", "original"), ("targets", ""), ("deidentify", "released"))
Truth = dict[int, list[Head]]


def read_truth() -> dict[str, tuple[str, Truth]]:
    """Return SHA-256 of a clip -> its name, and its heads in each marked frame."""
    found: dict[str, tuple[str, Truth]] = {}
    with HEADS.open(newline="") as stream:
        for row in csv.DictReader(stream):
            _, truth = found.setdefault(row["sha256"], (row["clip"], {}))
            heads = truth.setdefault(int(row["frame"]), [])
            if row["kind"] in ("face", "back", "picture"):
                box = np.array([int(row[name]) for name in ("x0", "y0", "x1", "y1")]) / 1000
                heads.append(Head(row["kind"], box))  # type: ignore[arg-type]
    return found


def read_regions(root: Path, clip: dict[str, object]) -> dict[int, list[Region]]:
    """Return frame -> what was covered of a clip."""
    table = read_table(root / coverage_path("released", str(clip["clip_id"])), COVERAGE)
    size = np.array([clip["width"], clip["height"]] * 2, np.float64)
    regions: dict[int, list[Region]] = {}
    for frame, track, box, method in table.select("frame", "track", "region_xyxy", "method").iter_rows():
        regions.setdefault(frame, []).append(Region(track, np.array(box, np.float64) / size, method))
    return regions


def measure(folder: Path, only: list[str]) -> Iterator[tuple[str, Score, float]]:
    """Yield name, score and frames a second of every clip of the folder that was marked."""
    truth = read_truth()
    known = {sha256_file(path): path for path in sorted(folder.iterdir()) if path.is_file()}
    chosen = {sha: truth[sha] for sha in known if sha in truth and (not only or truth[sha][0] in only)}
    if not chosen:
        raise InputError(f"{folder} holds no clip whose heads were marked")
    for sha, (name, heads) in chosen.items():
        with scratch() as root:
            admit(root, [known[sha]])
            seconds = _run(root)
            clip = read_admitted(root).row(0, named=True)
            yield name, score(heads, read_regions(root, clip)), clip["frame_count"] / seconds


def _run(root: Path) -> float:
    """Do what a run does to a clip; return the seconds of extraction and rendering."""
    params, seconds = read_params(root), 0.0
    for job in models.plan(root, params, ""):
        models.process(root, job)
    models.collect(root, params, "", [])
    for name, arm in STAGES:
        stage, started = load_stage(name), time.monotonic()
        (root / stage.folder(arm)).mkdir(parents=True, exist_ok=True)
        rows = [stage.process(root, job) for job in stage.plan(root, params, arm)]
        stage.collect(root, params, arm, rows)
        seconds += (time.monotonic() - started) if name != "targets" else 0
    return seconds


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--only", nargs="*", default=[])
    told = parser.parse_args(words)
    keep_to_ourselves()
    found = []
    for name, one, speed in measure(told.folder.resolve(), told.only):
        found.append((name, one, speed))
        print(f"  {name}", file=sys.stderr, flush=True)
    if told.as_json:
        print(
            json.dumps([{"clip": name, **asdict(one), "fps": speed} for name, one, speed in found], indent=2)
        )
    else:
        _show(found)
    return 0


def _show(found: list[tuple[str, Score, float]]) -> None:
    rows = [
        [
            name, f"{one.covered} of {one.heads}", f"{one.precision:.2f}", str(one.false_tracks),
            f"{100 * one.outside:.2f}", f"{100 * one.black:.2f}", f"{speed:.1f}",
            ", ".join(map(str, one.missed)),
        ]
        for name, one, speed in found
    ]  # fmt: skip
    scores = [one for _, one, _ in found]
    outside = 100 * float(np.mean([one.outside for one in scores]))
    black = 100 * float(np.mean([one.black for one in scores]))
    covered, heads = sum(one.covered for one in scores), sum(one.heads for one in scores)
    total = ["all", f"{covered} of {heads}", "", str(sum(one.false_tracks for one in scores)),
             f"{outside:.2f}", f"{black:.2f}", "", ""]  # fmt: skip
    columns = ["clip", "heads covered", "precision", "false tracks", "% changed outside heads", "% black",
               "frames/s", "frames with an uncovered head"]  # fmt: skip
    show_table("Held against heads that a person marked", columns, [*rows, total])


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
