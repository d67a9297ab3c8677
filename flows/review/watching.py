"""Which frames of released videos were really shown to each reviewer, kept from one review to the next."""

import threading
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.host.environment import STATE, private_folder
from flows.review.contents import Clip
from schemas.release import Watched
from tasks.files.clips import video_path
from tasks.files.documents import read_document, write_json
from tasks.files.hashing import sha256_file
from tasks.files.pseudonyms import canonical_id

PLACE = STATE / "watched-by.json"
Run = tuple[int, int]  # first and last frame


class Shown(BaseModel):
    """What was shown of one video, which is known by its bytes; people: name in one spelling -> runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video_sha256: str
    people: dict[str, list[Run]]


class AllShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: dict[str, Shown]


class Watching:
    """The frames of each clip's released video that were shown; kept in the workspace, for nobody else."""

    def __init__(self, root: Path) -> None:
        self._root, self._lock = root, threading.Lock()
        self._digests: dict[str, str] = {}
        self._read()  # what cannot be read is told before anybody watches

    def add(self, clip: Clip, runs: Iterable[Run], by: str) -> Watched:
        """Take more frames for shown to a person, those that the clip has; return what they have seen of it.

        Of nobody nothing is kept.
        """
        last, person = len(clip.time_s) - 1, canonical_id(by)
        new = {frame for first, end in runs for frame in range(max(0, first), min(end, last) + 1)}
        with self._lock:
            # another review may have kept more meanwhile
            kept = self._read()
            people = self._people(kept, clip)
            frames = new | {frame for low, high in people.get(person, ()) for frame in range(low, high + 1)}
            if new and person:
                shown = Shown(video_sha256=self._digest(clip), people=people | {person: _runs(frames)})
                private_folder((self._root / PLACE).parent)
                document = AllShown(clips=kept | {clip.clip_id: shown}).model_dump(mode="json")
                write_json(document, self._root / PLACE)
        return watched(clip, frames)

    def of(self, clip: Clip, by: str) -> Watched:
        """Return what of a clip was shown to a person so far."""
        return self.add(clip, [], by)

    def digest(self, clip: Clip) -> str:
        """Return by what a clip's released video is known."""
        with self._lock:
            return self._digest(clip)

    def _read(self) -> dict[str, Shown]:
        path = self._root / PLACE
        return dict(read_document(path, AllShown).clips) if path.is_file() else {}

    def _people(self, kept: dict[str, Shown], clip: Clip) -> dict[str, list[Run]]:
        shown = kept.get(clip.clip_id)
        return shown.people if shown and shown.video_sha256 == self._digest(clip) else {}

    def _digest(self, clip: Clip) -> str:
        if clip.clip_id not in self._digests:
            self._digests[clip.clip_id] = sha256_file(self._root / video_path("released", clip.clip_id))
        return self._digests[clip.clip_id]


def watched(clip: Clip, frames: set[int]) -> Watched:
    """Return how much of a clip these frames are; a flag was seen where one of its frames was."""
    seen = [flag for flag in clip.flags if not frames.isdisjoint(range(flag.first, flag.last + 1))]
    return Watched(frames=len(frames), of_frames=len(clip.time_s), flags=len(seen), of_flags=len(clip.flags))


def _runs(frames: set[int]) -> list[Run]:
    runs: list[Run] = []
    for frame in sorted(frames):
        if runs and runs[-1][1] == frame - 1:
            runs[-1] = runs[-1][0], frame
        else:
            runs.append((frame, frame))
    return runs
