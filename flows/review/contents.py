"""What the pages say: evidence tables and decisions, put side by side for a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from flows.release.decisions import judged, refused_clips
from flows.release.record import Record
from flows.release.wording import tell, word
from flows.review.doubts import Doubt, read_doubts
from flows.review.outlines import Flag, Outline, read_outlines
from flows.review.texts import Text, left_in, read_texts
from schemas.evidence import MEASURED, METHODS, VERDICTS
from schemas.params.validate import Rule
from schemas.release import Candidate
from tasks.files.clips import evidence_path, read_admitted
from tasks.files.documents import read_csv_table, read_params, read_some
from tasks.files.errors import InputError
from tasks.files.seen import frames_of
from tasks.publish.plan import candidate_digest

SHOWN = {
    "verdicts": VERDICTS,
    **{name: MEASURED[name] for name in ("signals", "timeline", "identity", "identity_frames", "texts")},
}
PLAYED = ("h264", "vp9", "av1")
RANK = {"fail": 0, "review": 1, "pass": 2}
UNJUDGED = Outline("fail", ("no evidence",))
WAITS, PASSES = "waits for a decision", "passes every rule"


@dataclass(frozen=True)
class Details:
    """What only a clip's own page shows. doubts: what may be faces. texts: lines of text.

    tables: the clip's rows of the evidence.
    """

    time_s: list[float]
    doubts: tuple[Doubt, ...] = ()
    texts: tuple[Text, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Clip:
    """One clip of the cohort, as a list shows it.

    place: in the release, or why not. size_wh: stored pixels, which a player may show wider or narrower.
    codec: the original's. read: its details, when they are asked for.
    """

    clip_id: str
    place: str
    size_wh: tuple[int, int]
    codec: str
    outline: Outline
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

    @property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        return self._details.tables

    @property
    def verdict(self) -> str:
        return self.outline.verdict

    @property
    def broken(self) -> tuple[str, ...]:
        return self.outline.broken

    @property
    def flags(self) -> tuple[Flag, ...]:
        return self.outline.flags

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

    @cached_property
    def frames_to_look_at(self) -> int:
        """How many frames are flagged, each counted once."""
        return len({frame for flag in self.flags for frame in range(flag.first, flag.last + 1)})

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
    methods = read_csv_table(root / evidence_path("methods"), METHODS)
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
    return {
        one.clip.clip_id: WAITS if one.word is None else one.word.says
        for one in judged(root)
        if one.waits or one.word is not None
    }


def _read_clips(root: Path, told: dict[str, str]) -> list[Clip]:
    told_of = read_outlines(root)
    admitted = read_admitted(root).select("clip_id", "width", "height", "codec")
    admitted = admitted.filter(~pl.col("clip_id").is_in(list(refused_clips(root))))
    clips = [
        Clip(
            clip_id,
            told.get(clip_id, PASSES),
            (width, height),
            codec,
            told_of.get(clip_id, UNJUDGED),
            partial(_read_details, root, clip_id),
        )
        for clip_id, width, height, codec in admitted.iter_rows()
    ]
    return sorted(clips, key=lambda clip: (RANK[clip.verdict], -clip.frames_to_look_at, clip.clip_id))


def _read_details(root: Path, clip_id: str) -> Details:
    time_s = frames_of(root, "original", clip_id)["timestamp_s"].to_list()
    theirs = pl.col("clip_id") == clip_id
    tables = {name: read_some(root / evidence_path(name), SHOWN[name], theirs) for name in SHOWN}
    return Details(time_s, tuple(read_doubts(root, clip_id)), tuple(read_texts(root, clip_id)), tables)
