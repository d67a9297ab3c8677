"""A cohort on the screen: the graph, the clips, the methods, who was refused."""

import json
from collections import Counter
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.release.decisions import refused_clips, waiting_clips
from flows.release.wording import tell, word
from flows.screen.console import counted, number, say, say_below, show_table
from schemas.clips import SOURCES
from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from schemas.params.validate import Rule
from tasks.files.clips import CLIPS_PATH, REFUSED, evidence_path, read_clips
from tasks.files.documents import read_lean, read_params, read_some, read_table
from tasks.ingest import SOURCES_PATH
from tasks.ingest.names import may_mean

# each command imports this, and few of these
if TYPE_CHECKING:
    from flows.benchmark import Measure
    from flows.workspace.graph import NodeResult
    from flows.workspace.weights import Weight

METHODS = ("control", "released", "blur", "pixelate", "mask")
CLIP_COLUMNS = [
    "handed in as", "verdict", "found", "moves", "times", "shape", "OKS", "nearest", "place,\ndlib",
    "Mobile\nFaceNet",
]  # fmt: skip
LEGEND = (
    "found: share of the face found again. moves: how much otherwise the face moves, in eye distances; "
    "times: of what the codec alone does. shape: how far it is from the patient's. OKS: of the head. "
    "nearest: lowest distance to the original, dlib. place: where a recogniser ranks the patient (with the "
    "face filled flat)"
)
# of more than so many, those that do not pass are told first; `guise review` shows all
MOST_CLIPS, MOST_NOTES, MOST_PAIRS = 50, 100, 10_000
RANK = {"fail": 0, "review": 1, "pass": 2}
SEVERITIES = {"fail": "fails", "review": "asks for a look"}


def show_node(result: "NodeResult") -> None:
    """Print how one node of the graph went."""
    if result.unchanged:
        say(f"  {result.node:<18} unchanged, nothing to do")
        return
    # a stage that no setting asks for has nothing to say
    for report in (one for one in result.reports if one.jobs or one.notes):
        done = report.jobs - report.cached
        say(f"  {report.name:<20} {done} done, {report.cached} cached, {report.seconds:.1f} s")
        for note in report.notes[:MOST_NOTES]:
            say_below(note, 4)
        if len(report.notes) > MOST_NOTES:
            say(f"    and {len(report.notes) - MOST_NOTES} more like these")


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
    told = read_lean(root / evidence_path("verdicts"), VERDICTS, ["clip_id", "verdict"]).unique(
        maintain_order=True
    )
    clip_ids = _first(told)
    invariance, identity, verdicts = _evidence(root, clip_ids)
    files, rules = handed_in(root), read_params(root).validate_.rules
    rows = [
        [files.get(clip_id, ""), verdicts.filter(clip_id=clip_id)["verdict"][0],
         *_figures_of(clip_id, invariance, identity)]
        for clip_id in clip_ids
    ]  # fmt: skip
    show_table("Released clips against their originals", CLIP_COLUMNS, rows)
    say_below(LEGEND, 2)
    if len(clip_ids) < told.height:
        fared = ", ".join(
            f"{count} {verdict}" for verdict, count in told["verdict"].value_counts().iter_rows()
        )
        say_below(f"{told.height} clips: {fared}. These are {len(clip_ids)}; `guise review` shows all", 2)
    for clip_id in clip_ids:
        say(f"  {files.get(clip_id, '')} is {clip_id}")
        for row in verdicts.filter(~pl.col("passed"), clip_id=clip_id).iter_rows(named=True):
            say_below(f"{SEVERITIES[row['severity']]}: {_in_words(row, rules)}", 4)


def _in_words(row: dict[str, Any], rules: Mapping[str, Rule]) -> str:
    wording = word(rules[row["rule"]]) if row["rule"] in rules else None
    if wording:
        return f"{tell(wording, row)} ({row['rule']})"
    return f"{row['rule']}: {number(row['value'])}, asked is {row['comparison']} {row['threshold']:g}"


def _figures_of(clip_id: str, invariance: pl.DataFrame, identity: pl.DataFrame) -> list[str]:
    motion = _one(invariance, clip_id=clip_id, part="face", metric="motion")
    shape = _one(invariance, clip_id=clip_id, part="face", metric="shape")
    found = _one(invariance, clip_id=clip_id, part="face", metric="found_again")
    head = _one(invariance, clip_id=clip_id, part="head", metric="oks_mean")
    judges = [_one(identity, clip_id=clip_id, recogniser=name) for name in ("dlib", "mobilefacenet")]
    figures = [(found, "value", 3), (motion, "value", 4), (motion, "ratio_to_floor", 2),
               (shape, "value", 3), (head, "value", 3), (judges[0], "distance_min", 3)]  # fmt: skip
    ranks = [f"{number(one.get('rank_mean'), 1)} ({number(one.get('rank_floor'), 1)})" for one in judges]
    return [*(number(row.get(name), digits) for row, name, digits in figures), *ranks]


