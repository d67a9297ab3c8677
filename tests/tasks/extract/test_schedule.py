"""What the original lends its copies: where to look, and nothing of what was found there."""

import numpy as np
import polars as pl
import pytest

from schemas.skeletons import FACE_POINTS
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


def _behind(*rows):
    """rows: frame, x, the keypoints that are hidden."""
    visibility = np.full((len(rows), FACE_POINTS), 0.9, np.float32)
    for at, (_, _, hidden) in enumerate(rows):
        visibility[at, hidden] = 0
    schema = {"frame": pl.Int64, "face_box_xyxy": pl.Array(pl.Float32, 4)}
    boxes = [[x, 10.0, x + 20, 40.0] for _, x, _ in rows]
    table = pl.DataFrame({"frame": [row[0] for row in rows], "face_box_xyxy": boxes}, schema=schema)
    return table.with_columns(
        pl.Series("face_visibility", visibility, dtype=pl.Array(pl.Float32, FACE_POINTS))
    )


def test_what_the_original_guessed_of_a_face_is_a_guess_in_a_copy():
    behind = _behind((3, 7.0, [5, 6]), (3, 70.0, [9]), (4, 7.0, [1]))
    schedule = Schedule.of(
        _frames([0] * 5), _faces((0, 1, 7.0), (3, 1, 7.0), (3, 2, 70.0), (4, 1, 7.0)), behind
    )
    here, there = (np.array([x, 11, x + 20, 41], np.float32) for x in (8, 71))
    assert np.flatnonzero(schedule.guessed(3, here)).tolist() == [5, 6]
    assert np.flatnonzero(schedule.guessed(3, there)).tolist() == [9]
    assert np.flatnonzero(schedule.guessed(4, here)).tolist() == [1]
    assert schedule.guessed(4, there) is schedule.guessed(0, here) is None


def test_faces_are_known_by_frame():
    schedule = Schedule.of(_frames([0] * 5), _faces((0, 1, 5.0), (3, 1, 7.0), (3, 2, 70.0)), _behind())
    assert {frame: len(boxes) for frame, boxes in schedule.faces.items()} == {0: 1, 3: 2}
    np.testing.assert_allclose(schedule.faces[3][1], [70, 10, 90, 40])


@pytest.mark.parametrize(("scenes", "cuts"), [([0, 0, 0], []), ([0, 0, 1, 1, 2], [2, 4]), ([4, 4, 5], [2])])
def test_scenes_begin_where_the_originals_do(scenes, cuts):
    schedule = Schedule.of(_frames(scenes), _faces(), _behind())
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


NEAR = np.array([2, 2, 14, 14], np.float32)


@pytest.mark.parametrize(
    ("there", "looks"),
    [
        pytest.param([NEAR], 1, id="a face that the copy misses"),
        pytest.param([FAR], 0, id="a face that is followed"),
        pytest.param([], 0, id="nobody"),
        pytest.param([FAR, NEAR], 1, id="both"),
    ],
)
def test_a_copy_is_looked_at_where_it_misses_a_face_of_the_original(there, looks):
    """Every picture is new everywhere; in the second one the original shows somebody, or nobody."""
    eyes = Eyes()
    tracker = eyes.tracker()
    seen = [tracker.step(_view(number), there=there if number == 1 else []) for number in range(3)]
    assert len(eyes.looked) == looks
    assert [len(faces) for faces in seen] == [1, 1 + looks, 1]


def test_nothing_is_looked_at_that_has_not_changed():
    eyes = Eyes()
    tracker = eyes.tracker()
    for _ in range(4):
        tracker.step(_view(0), there=[NEAR])
    # the first frame is new
    assert len(eyes.looked) <= 1


def test_an_original_is_looked_at_wherever_it_is_new():
    eyes = Eyes()
    tracker = eyes.tracker()
    for number in range(3):
        tracker.step(_view(number))
    assert len(eyes.looked) == 1
