"""A face is a hypothesis: what its looks and sightings say of it (pure)."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from schemas.skeletons import LEFT_EYE, RIGHT_EYE
from tasks.extract.tracking import Tracked
from tasks.tracks.beliefs import GOOD, Opinion, believe
from tasks.vision.appearance import Afar
from tasks.vision.regions import Box, line_angle

# what is so small is too coarse to be told from close by; so many meshes are a sign of their own
SMALL_PX, STEADY = 20, 6
# where it was followed one looks at every second frame, at most so often; so many say no if none is good
# and they are NOTHING on the whole: the least that a face behind a hand had was 0.22, the most of a knee 0.13
EVERY, AT_MOST, ENOUGH, NOTHING = 2, 8, 4, 0.15


@dataclass
class Hypothesis:
    """What was gathered of one face: in which frames it was seen, and what looks from close by said.

    angle_rad: of the eyes' line when it was seen last. first_rgb, last_rgb: what it looked like from afar.
    """

    scene: int
    first_frame: int
    last_frame: int
    around_xyxy: Box
    likeliest_frame: int
    first_rgb: Afar
    last_rgb: Afar
    sightings: int = 0
    meshes: int = 0
    largest_px: float = 0.0
    looks: list[float] = field(default_factory=list)
    angle_rad: float = 0.0
    follows: int = 0
    followed_looks: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, face: Tracked, frame: int, scene: int, afar: Afar) -> Self:
        return cls(scene, frame, frame, face.located.part.box_xyxy.copy(), frame, afar, afar)

    def see(self, face: Tracked, frame: int, afar: Afar) -> None:
        """Take another sighting into account; afar: what it looks like."""
        self.last_rgb = afar
        box, around = face.located.part.box_xyxy, self.around_xyxy
        self.angle_rad = _angle(face)
        self.last_frame, self.sightings = frame, self.sightings + 1
        self.meshes += not np.isnan(face.located.part.xy).any()
        self.largest_px = max(self.largest_px, float(max(box[2:] - box[:2])))
        self.around_xyxy = np.concatenate([np.minimum(around[:2], box[:2]), np.maximum(around[2:], box[2:])])

    def hear(self, score: float, frame: int) -> None:
        """Take a look from close by into account."""
        if score > max(self.looks, default=-1.0):
            self.likeliest_frame = frame
        self.looks.append(score)

    def follow(self) -> None:
        """Take another frame into account in which it was followed, but not detected."""
        self.follows += 1

    def take_over(self, other: Self) -> None:
        """Take into account what looks at the same face said elsewhere."""
        if max(other.looks, default=-1.0) > max(self.looks, default=-1.0):
            self.likeliest_frame = other.likeliest_frame
        self.looks += other.looks
        self.follows += other.follows
        self.followed_looks += other.followed_looks

    @property
    def wants_look(self) -> bool:
        """Whether another look is due: at the 1st, 2nd, 4th, 8th ... sighting, until two were good."""
        return self.sightings & (self.sightings - 1) == 0 and sum(one >= GOOD for one in self.looks) < 2

    @property
    def wants_followed_look(self) -> bool:
        """Whether a look is due where it was followed: what is only possible may turn out to be nothing."""
        is_due = self.follows % EVERY == 0 and len(self.followed_looks) < AT_MOST
        return is_due and believe(self.looks).belief == "possible"

    @property
    def opinion(self) -> Opinion:
        """What to believe, and why."""
        told = self._told_by_looks()
        if told.belief != "rejected":
            return told
        if self.meshes >= STEADY and 2 * self.meshes >= self.sightings:
            return Opinion("possible", f"{told.reason}, but a face's keypoints fit in {self.meshes} frames")
        if self.largest_px < SMALL_PX:
            return Opinion("possible", f"{told.reason}, but it is too small to tell")
        return told

    def _told_by_looks(self) -> Opinion:
        told, every = believe(self.looks), [*self.looks, *self.followed_looks]
        is_nothing = max(every, default=1.0) < GOOD and float(np.mean(every)) < NOTHING
        if told.belief != "possible" or len(self.followed_looks) < ENOUGH or not is_nothing:
            return told
        later = f"in {len(self.followed_looks)} frames in which it was followed at best "
        return Opinion("rejected", f"{told.reason}, {later}{max(self.followed_looks):.2f}")


def _angle(face: Tracked) -> float:
    xy = face.located.part.xy
    return 0.0 if np.isnan(xy).any() else line_angle(xy[RIGHT_EYE], xy[LEFT_EYE])