def _first(verdicts: pl.DataFrame) -> list[str]:
    """Return the clips that are told on a screen: all, or of many those that need somebody first."""
    clips = verdicts.rows()
    if len(clips) > MOST_CLIPS:
        clips = sorted(clips, key=lambda clip: RANK[clip[1]])[:MOST_CLIPS]
    return [clip_id for clip_id, _ in clips]


def _evidence(root: Path, clip_ids: list[str]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    schemas = {"invariance": INVARIANCE, "identity": IDENTITY, "verdicts": VERDICTS}
    theirs = pl.col("clip_id").is_in(clip_ids)
    invariance, identity, verdicts = (
        read_some(root / evidence_path(name), schema, theirs) for name, schema in schemas.items()
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
    names = {"face_found_again": 3, "face_motion": 4, "face_motion_ratio_to_control": 2, "face_shape": 3,
             "head_oks": 3, "body_nme": 4, "dlib_distance_min": 3, "dlib_rank_mean": 1,
             "mobilefacenet_rank_mean": 1}  # fmt: skip
    rows = [
        [f"{arm} (mesh_swap)" if arm == "released" else arm,
         *(number(figures[arm][name], digits) for name, digits in names.items())]
        for arm in METHODS
        if arm in figures
    ]  # fmt: skip
    columns = ["method", "found", "moves", "times", "shape", "OKS", "body NME", "nearest", "place,\ndlib",
               "Mobile\nFaceNet"]  # fmt: skip
    show_table("The methods side by side (blur, pixelate and mask on excerpts)", columns, rows)


def refused(root: Path) -> list[dict[str, str]]:
    """Return who was not admitted and why; file names stay on this screen."""
    if not (root / CLIPS_PATH).is_file():
        return []
    clips = read_clips(root).filter(status="refused")
    files = handed_in(root)
    failed = refused_clips(root) if (root / REFUSED).is_file() else {}
    rows = [
        {"file": files[row["clip_id"]], "reason": row["reason"], "detail": row["detail"] or ""}
        for row in clips.iter_rows(named=True)
    ]
    return _with_guesses(rows) + [
        {"file": files[clip_id], "reason": "cannot be processed", "detail": reason}
        for clip_id, reason in failed.items()
        if clip_id in files
    ]


def _with_guesses(refused: list[dict[str, str]]) -> list[dict[str, str]]:
    """Say of a file that is missing which one may be meant: one that no row names, and is spelt otherwise.

    Capitals may differ, and folders in front or the extension be left out; letters and digits may not differ:
    that may be another patient's, as may what two rows could mean.
    """
    unnamed = [row["file"] for row in refused if row["reason"] == "not named in the manifest"]
    missing = [row for row in refused if row["reason"] == "file missing"]
    pairs = product(missing, unnamed) if len(unnamed) * len(missing) <= MOST_PAIRS else ()
    alike = [(row, file) for row, file in pairs if may_mean(row["file"], file)]
    rows, files = Counter(row["file"] for row, _ in alike), Counter(file for _, file in alike)
    for row, file in alike:
        if rows[row["file"]] == files[file] == 1:
            row["detail"] = f"is it {file}, which no row names?"
    return refused


def show_refused(root: Path) -> None:
    rows = [list(entry.values()) for entry in refused(root)]
    if rows:
        show_table("Refused", ["file", "reason", "what was seen"], rows)


def show_outcome(root: Path, results: "list[NodeResult]") -> None:
    """Print who was refused, how the clips fared where the run went that far, and what comes next."""
    show_refused(root)
    if any(result.node == "validate" for result in results):
        show_clips(root)
        _show_waiting(root)
    elif [result.node for result in results] == ["ingest"]:
        admitted = read_clips(root).filter(status="admitted").height
        say_below(f"{counted(admitted, 'clip')} of the inbox {'is' if admitted == 1 else 'are'} admitted", 2)
        if admitted:
            say("  next: guise run")


def _show_waiting(root: Path) -> None:
    count = len(waiting_clips(root))
    if count:
        say_below(f"{counted(count, 'clip')} waiting for a person's word. next: guise review", 2)
    else:
        say("  no clip waits for a person's word. next: guise candidate VERSION")
