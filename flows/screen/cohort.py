"""A cohort on the screen: the graph, the clips, the methods, who was refused."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flows.release.decisions import refused_clips
from flows.screen.console import number, say, show_table
from schemas.clips import SOURCES
from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from tasks.files.clips import CLIPS_PATH, REFUSED, read_clips
from tasks.files.documents import read_table
from tasks.ingest import SOURCES_PATH

# each command imports this, and few of these
if TYPE_CHECKING:
    from flows.benchmark import Measure
    from flows.workspace.replay import NodeResult
    from flows.workspace.weights import Weight

METHODS = ("control", "released", "blur", "pixelate", "mask")


def show_node(result: "NodeResult") -> None:
    """Print how one node of the graph went."""
    if result.unchanged:
        say(f"  {result.node:<18} unchanged, nothing to do")
        return
    for report in result.reports:
        name = result.node if len(result.reports) == 1 else f"{result.node} {report.stage} {report.arm}"
        say(
            f"  {name:<28} {report.jobs - report.cached} done, {report.cached} cached, {report.seconds:.1f} s"
        )
        for note in report.notes:
            say(f"    {note}")


def show_weights(weights: "list[Weight]") -> None:
    """Print which weights are here, and what each allows."""
    rows = [
        [one.name, one.state, "yes" if one.needed else "", one.licence, one.allows]
        for one in sorted(weights, key=lambda one: (not one.is_wanting, not one.needed))
    ]
    show_table("Weights", ["name", "where", "needed", "licence", "allows"], rows)


def show_measures(measures: "list[Measure]") -> None:
    """Print a benchmark: the render against the codec alone, all of it against a peer."""
    rows = [
        [one.clip, one.job, str(one.frames), number(one.seconds, 1), number(one.frames_per_s, 1),
         number(one.peak_mb, 0), number(one.ratio, 2)]
        for one in measures
    ]  # fmt: skip
    columns = ["clip", "job", "frames", "seconds", "frames a second", "peak memory, MB", "ratio"]
    show_table("Each job in a process of its own", columns, rows)
    say("  ratio: the render against the codec alone; extract + render against the peer")


def show_clips(root: Path) -> None:
    """Print each admitted clip with its verdict and the figures that it rests on.

    The file that was handed in stands beside its pseudonym on this screen and nowhere else.
    """
    invariance, identity, verdicts = _evidence(root)
    files = handed_in(root)
    rows = []
    for clip_id in verdicts["clip_id"].unique(maintain_order=True):
        motion = _one(invariance, clip_id=clip_id, part="face", metric="motion")
        shape = _one(invariance, clip_id=clip_id, part="face", metric="shape")
        found = _one(invariance, clip_id=clip_id, part="face", metric="found_again")
        head = _one(invariance, clip_id=clip_id, part="head", metric="oks_mean")
        dlib = _one(identity, clip_id=clip_id, recogniser="dlib")
        mobile = _one(identity, clip_id=clip_id, recogniser="mobilefacenet")
        figures = [(found, "value", 3), (motion, "value", 4), (motion, "ratio_to_floor", 2),
                   (shape, "value", 3), (head, "value", 3), (dlib, "distance_min", 3)]  # fmt: skip
        verdict = verdicts.filter(clip_id=clip_id)["verdict"][0]
        shown = [number(row.get(name), digits) for row, name, digits in figures]
        ranks = [
            f"{number(row.get('rank_mean'), 1)} ({number(row.get('rank_floor'), 1)})"
            for row in (dlib, mobile)
        ]
        rows.append([clip_id, files.get(clip_id, ""), verdict, *shown, *ranks])
    columns = ["clip", "handed in as", "verdict", "face found", "motion error", "x control", "shape moved",
               "head OKS", "lowest distance, dlib", "rank (of a flat face), dlib",
               "the same, MobileFaceNet"]  # fmt: skip
    show_table("Released clips against their originals", columns, rows)
    for row in verdicts.filter(~pl.col("passed")).iter_rows(named=True):
        say(f"  {row['clip_id']}: {row['severity']} by rule {row['rule']}: {number(row['value'])}, "
            f"asked is {row['comparison']} {row['threshold']:g}")  # fmt: skip


def _evidence(root: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    schemas = {"invariance": INVARIANCE, "identity": IDENTITY, "verdicts": VERDICTS}
    invariance, identity, verdicts = (
        read_table(root / f"data/evidence/{name}.parquet", schema) for name, schema in schemas.items()
    )
    return invariance, identity, verdicts


def _one(table: pl.DataFrame, **where: str) -> dict[str, float | None]:
    rows = table.filter(arm="released", **where)
    return rows.row(0, named=True) if rows.height else {}


def handed_in(root: Path) -> dict[str, str]:
    """Return clip_id -> the file that was handed in, for this screen only."""
    return dict(read_table(root / SOURCES_PATH, SOURCES).select("clip_id", "file").iter_rows())


def show_methods(root: Path) -> None:
    """Print every method beside the control, as means over the clips it was run on."""
    figures = json.loads((root / "data/evidence/summary.json").read_text())["arms"]
    names = ["face_found_again", "face_motion", "face_motion_ratio_to_control", "face_shape", "head_oks",
             "body_nme", "dlib_distance_min", "dlib_rank_mean", "mobilefacenet_rank_mean"]  # fmt: skip
    rows = [
        [f"{arm} (mesh_swap)" if arm == "released" else arm, *(number(figures[arm][name]) for name in names)]
        for arm in METHODS
        if arm in figures
    ]
    columns = ["method", "face found", "motion error", "x control", "shape moved", "head OKS", "body NME",
               "lowest distance (dlib)", "rank dlib", "rank MobileFaceNet"]  # fmt: skip
    show_table("The methods side by side (blur, pixelate and mask on excerpts)", columns, rows)


def refused(root: Path) -> list[dict[str, str]]:
    """Return who was not admitted and why; file names stay on this screen."""
    if not (root / CLIPS_PATH).is_file():
        return []
    clips = read_clips(root).filter(status="refused")
    files = handed_in(root)
    failed = refused_clips(root) if (root / REFUSED).is_file() else {}
    return [
        {"file": files[row["clip_id"]], "reason": row["reason"], "detail": row["detail"] or ""}
        for row in clips.iter_rows(named=True)
    ] + [
        {"file": files[clip_id], "reason": "cannot be processed", "detail": reason}
        for clip_id, reason in failed.items()
        if clip_id in files
    ]


def show_refused(root: Path) -> None:
    rows = [list(entry.values()) for entry in refused(root)]
    if rows:
        show_table("Refused", ["file", "reason", "what was seen"], rows)


def show_outcome(root: Path, results: "list[NodeResult]") -> None:
    """Print who was refused and, where the run went as far as the evidence, how the clips fared."""
    show_refused(root)
    if any(result.node == "validate" for result in results):
        show_clips(root)
