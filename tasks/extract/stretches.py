"""What was seen of a clip part by part, made one: whoever is seen in two parts where they meet is one."""

import pickle
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import polars as pl

from schemas.params.extract import Extract
from tasks.extract.clip import FrameRow, Survey
from tasks.extract.following import Follow
from tasks.extract.hypotheses import Hypothesis
from tasks.extract.people import FrameParts
from tasks.extract.tracking import Tracked
from tasks.extract.weighing import Evidence
from tasks.files.whole import whole
from tasks.text.borders import PartLines
from tasks.vision.regions import overlap

KINDS = ("face", "body", "hand")
# so many searches of what lies before a part are seen, too: nobody is followed for longer without being seen
LEAD_SEARCHES = 6
# track in a part -> track in the clip, by kind
Names = dict[str, dict[int, int]]


@dataclass(frozen=True)
class Stretch:
    """A part's frames and faces, with what leads up to it, and its lines of text; first: its own frame."""

    first: int
    frames: list[FrameRow]
    evidence: Evidence
    texts: pl.DataFrame | None


def lead_of(settings: Extract) -> int:
    """Return how many frames before a part are seen with it."""
    return LEAD_SEARCHES * settings.search_interval


def save_stretch(path: Path, first: int, survey: Survey, texts: pl.DataFrame | None) -> None:
    """Write what was seen of a part, and after it the parts of people in each of its frames."""
    survey.spool.seek(0)
    with whole(path) as partial, partial.open("wb") as stream:
        pickle.dump(Stretch(first, survey.frames, survey.faces, texts), stream)
        shutil.copyfileobj(survey.spool, stream)


def read_stretch(path: Path) -> tuple[Stretch, Iterator[tuple[FrameRow, FrameParts]]]:
    """Read a file that this workspace wrote, whose digest was compared; frames come one by one."""
    stream = path.open("rb")
    stretch: Stretch = pickle.load(stream)

    def frames() -> Iterator[tuple[FrameRow, FrameParts]]:
        with stream:
            yield from ((row, pickle.load(stream)) for row in stretch.frames)

    return stretch, frames()


class Joiner:
    """Add part after part to a survey; what is told of a face is gathered anew from all of them.

    texts: the lines of each part.
    """

    def __init__(self, survey: Survey, settings: Extract) -> None:
        self._survey, self._lead, self._limit = survey, lead_of(settings), settings.overlap
        self._held: list[tuple[FrameRow, FrameParts]] = []
        self._count = dict.fromkeys(KINDS, 0)
        self._told: dict[int, list[Hypothesis]] = {}
        self._follows: list[Follow] = []
        self._twice: set[tuple[int, int]] = set()
        self.texts: list[PartLines] = []

    def take(self, stretch: Stretch, frames: Iterator[tuple[FrameRow, FrameParts]]) -> None:
        """Take the next part into account. frames: all of its frames, those that lead up to it first."""
        lead = list(islice(frames, sum(row[0] < stretch.first for row in stretch.frames)))
        names = {kind: self._same(kind, lead) for kind in KINDS}
        for track in sorted(stretch.evidence.hypotheses):
            self._told.setdefault(self._name(names, "face", track), []).append(
                stretch.evidence.hypotheses[track]
            )
        scenes = self._held[-1][0][3] - lead[-1][0][3] if lead else 0
        self._meet(lead, names["face"])
        self._release(0)
        for row, parts in frames:
            self._held.append(((*row[:3], row[3] + scenes, row[4]), self._renamed(parts, names)))
            self._release(self._lead)
        for found in stretch.evidence.follows.values():
            self._follows.append(replace(found, track=names["face"][found.track]))
        if stretch.texts is not None:
            self.texts.append(PartLines(stretch.first, stretch.frames[-1][0] + 1, stretch.texts))

    def end(self) -> None:
        """Take note that there are no more parts."""
        self._release(0)
        known = self._survey.faces.hypotheses
        for track, face in known.items():
            for told in self._told[track]:
                face.take_over(told)
        for found in self._follows:
            if found.track in known and (found.frame, found.track) not in self._twice:
                self._survey.faces.follow(found)

    def _same(self, kind: str, lead: list[tuple[FrameRow, FrameParts]]) -> dict[int, int]:
        """Return who of a part is whom of those before: who lies in the same place in most frames."""
        held = {row[0]: parts[kind] for row, parts in self._held}
        votes = Counter(
            (new.track, old.track)
            for row, parts in lead
            for new in parts[kind]
            for old in held.get(row[0], ())
            if _overlap(new, old) > self._limit
        )
        same: dict[int, int] = {}
        for (new, old), _ in votes.most_common():
            if new not in same and old not in same.values():
                same[new] = old
        return same

    def _name(self, names: Names, kind: str, track: int) -> int:
        if track not in names[kind]:
            names[kind][track] = self._count[kind]
            self._count[kind] += 1
        return names[kind][track]

    def _renamed(self, parts: FrameParts, names: Names) -> FrameParts:
        return {
            kind: tuple(replace(one, track=self._name(names, kind, one.track)) for one in parts[kind])
            for kind in KINDS
        }

    def _meet(self, lead: list[tuple[FrameRow, FrameParts]], names: dict[int, int]) -> None:
        """Take faces that only the later part saw in the frames before it for as good as all others."""
        new = {row[0]: parts["face"] for row, parts in lead}
        for place, (row, parts) in enumerate(self._held):
            known = {face.track for face in parts["face"]}
            more = [
                replace(face, track=names[face.track])
                for face in new.get(row[0], ())
                if names[face.track] not in known
                and all(_overlap(face, other) <= self._limit for other in parts["face"])
            ]
            self._held[place] = row, parts | {"face": (*parts["face"], *more)}
            self._twice |= {(row[0], face.track) for face in (*parts["face"], *more)}

    def _release(self, kept: int) -> None:
        """Hand on all frames but so many, in which the next part may know better."""
        while len(self._held) > kept:
            row, parts = self._held.pop(0)
            self._survey.add(row, parts)
            for face in parts["face"]:
                told, known = self._told[face.track], self._survey.faces.hypotheses
                first = Hypothesis.of(face, row[0], row[3], told[0].first_rgb)
                known.setdefault(face.track, first).see(face, row[0], told[-1].last_rgb)


def _overlap(one: Tracked, other: Tracked) -> float:
    return overlap(one.located.part.box_xyxy, other.located.part.box_xyxy)
