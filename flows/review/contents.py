"""What the pages say: evidence tables and decisions, put side by side for a person."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from flows.release.decisions import decided, refused_clips, waiting_clips
from flows.release.record import Record
from flows.release.wording import FINDINGS, tell, word
from flows.review.doubts import Doubt, read_doubts
from flows.review.texts import Text, left_in, read_texts
from schemas.evidence import MEASURED, METHODS, VERDICTS
from schemas.frames import FRAMES
from schemas.params.validate import Rule
from schemas.release import Candidate
from tasks.files.clips import frames_path, read_admitted
from tasks.files.documents import read_csv_table, read_params, read_table
from tasks.files.errors import InputError
from tasks.publish.plan import candidate_digest

EVIDENCE = Path("data/evidence")
PLAYED = ("h264", "vp9", "av1")
RANK = {"fail": 0, "review": 1, "pass": 2}
WAITS, PASSES = "waits for a decision", "passes every rule"
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
class Details:
    """What only a clip's own page shows. doubts: what may be faces. texts: lines of text."""

    time_s: list[float]
    doubts: tuple[Doubt, ...] = ()
    texts: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Clip:
    """One clip of the cohort, with its rows of the evidence.

    place: in the release, or why not. size_wh: stored pixels, which a player may show wider or narrower.
    codec: the original's. read: its details, when they are asked for.
    """

    clip_id: str
    place: str
    size_wh: tuple[int, int]
    codec: str
    tables: dict[str, pl.DataFrame]
    read: Callable[[], Details]

    @cached_property
    def _details(self) -> Details:
        return self.read()

    @property
    def time_s(self) -> list[float]:
        return self._details.time_s

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        return self._details.doubts

    @property
    def texts(self) -> tuple[Text, ...]:
        return self._details.texts

    @cached_property
    def verdict(self) -> str:
        return str(self.tables["verdicts"]["verdict"][0])

    @cached_property
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

    @cached_property
    def open_mouths(self) -> int:
        """In how many frames an open mouth shows the patient's own inside."""
        return int(self.tables["findings"].filter(finding=TOLD)["frames"].sum())

    @cached_property
    def text_left(self) -> list[int]:
        """Frames of the release in which text was read that is not known to stay."""
        return left_in(self.tables["texts"])

    @property
    def stand_in(self) -> bool:
        """Whether browsers cannot play the original, so that the control is shown in its place."""
        return self.codec not in PLAYED

    @cached_property
    def needs_eyes(self) -> bool:
        return self.verdict != "pass" or bool(self.flags)

    @cached_property
    def frames_to_look_at(self) -> int:
        """How many frames are flagged, each counted once."""
        return len({frame for flag in self.flags for frame in range(flag.first, flag.last + 1)})

    @cached_property
    def nearest(self) -> float | None:
        """The lowest distance, dlib's, of a released face to its original."""
        seen = self.tables["identity_frames"].filter(arm="released", recogniser="dlib")["distance"]
        return float(seen.to_numpy().min()) if len(seen) else None

    @cached_property
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

    version, digest: of the candidate that is reviewed, None before one is frozen. rules: of the verdicts.
    """

    version: str | None
    purpose: str
    digest: str | None
    clips: dict[str, Clip]
    methods: pl.DataFrame
    rules: Mapping[str, Rule] = field(default_factory=dict)

    def brief(self, rule: str) -> str:
        """Return what it means that a rule is broken, in a few words, or its name."""
        wording = word(self.rules[rule]) if rule in self.rules else None
        return wording.brief if wording else rule

    def says(self, row: dict[str, Any]) -> str:
        """Return a row of a verdict as a sentence; empty where its measure is not told in words."""
        wording = word(self.rules[row["rule"]]) if row["rule"] in self.rules else None
        return tell(wording, row) if wording else ""

    @property
    def title(self) -> str:
        return self.version or "the results as they are"


def read_contents(root: Path, purpose: str, candidate: Candidate | None) -> Contents:
    """Read the evidence of every admitted clip, and what was decided on it."""
    told = places(root) if candidate is None else _places_in(candidate)
    digest = candidate_digest(candidate) if candidate else None
    if candidate:
        purpose = candidate.purpose
    version = candidate.version if candidate else None
    clips = {clip.clip_id: clip for clip in _read_clips(root, told)}
    methods = read_csv_table(root / EVIDENCE / "methods.csv", METHODS)
    return Contents(version, purpose, digest, clips, methods, read_params(root).validate_.rules)


def stands(root: Path, contents: Contents) -> bool:
    """Return whether the candidate that is reviewed, if any, is still frozen as it was."""
    if contents.version is None:
        return True
    try:
        return candidate_digest(Record(root, contents.version).candidate()) == contents.digest
    except InputError:
        return False


def _places_in(candidate: Candidate) -> dict[str, str]:
    inside = {clip.clip_id: "in the release" for clip in candidate.clips}
    return inside | {left.clip_id: f"left out: {left.reason}" for left in candidate.left_out}


def places(root: Path) -> dict[str, str]:
    """Return what was decided on each clip, or that it waits, except for those that pass."""
    waiting = {clip.clip_id: WAITS for clip in waiting_clips(root)}
    return waiting | {clip_id: record.says for clip_id, record in decided(root).items()}


def _read_clips(root: Path, told: dict[str, str]) -> list[Clip]:
    schemas = MEASURED | {"verdicts": VERDICTS}
    per_clip = [name for name, schema in schemas.items() if "clip_id" in schema.columns]
    tables = {name: read_table(root / EVIDENCE / f"{name}.parquet", schemas[name]) for name in per_clip}
    parts = {name: table.partition_by("clip_id", as_dict=True) for name, table in tables.items()}
    admitted = read_admitted(root).select("clip_id", "width", "height", "codec")
    admitted = admitted.filter(~pl.col("clip_id").is_in(list(refused_clips(root))))
    clips = [
        Clip(
            clip_id,
            told.get(clip_id, PASSES),
            (width, height),
            codec,
            {name: parts[name].get((clip_id,), table.clear()) for name, table in tables.items()},
            partial(_read_details, root, clip_id),
        )
        for clip_id, width, height, codec in admitted.iter_rows()
    ]
    for clip in clips:  # once, before anybody waits for the list
        _ = clip.broken, clip.frames_to_look_at, clip.nearest, clip.face_motion
    return sorted(clips, key=lambda clip: (RANK[clip.verdict], -clip.frames_to_look_at, clip.clip_id))


def _read_details(root: Path, clip_id: str) -> Details:
    time_s = read_table(root / frames_path("original", clip_id), FRAMES)["timestamp_s"].to_list()
    return Details(time_s, tuple(read_doubts(root, clip_id)), tuple(read_texts(root, clip_id)))


def _ranges(told: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, told.replace(" ", "").split(",")):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
