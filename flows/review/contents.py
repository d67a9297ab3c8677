"""What the pages say of a candidate: evidence tables, put side by side for a person."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from schemas.evidence import MEASURED, METHODS, VERDICTS
from schemas.frames import FRAMES
from schemas.release import Candidate
from tasks.clips import frames_path, read_admitted
from tasks.documents import check_table, read_table

EVIDENCE = Path("data/evidence")
RANK = {"fail": 0, "review": 1, "pass": 2}
FINDINGS = {
    "surviving": "original pixels of a face are still there",
    "flagged": "a face was covered without having been located",
    "in_front": "something stayed in front of a face, with its own pixels",
}


@dataclass(frozen=True)
class Flag:
    """Frames that need eyes: first and last, and why."""

    first: int
    last: int
    finding: str

    @property
    def says(self) -> str:
        return FINDINGS[self.finding]


@dataclass(frozen=True)
class Clip:
    """One clip of the cohort, with its rows of the evidence.

    place: in the release, or why not. size_wh: stored pixels, which a player may show wider or narrower.
    """

    clip_id: str
    place: str
    size_wh: tuple[int, int]
    time_s: list[float]
    tables: dict[str, pl.DataFrame]

    @property
    def verdict(self) -> str:
        return str(self.tables["verdicts"]["verdict"][0])

    @property
    def broken(self) -> list[str]:
        return self.tables["verdicts"].filter(~pl.col("passed"))["rule"].to_list()

    @cached_property
    def flags(self) -> list[Flag]:
        found = [
            Flag(first, last, row["finding"])
            for row in self.tables["findings"].iter_rows(named=True)
            for first, last in _ranges(row["ranges"])
        ]
        return sorted(found, key=lambda flag: (flag.first, flag.finding))

    @property
    def needs_eyes(self) -> bool:
        return self.verdict != "pass" or bool(self.flags)

    @property
    def frames_to_look_at(self) -> int:
        """How many frames are flagged, each counted once."""
        return len({frame for flag in self.flags for frame in range(flag.first, flag.last + 1)})

    @property
    def nearest(self) -> float | None:
        """The lowest distance, dlib's, of a released face to its original."""
        seen = self.tables["identity_frames"].filter(arm="released", recogniser="dlib")["distance"]
        return float(seen.to_numpy().min()) if len(seen) else None

    @property
    def face_error(self) -> tuple[float | None, float | None]:
        """The mean face error, and as a multiple of the control's."""
        rows = self.tables["invariance"].filter(arm="released", part="face", metric="nme_mean")
        return (rows["value"][0], rows["ratio_to_floor"][0]) if rows.height else (None, None)

    def signals(self) -> list[dict[str, Any]]:
        """Return what an examiner reads, of the released arm; `floor` is the control's difference."""
        return self.tables["signals"].filter(arm="released").to_dicts()


@dataclass(frozen=True)
class Contents:
    """A candidate's clips, those that need eyes first, and the cohort's figures."""

    candidate: Candidate
    digest: str
    clips: dict[str, Clip]
    methods: pl.DataFrame


def read_contents(root: Path, candidate: Candidate, digest: str) -> Contents:
    """Read the evidence of every admitted clip."""
    schemas = MEASURED | {"verdicts": VERDICTS}
    per_clip = [name for name, schema in schemas.items() if "clip_id" in schema.columns]
    tables = {name: read_table(root / EVIDENCE / f"{name}.parquet", schemas[name]) for name in per_clip}
    places = {left.clip_id: f"left out: {left.reason}" for left in candidate.left_out}
    clips = [
        Clip(
            clip_id,
            places.get(clip_id, "in the release"),
            (width, height),
            read_table(root / frames_path("original", clip_id), FRAMES)["timestamp_s"].to_list(),
            {name: table.filter(clip_id=clip_id) for name, table in tables.items()},
        )
        for clip_id, width, height in read_admitted(root).select("clip_id", "width", "height").iter_rows()
    ]
    ordered = sorted(clips, key=lambda clip: (RANK[clip.verdict], not clip.flags, clip.clip_id))
    return Contents(candidate, digest, {clip.clip_id: clip for clip in ordered}, _methods(root))


def _methods(root: Path) -> pl.DataFrame:
    path = root / EVIDENCE / "methods.csv"
    kinds = {name: column.dtype.type for name, column in METHODS.columns.items()}
    return check_table(pl.read_csv(path, schema_overrides=kinds), METHODS, path.name)


def _ranges(told: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, told.replace(" ", "").split(",")):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
