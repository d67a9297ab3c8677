"""What a list of clips says of each: a few figures out of tables that are too long to hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.release.wording import FINDINGS as SAYS
from schemas.evidence import FINDINGS, IDENTITY_FRAMES, INVARIANCE, VERDICTS
from schemas.jobs import Row
from tasks.files.clips import evidence_path
from tasks.files.documents import read_lean, read_some

TOLD = "in_mouth"  # by design, and no reason to look
SEEN = (pl.col("arm") == "released") & (pl.col("recogniser") == "dlib")
MOVES = (pl.col("arm") == "released") & (pl.col("part") == "face") & (pl.col("metric") == "motion")
MOTION = ("value", "ratio_to_floor")
Motion = tuple[float | None, float | None]


@dataclass(frozen=True)
class Flag:
    """Frames that need eyes: first and last, and why."""

    first: int
    last: int
    finding: str

    @property
    def says(self) -> str:
        return SAYS[self.finding]


@dataclass(frozen=True)
class Outline:
    """A clip in brief; broken: rules.

    open_mouths: in how many frames an open mouth shows the patient's own inside. nearest: the least distance,
    dlib's, of a released face to its original. face_motion: how much otherwise the face moves, and as a
    multiple of the control's.
    """

    verdict: str
    broken: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    open_mouths: int = 0
    nearest: float | None = None
    face_motion: Motion = (None, None)


def read_outlines(root: Path) -> dict[str, Outline]:
    """Return clip_id -> what is told of it in a list, of every clip that was judged."""
    verdicts = read_lean(root / evidence_path("verdicts"), VERDICTS, ["clip_id", "verdict"]).unique()
    broken = read_some(root / evidence_path("verdicts"), VERDICTS, ~pl.col("passed"))
    findings = read_some(root / evidence_path("findings"), FINDINGS, pl.col("frames") > 0)
    seen = read_some(root / evidence_path("identity_frames"), IDENTITY_FRAMES, SEEN)
    moves = read_some(root / evidence_path("invariance"), INVARIANCE, MOVES)
    return outlines(verdicts, broken, findings, seen, moves)


def outlines(
    verdicts: pl.DataFrame,
    broken: pl.DataFrame,
    findings: pl.DataFrame,
    seen: pl.DataFrame,
    moves: pl.DataFrame,
) -> dict[str, Outline]:
    """Return clip_id -> outline. broken: of rules that are; seen, moves: rows that are SEEN and MOVES."""
    rules = broken.rows_by_key("clip_id", named=True)
    found = findings.rows_by_key("clip_id", named=True)
    nearest = dict(seen.group_by("clip_id").agg(pl.col("distance").min()).iter_rows())
    motion = {clip: (value, times) for clip, value, times in moves.select("clip_id", *MOTION).iter_rows()}
    return {
        clip_id: Outline(
            verdict,
            tuple(row["rule"] for row in rules.get(clip_id, [])),
            tuple(sorted(_flags(found.get(clip_id, [])), key=lambda flag: (flag.first, flag.finding))),
            sum(row["frames"] for row in found.get(clip_id, []) if row["finding"] == TOLD),
            nearest.get(clip_id),
            motion.get(clip_id, (None, None)),
        )
        for clip_id, verdict in verdicts.select("clip_id", "verdict").iter_rows()
    }


def _flags(rows: list[Row]) -> Iterator[Flag]:
    for row in rows:
        if row["finding"] != TOLD:
            for first, last in _ranges(row["ranges"]):
                yield Flag(first, last, row["finding"])


def _ranges(told: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, told.replace(" ", "").split(",")):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
