"""Hold what is covered of clips against heads that a person marked in every 15th frame of them.

    python -m tools.benchmark.heads FOLDER [--json] [--only NAME ...]

FOLDER holds the clips of heads.csv, known by their SHA-256. Each goes through extraction, targets and
rendering to its verdict as in a run, a subject each. Coordinates are thousandths of the picture.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import show_table
from flows.stage.load import load_stage
from schemas.coverage import COVERAGE
from schemas.evidence import INVARIANCE, VERDICTS
from schemas.params.deidentify import SWAPS, Deidentify
from tasks import models
from tasks.files.clips import EVIDENCE, coverage_path, read_admitted
from tasks.files.documents import read_params, read_table
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_file
from tasks.swap.laid import AROUND
from tasks.vision.regions import without_margin
from tools.benchmark.graph import admit, scratch
from tools.benchmark.scoring import Head, Region, Score, score

HEADS = Path(__file__).with_name("heads.csv")
STAGES = (
    ("control", ""), ("extract", "original"), ("extract", "control"), ("targets", ""),
    ("deidentify", "released"), ("extract", "released"), ("validate", ""),
)  # fmt: skip
RATED = (("extract", "original"), ("deidentify", "released"))
Truth = dict[int, list[Head]]


@dataclass(frozen=True)
class Measured:
    """A clip's score, the speed of extraction and rendering, the verdict, and the rules that it breaks.

    body_error: NME of the body as a multiple of the control's, None where no body was measured.
    """

    clip: str
    score: Score
    frames_per_second: float
    verdict: str
    broken: tuple[str, ...]
    body_error: float | None


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


def read_regions(root: Path, clip: dict[str, object], rule: Deidentify) -> dict[int, list[Region]]:
    """Return frame -> what was covered of a clip: of a swap, how far it is drawn."""
    table = read_table(root / coverage_path("released", str(clip["clip_id"])), COVERAGE)
    size = np.array([clip["width"], clip["height"]] * 2, np.float64)
    regions: dict[int, list[Region]] = {}
    for frame, track, region, method in table.select("frame", "track", "region_xyxy", "method").iter_rows():
        box = np.array(region, np.float32)
        if method in SWAPS:
            box = without_margin(box, rule.margin)
            reach = (box[2:] - box[:2]) * _reach(method, rule)
            box = np.concatenate([box[:2] - reach, box[2:] + reach])
        regions.setdefault(frame, []).append(Region(track, np.float64(box) / size, method))
    return regions


def _reach(method: str, rule: Deidentify) -> float:
    return (AROUND - 1) / 2 if method == "point_swap" else rule.mesh_swap.rim


def measure(folder: Path, only: list[str]) -> Iterator[Measured]:
    """Take the marked clips of a folder through every stage as one cohort, and score each."""
    truth = read_truth()
    known = {sha256_file(path): path for path in sorted(folder.iterdir()) if path.is_file()}
    chosen = {sha: truth[sha] for sha in known if sha in truth and (not only or truth[sha][0] in only)}
    if not chosen:
        raise InputError(f"{folder} holds no clip whose heads were marked")
    with scratch() as root:
        admit(root, [known[sha] for sha in chosen])
        seconds, params = _run(root), read_params(root)
        verdicts = read_table(root / EVIDENCE / "verdicts.parquet", VERDICTS)
        errors = read_table(root / EVIDENCE / "invariance.parquet", INVARIANCE).filter(
            arm="released", part="body", metric="nme_mean"
        )
        for clip in read_admitted(root).iter_rows(named=True):
            name, heads = truth[clip["sha256"]]
            rows, body = (table.filter(clip_id=clip["clip_id"]) for table in (verdicts, errors))
            yield Measured(
                name,
                score(heads, read_regions(root, clip, params.deidentify)),
                clip["frame_count"] / seconds[clip["clip_id"]],
                rows["verdict"][0] if len(rows) else "refused",
                tuple(rows.filter(~pl.col("passed"))["rule"]),
                body["ratio_to_floor"][0] if len(body) else None,
            )


def _run(root: Path) -> dict[str, float]:
    """Do what a run does to clips; return the seconds of each clip's extraction and rendering."""
    params, seconds = read_params(root), dict[str, float]()
    for job in models.plan(root, params, ""):
        models.process(root, job)
    models.collect(root, params, "", [])
    for name, arm in STAGES:
        stage, rows = load_stage(name), []
        (root / stage.folder(arm)).mkdir(parents=True, exist_ok=True)
        for job in stage.plan(root, params, arm):
            started = time.monotonic()
            rows.append(stage.process(root, job))
            if (name, arm) in RATED:
                seconds[job.key] = seconds.get(job.key, 0.0) + time.monotonic() - started
        stage.collect(root, params, arm, rows)
        print(f"  {name} {arm}", file=sys.stderr, flush=True)
    return seconds


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--only", nargs="*", default=[])
    told = parser.parse_args(words)
    keep_to_ourselves()
    found = list(measure(told.folder.resolve(), told.only))
    if told.as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _show(found)
    return 0


def _show(found: list[Measured]) -> None:
    rows = [
        [
            one.clip, f"{one.score.covered} of {one.score.heads}", f"{one.score.precision:.2f}",
            str(one.score.false_tracks), f"{100 * one.score.outside:.2f}", f"{100 * one.score.black:.2f}",
            "" if one.body_error is None else f"{one.body_error:.2f}", f"{one.frames_per_second:.1f}",
            one.verdict, ", ".join([*one.broken, *map(str, one.score.missed)]),
        ]
        for one in found
    ]  # fmt: skip
    scores = [one.score for one in found]
    outside = 100 * float(np.mean([one.outside for one in scores]))
    black = 100 * float(np.mean([one.black for one in scores]))
    covered, heads = sum(one.covered for one in scores), sum(one.heads for one in scores)
    stand = sum(one.verdict in ("pass", "review") for one in found)
    total = ["all", f"{covered} of {heads}", "", str(sum(one.false_tracks for one in scores)),
             f"{outside:.2f}", f"{black:.2f}", "", "", f"{stand} of {len(found)} stand", ""]  # fmt: skip
    columns = ["clip", "heads covered", "precision", "false tracks", "% changed outside heads", "% black",
               "body error / control's", "frames/s", "verdict", "broken rules, bare frames"]  # fmt: skip
    show_table("Held against heads that a person marked", columns, [*rows, total])


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
