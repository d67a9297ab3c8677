"""What the pages say: evidence tables and decisions, put side by side for a person."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from flows.release.decisions import decided, refused_clips, waiting_clips
from flows.review.doubts import Doubt, read_doubts
from flows.review.texts import Text, left_in, read_texts
from schemas.evidence import MEASURED, METHODS, VERDICTS
from schemas.frames import FRAMES
from schemas.release import Candidate
from tasks.files.clips import frames_path, read_admitted
from tasks.files.documents import read_csv_table, read_table
from tasks.publish.plan import candidate_digest

EVIDENCE = Path("data/evidence")
PLAYED = ("h264", "vp9", "av1")
RANK = {"fail": 0, "review": 1, "pass": 2}
FINDINGS = {
    "surviving": "original pixels of a face are still there",
    "uncovered": "a correction took the cover away",
    "flagged": "a face was covered without having been located, may be none, or nobody was found",
    "in_front": "something stayed in front of a face, with its own pixels",
    "doubtful": "a part of a face may still be the original's",
    "text_left": "what may be a name, a date or a number can still be read",
    "text": "text stays that can be read",
}
TOLD = "in_mouth"  # by design, and no reason to look


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
    codec: the original's. doubts: what may be faces. texts: lines of text.
    """

    clip_id: str
    place: str
    size_wh: tuple[int, int]
    codec: str
    time_s: list[float]
    tables: dict[str, pl.DataFrame]
    doubts: tuple[Doubt, ...] = ()
    texts: tuple[Text, ...] = ()

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
            if row["finding"] != TOLD
            for first, last in _ranges(row["ranges"])
        ]
        return sorted(found, key=lambda flag: (flag.first, flag.finding))

    @property
    def open_mouths(self) -> int:
        """In how many frames an open mouth shows the patient's own inside."""
        return int(self.tables["findings"].filter(finding=TOLD)["frames"].sum())

    @property
    def text_left(self) -> list[int]:
        """Frames of the release in which text was read that is not known to stay."""
        return left_in(self.tables["texts"])

    @property
    def stand_in(self) -> bool:
        """Whether browsers cannot play the original, so that the control is shown in its place."""
        return self.codec not in PLAYED

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
    def face_motion(self) -> tuple[float | None, float | None]:
        """How much otherwise the face moves, and as a multiple of the control's."""
        rows = self.tables["invariance"].filter(arm="released", part="face", metric="motion")
        return (rows["value"][0], rows["ratio_to_floor"][0]) if rows.height else (None, None)

    def signals(self) -> list[dict[str, Any]]:
        """Return what an examiner reads, of the released arm; `floor` is the control's difference."""
        return self.tables["signals"].filter(arm="released").to_dicts()


@dataclass(frozen=True)
class Contents:
    """Clips, those that need eyes first, and the cohort's figures.

    version, digest: of the candidate that is reviewed, None before one is frozen.
    """

    version: str | None
    purpose: str
    digest: str | None
    clips: dict[str, Clip]
    methods: pl.DataFrame

    @property
    def title(self) -> str:
        return self.version or "the results as they are"


def read_contents(root: Path, purpose: str, candidate: Candidate | None) -> Contents:
    """Read the evidence of every admitted clip, and what was decided on it."""
    places = _places(root) if candidate is None else _places_in(candidate)
    digest = candidate_digest(candidate) if candidate else None
    if candidate:
        purpose = candidate.purpose
    version = candidate.version if candidate else None
    clips = {clip.clip_id: clip for clip in _read_clips(root, places)}
    return Contents(version, purpose, digest, clips, read_csv_table(root / EVIDENCE / "methods.csv", METHODS))


def _places_in(candidate: Candidate) -> dict[str, str]:
    inside = {clip.clip_id: "in the release" for clip in candidate.clips}
    return inside | {left.clip_id: f"left out: {left.reason}" for left in candidate.left_out}


def _places(root: Path) -> dict[str, str]:
    waiting = {clip.clip_id: "waits for a decision" for clip in waiting_clips(root)}
    return waiting | {
        clip_id: f"{'accepted' if record.accepted else 'left out'} by {record.by}: {record.reason}"
        for clip_id, record in decided(root).items()
    }


def _read_clips(root: Path, places: dict[str, str]) -> list[Clip]:
    schemas = MEASURED | {"verdicts": VERDICTS}
    per_clip = [name for name, schema in schemas.items() if "clip_id" in schema.columns]
    tables = {name: read_table(root / EVIDENCE / f"{name}.parquet", schemas[name]) for name in per_clip}
    admitted = read_admitted(root).select("clip_id", "width", "height", "codec")
    admitted = admitted.filter(~pl.col("clip_id").is_in(list(refused_clips(root))))
    clips = [
        Clip(
            clip_id,
            places.get(clip_id, "passes every rule"),
            (width, height),
            codec,
            read_table(root / frames_path("original", clip_id), FRAMES)["timestamp_s"].to_list(),
            {name: table.filter(clip_id=clip_id) for name, table in tables.items()},
            tuple(read_doubts(root, clip_id)),
            tuple(read_texts(root, clip_id)),
        )
        for clip_id, width, height, codec in admitted.iter_rows()
    ]
    return sorted(clips, key=lambda clip: (RANK[clip.verdict], not clip.flags, clip.clip_id))


def _ranges(told: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, told.replace(" ", "").split(",")):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
