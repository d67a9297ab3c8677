"""What a person sees: tables and sentences, plain where there is no terminal."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console
from rich.table import Table

from flows.decisions import refused_clips
from schemas.clips import SOURCES
from schemas.evidence import IDENTITY, INVARIANCE, VERDICTS
from schemas.release import Candidate
from tasks.clips import CLIPS_PATH, REFUSED, read_clips
from tasks.documents import read_table
from tasks.ingest import SOURCES_PATH

# each command imports this, and few of these
if TYPE_CHECKING:
    from flows.audit import Audit
    from flows.benchmark import Measure
    from flows.lineage import Lineage
    from flows.replay import NodeResult
    from flows.weights import Weight
    from flows.withdrawal import Withdrawn

PLAIN_WIDTH = 150
METHODS = ("control", "released", "blur", "pixelate", "mask")

console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def say(sentence: str = "") -> None:
    console.print(sentence, markup=False)


def heading(title: str) -> None:
    console.print(f"\n{title}", style="bold", markup=False)


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


def show_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table, markup=False)


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


def number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def show_clips(root: Path) -> None:
    """Print each admitted clip with its verdict and the figures that it rests on.

    The file that was handed in stands beside its pseudonym on this screen and nowhere else.
    """
    invariance, identity, verdicts = _evidence(root)
    files = handed_in(root)
    rows = []
    for clip_id in verdicts["clip_id"].unique(maintain_order=True):
        face = _one(invariance, clip_id=clip_id, part="face", metric="nme_mean")
        found = _one(invariance, clip_id=clip_id, part="face", metric="found_again")
        head = _one(invariance, clip_id=clip_id, part="head", metric="oks_mean")
        dlib = _one(identity, clip_id=clip_id, recogniser="dlib")
        mobile = _one(identity, clip_id=clip_id, recogniser="mobilefacenet")
        figures = [(found, "value", 3), (face, "value", 4), (face, "ratio_to_floor", 2), (head, "value", 3),
                   (dlib, "distance_min", 3), (dlib, "rank1", 2), (mobile, "rank1", 2)]  # fmt: skip
        verdict = verdicts.filter(clip_id=clip_id)["verdict"][0]
        shown = [number(row.get(name), digits) for row, name, digits in figures]
        rows.append([clip_id, files.get(clip_id, ""), verdict, *shown])
    columns = ["clip", "handed in as", "verdict", "face found", "face NME", "x control", "head OKS",
               "identity distance, lowest (dlib)", "rank-1 dlib", "rank-1 MobileFaceNet"]  # fmt: skip
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
    names = ["face_found_again", "face_nme", "face_nme_ratio_to_control", "head_error", "head_oks",
             "body_nme", "dlib_distance_min", "dlib_rank1", "mobilefacenet_rank1"]  # fmt: skip
    rows = [
        [f"{arm} (mesh_swap)" if arm == "released" else arm, *(number(figures[arm][name]) for name in names)]
        for arm in METHODS
        if arm in figures
    ]
    columns = ["method", "face found", "face NME", "x control", "head error", "head OKS", "body NME",
               "lowest distance (dlib)", "rank-1 dlib", "rank-1 MobileFaceNet"]  # fmt: skip
    show_table("The methods side by side (compared methods on a sample of clips)", columns, rows)


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


def show_candidate(candidate: Candidate, digest: str) -> None:
    say(f"  {len(candidate.clips)} clips, {len(candidate.files)} files, digest {digest}")
    for entry in candidate.left_out:
        say(f"  left out: {entry.clip_id}, {entry.reason}")
    reviewed = [clip for clip in candidate.clips if clip.verdict == "review"]
    for clip in reviewed:
        say(f"  accepted by a person: {clip.clip_id}, although it broke {', '.join(clip.broken_rules)}")


def show_next(candidate: Candidate, digest: str) -> None:
    """Say how to look at a candidate, and how to approve just that."""
    say(f"  look at it: guise review {candidate.version}")
    say(f'  then: guise approve {candidate.version} --digest {digest[:16]} --by "NAME" --reason "WHY"')


def show_audit(audit: "Audit") -> None:
    for sentence in (*audit.findings, *audit.notes):
        say(f"  {sentence}")
    if audit.is_bucket:
        say(f"  {audit.version}: {'see above' if audit.findings else 'nothing lies beside these releases'}")
        return
    verdict = "every object is what was approved" if not audit.findings else "this release is not sound"
    say(f"  {audit.version}: {audit.objects} objects, {audit.bytes} bytes read back; {verdict}")


def show_lineage(lineage: "Lineage") -> None:
    """Print what a clip came from, newest first, each thing under what was made of it."""
    for thing in lineage.things:
        source = ", ".join(other.title for other in lineage.things if other.key in thing.came_from)
        say(f"  {thing.title}{f'  <- {source}' if source else ''}")
        for line in thing.says:
            say(f"      {line}")
    for finding in lineage.findings:
        say(f"  {finding}")


def show_withdrawal(done: "Withdrawn") -> None:
    record = done.record
    say(f"  {record.subject}: {len(record.clips)} clips; {done.removed_files} files removed here, "
        f"{done.removed_objects} from DVC's cache and the remote `private`")  # fmt: skip
    if record.published_in:
        say(f"  published in {', '.join(record.published_in)}: each has a tombstone, "
            f"{done.removed_published} objects were removed")  # fmt: skip
    else:
        say("  no published version holds them")
    say("  next: `guise run`, then a new version; remove their videos from your own folders, too")
