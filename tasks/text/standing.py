"""A line of text that is in the picture, and where it stays (pure)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.text.seeing import GreyImage, find_again
from tasks.vision.regions import Box, RgbImage

# least correlation with what a line looked like where it was, and after it moved; between frames it moves by
# so many pixels at most, or by such a share of its height
STAYS, MOVED, LEAST_PX, REACH = 0.9, 0.6, 4, 0.6


@dataclass(frozen=True)
class Run:
    """Frames, the last one included, in which a line of text stays where it is."""

    line: int
    first_frame: int
    last_frame: int
    box_xyxy: Box


@dataclass
class Standing:
    """A line that is in the picture now, what it looks like, and since when it is where it is.

    lost_s: when it was not followed any more. unread_s: since when it is not read, where it was before only.
    followed_since: the frame from which on it surely was where it is said to be. step_xy: how it moved last.
    seen_xy: its place at the last look beside it.
    """

    line: int
    box_xyxy: Box
    looks: GreyImage
    since_frame: int
    lost_s: float | None = None
    unread_s: float | None = None
    followed_since: int | None = None
    step_xy: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    seen_xy: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.seen_xy = self.box_xyxy[:2]

    @property
    def has_moved(self) -> bool:
        """Whether it is elsewhere than where it was looked around, by half its height."""
        height = float(self.box_xyxy[3] - self.box_xyxy[1])
        return self.lost_s is None and float(np.abs(self.box_xyxy[:2] - self.seen_xy).max()) > height / 2

    def follow(self, rgb: RgbImage) -> Box | None:
        """Return where the line is now; None where nothing looks like it."""
        if find_again(rgb, self.looks, self.box_xyxy, 0, STAYS) is not None:
            return self.box_xyxy
        ahead = self.box_xyxy + np.tile(self.step_xy, 2)
        reach_px = max(LEAST_PX, round(REACH * float(self.box_xyxy[3] - self.box_xyxy[1])))
        return find_again(rgb, self.looks, ahead, reach_px, MOVED)
