"""What the original lends its copies: where to look, and nothing of what was found there."""

import numpy as np
import polars as pl
import pytest

from tasks.extract.schedule import Schedule
from tasks.extract.tracking import Located, PartModel, Tracker
from tasks.vision.detectors import Detection, View
from tasks.vision.keypoints import Part
from tasks.vision.regions import Region


def _frames(scenes):
    return pl.DataFrame({"frame": list(range(len(scenes))), "scene": scenes})


def _faces(*rows):
    return pl.DataFrame(
        {
            "frame": [frame for frame, _, _ in rows],
            "person": [person for _, person, _ in rows],
            "face_box_xyxy": [[x, 10.0, x + 20, 40.0] for _, _, x in rows],
        },
        schema={"frame": pl.Int64, "person": pl.Int64, "face_box_xyxy": pl.Array(pl.Float32, 4)},
    )


def test_one_looks_where_a_face_came_and_nowhere_else():
    faces = _faces((0, 1, 5.0), (1, 1, 6.0), (3, 1, 7.0), (3, 2, 70.0), (4, 2, 71.0))
    schedule = Schedule.of(_frames([0] * 5), faces)
    assert sorted(schedule.places) == [0, 3]
    assert [len(schedule.places[frame]) for frame in (0, 3)] == [1, 2]
    # as far around it as its longer side, whatever its shape
    np.testing.assert_allclose(schedule.places[3][1], [80 - 30, 25 - 30, 80 + 30, 25 + 30])


@pytest.mark.parametrize(("scenes", "cuts"), [([0, 0, 0], []), ([0, 0, 1, 1, 2], [2, 4]), ([4, 4, 5], [2])])
def test_scenes_begin_where_the_originals_do(scenes, cuts):
    schedule = Schedule.of(_frames(scenes), _faces())
    assert [frame for frame in range(len(scenes)) if schedule.is_cut(frame)] == cuts


FAR = np.array([76, 76, 84, 84], np.float32)


class Eyes:
    """Finds a face only by looking at its place; remembers where it looked."""

    def __init__(self):
        self.looked = []

    def look_at(self, view, box_xyxy):
        self.looked.append(box_xyxy.tolist())
        return [Detection(np.array([4, 4, 12, 12], np.float32), np.zeros((2, 2), np.float32), 0.9)]

    def meet(self, rgb, found):
        return _located(found.box_xyxy)

    def tracker(self):
        """Return one that follows somebody far away, so that nobody is missed."""
        model = PartModel(
            lambda view, look: [Detection(FAR, np.zeros((2, 2), np.float32), 0.9)],
            self.meet,
            lambda rgb, region: _located(FAR) if region.center_xy[0] == FAR[0] else None,
            look_at=self.look_at,
        )
        return Tracker(model, 10, 4, 0.3)


def _located(box_xyxy):
    part = Part(box_xyxy.reshape(2, 2), np.ones(2, np.float32), 1.0, box_xyxy)
    return Located(part, Region((float(box_xyxy[0]), 0.0), 8.0))


def _view(number):
    """Return a picture that is new everywhere in every frame."""
    return View(*[np.full((96, 96, 3), 40 + 35 * number, np.uint8)] * 2)


def test_a_copy_is_looked_at_where_it_is_told_to_however_new_it_looks():
    eyes, place = Eyes(), np.array([0, 0, 16, 16], np.float32)
    tracker = eyes.tracker()
    seen = [tracker.step(_view(number), places=[place] if number == 3 else []) for number in range(6)]
    assert eyes.looked == [place.tolist()]
    assert [len(faces) for faces in seen] == [1, 1, 1, 2, 1, 1]


def test_an_original_is_looked_at_wherever_it_is_new():
    eyes = Eyes()
    tracker = eyes.tracker()
    for number in range(6):
        tracker.step(_view(number))
    assert len(eyes.looked) >= 1
