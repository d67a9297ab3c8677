"""What is covered of a frame, and what must be known of its clip (pure)."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from schemas.params.deidentify import Deidentify, Drawn
from tasks.tracks.beliefs import Beliefs
from tasks.vision.regions import Box

Source = Literal[
    "detected", "followed", "interpolated", "extended", "head_region", "whole_frame", "nobody", "corrected"
]
NOBODY = -1
# added to the number of a track whose body has its head where its face is not
HEADS = 1 << 20


@dataclass(frozen=True)
class FaceRegion:
    """What is covered of one frame: a box x0, y0, x1, y1 in pixels.

    flagged: a person should look, because the face was not located in this frame, or may be none.
    """

    frame: int
    track: int
    source: Source
    box_xyxy: Box
    method: Drawn
    flagged: bool = False


class Kept(NamedTuple):
    """Which shares of a swapped face stay with their own pixels: behind things, in a mouth, what is worn.

    painted_over: whether something before the face could not be kept, as glasses.
    """

    in_front: float
    in_mouth: float
    worn: float = 0.0
    painted_over: bool = False


@dataclass(frozen=True)
class Clip:
    """What coverage must know of a clip: the scene number of every frame, and who its subject is.

    crowded: frames that showed more people than the extractor follows. beliefs: of each track and scene;
    one of which nothing is said is a face. drawable: tracks that a network of the workspace's own can draw.
    """

    scenes: list[int]
    size_wh: tuple[int, int]
    subject_tracks: frozenset[int] | None = None
    crowded: frozenset[int] = frozenset()
    beliefs: Beliefs = field(default_factory=dict)
    drawable: frozenset[int] = frozenset()

    def is_confirmed(self, track: int, scene: int) -> bool:
        said = self.beliefs.get((track, scene))
        return said is None or said.belief == "confirmed"

    def scene_frames(self, scene: int) -> range:
        return range(bisect_left(self.scenes, scene), bisect_right(self.scenes, scene))


def around(boxes: list[Box]) -> Box:
    """Return the box that holds others."""
    both = np.stack(boxes)
    return np.concatenate([both[:, :2].min(0), both[:, 2:].max(0)]).astype(np.float32)


def grow(box_xyxy: Box, clip: Clip, rule: Deidentify) -> Box:
    """Return the box with its margin, inside the picture."""
    box = box_xyxy.reshape(2, 2)
    reach = np.ptp(box, axis=0) * rule.margin
    grown = (box + np.stack([-reach, reach])).clip(0, np.array(clip.size_wh))
    return np.asarray(grown.reshape(4), np.float32)


def holds(box: Box | None, head: Box) -> bool:
    """Return whether the middle of a head lies in a box, if there is one."""
    center = (head[:2] + head[2:]) / 2
    return box is not None and bool((box[:2] <= center).all() and (center <= box[2:]).all())
