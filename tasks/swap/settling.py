"""A drawn mesh moved until the extractor reads the patient's motion in it (pure).

Another face is read a little differently. What always differs is how that face is built and is left alone;
what differs from frame to frame would be motion that the patient does not have.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from schemas.skeletons import LIDS
from tasks.swap.canvas import Brush, Canvas, Scene
from tasks.swap.gaze import lids_apart
from tasks.vision.regions import MESH_SIDE_PX, Points, Region, RgbImage, to_picture

# the 468 x 2 mesh of the face in a crop of the mesh model's size, in crop pixels; None where none is seen
Fit = Callable[[RgbImage], Points | None]
LID_POINTS = [*LIDS[0], *LIDS[1]]
FARTHEST_CORRECTION = 0.1
KEPT_CORRECTION = 0.9  # from frame to frame; more of it adds up
STEP, SHORTER = 0.9, 0.5  # of what is astray; after a step that made it worse
# a first frame is read as it is built: there is nothing to put right, and nothing more to be read
NOTHING_ASTRAY_PX = 1e-4
# how fast a drawn face's own reading is learnt, as a share of each frame, and how far it may be astray
HABIT_RATE, MOST_HABIT_PX = 0.003, 6.0
GRADE_RATE = 0.3  # of sharpness and grain, as a share of each frame


@dataclass
class Settling:
    """What is known of a track's drawn face: how its mesh is moved, how it is read, and where it was read.

    habit: 468 x 2 canvas pixels by which the drawn face is always read astray. grade: how far it is
    softened, in pixels of the picture, and its grain.
    """

    moved: Points | None = None
    habit: Points | None = None
    read_xy: Points | None = None
    reads: int = 0
    grade: Points | None = None

    def settle(
        self, scene: Scene, region: Region, aim: Points, brush: Brush, *, fit: Fit, corrections: int
    ) -> Canvas:
        """Return the canvas in which the extractor reads the motion best; aim: the wanted mesh in it."""
        moved = _apart(
            aim, np.zeros_like(aim) if self.moved is None else self.moved * np.float32(KEPT_CORRECTION)
        )
        sketch = brush.sketch(aim + moved)
        drawn = brush.draw(sketch, aim + moved)
        light = scene.light(brush.face.lab, drawn)
        canvas = Canvas(drawn, moved, light.tone(brush.face.lab), light.offset_on(MESH_SIDE_PX))
        canvas = self._graded(scene, canvas)
        best, least, read, step = canvas, np.inf, None, np.float32(STEP)
        farthest = FARTHEST_CORRECTION * float(np.ptp(aim, axis=0).max())
        for number in range(corrections + 1):
            if number:
                canvas = replace(canvas, drawn=brush.draw(sketch, aim + moved), moved=moved)
            seen = fit(scene.show(canvas))
            if seen is None or not is_near(seen, aim):
                break
            if self.habit is None:
                self.habit = _bounded(seen - aim, MOST_HABIT_PX)
            error = _error(seen - aim - self.habit)
            if error < least:
                best, least, read = canvas, error, seen
            else:
                step *= np.float32(SHORTER)
            if error < NOTHING_ASTRAY_PX:
                break
            astray = (seen if read is None else read) - aim - self.habit
            moved = _apart(aim, _bounded(brush.face.near @ (best.moved - step * astray), farthest))
        self._learn(best.moved, read, aim, region)
        return best

    def _graded(self, scene: Scene, canvas: Canvas) -> Canvas:
        """Return a canvas as soft and as grainy as its picture, without a step from frame to frame."""
        grade = np.array(scene.grade(canvas))
        self.grade = grade if self.grade is None else self.grade + (grade - self.grade) * GRADE_RATE
        return replace(canvas, soft_px=float(self.grade[0]), grain=float(self.grade[1]))

    def _learn(self, moved: Points, read: Points | None, aim: Points, region: Region) -> None:
        self.moved, self.read_xy = moved, None
        if read is not None and self.habit is not None:
            self.reads += 1
            rate = np.float32(max(HABIT_RATE, 1 / (1 + self.reads)))
            self.habit = _bounded(self.habit + rate * (read - aim - self.habit), MOST_HABIT_PX)
            self.read_xy = to_picture(read, region, MESH_SIDE_PX)


def is_near(seen_xy: Points, mesh_xy: Points) -> bool:
    """Return whether two meshes are one face: a mesh found elsewhere must not pull the cover away."""
    size = float(np.ptp(mesh_xy, axis=0).max())
    return float(np.linalg.norm(seen_xy - mesh_xy, axis=1).max()) <= FARTHEST_CORRECTION * size


def _apart(aim: Points, moved: Points) -> Points:
    return np.asarray(lids_apart(aim + moved) - aim, np.float32)


def _error(astray: Points) -> float:
    # a blink is small, and matters
    away = np.linalg.norm(astray, axis=1)
    return float(away.mean() + away[LID_POINTS].mean())


def _bounded(ways: Points, most_px: float) -> Points:
    far = np.linalg.norm(ways, axis=1, keepdims=True)
    return np.asarray(ways * np.minimum(1, most_px / np.maximum(far, 1e-6)), np.float32)
