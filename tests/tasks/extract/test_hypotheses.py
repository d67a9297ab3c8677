"""What is believed of a face: by looks, by keypoints, by size; and when one looks again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.skeletons import LEFT_EYE, RIGHT_EYE
from tasks.extract.hypotheses import SMALL_PX, STEADY, Hypothesis
from tasks.extract.tracking import Located, Tracked
from tasks.extract.weighing import Weighing
from tasks.tracks.beliefs import believe
from tasks.vision.detectors import View
from tasks.vision.keypoints import Part
from tasks.vision.regions import Region


def _face(track=0, x=10.0, size=30.0, *, mesh=False):
    xy = np.full((468, 2), 5.0 if mesh else np.nan, np.float32)
    box = np.array([x, 10, x + size, 10 + size], np.float32)
    return Tracked(track, Located(Part(xy, np.ones(468, np.float32), 0.7, box), Region((x, 10), size)))


@pytest.mark.parametrize(("looks", "belief"), [
    ([], "confirmed"), ([0.9], "confirmed"), ([0.6, 0.0, 0.58], "confirmed"), ([0.0, 0.0, 0.8], "confirmed"),
    ([0.6], "possible"), ([0.3, 0.1], "possible"), ([0.54, 0.54, 0.54], "possible"),
    ([0.1], "rejected"), ([0.0, 0.19, 0.0], "rejected"),
])  # fmt: skip
def test_looks_confirm_or_reject(looks, belief):
    said = believe(looks)
    assert said.belief == belief
    assert not looks or f"of {len(looks)} looks, at best {max(looks):.2f}" in said.reason


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0, 1))
def test_another_look_never_takes_a_face_away(looks, another):
    rank = ("rejected", "possible", "confirmed").index
    if looks:
        assert rank(believe([*looks, another]).belief) >= rank(believe(looks).belief)


def _gathered(faces, score=0.0):
    afar = np.zeros(48, np.uint8)
    one = Hypothesis.of(faces[0], 0, 0, afar)
    for frame, face in enumerate(faces):
        one.see(face, frame, afar)
    one.hear(score, 0)
    return one


def test_what_may_be_a_face_in_spite_of_its_looks_is_not_rejected():
    assert _gathered([_face()] * 9).opinion.belief == "rejected"
    assert _gathered([_face(mesh=True)] * STEADY).opinion.belief == "possible"
    assert _gathered([_face(mesh=True)] * STEADY + [_face()] * (STEADY + 1)).opinion.belief == "rejected"
    assert _gathered([_face(size=SMALL_PX - 1)]).opinion.belief == "possible"


class Eyes:
    """Score faces by what the test says, and count the looks."""

    def __init__(self, score):
        self.score, self.count = score, 0

    def __call__(self, rgb, box_xyxy, angle_rad, others):
        self.count += 1
        self.angle_rad = angle_rad
        return self.score


def _weigh(score, frames=40):
    eyes, blank = Eyes(score), View(*[np.zeros((60, 80, 3), np.uint8)] * 2)
    weighing = Weighing(eyes, 10)
    for frame in range(frames):
        weighing.step(frame, 0, blank, (_face(x=10.0 + frame / 10),), cut=False)
    return weighing, eyes


def test_one_looks_twice_at_a_clear_face_and_ever_more_rarely_at_a_doubtful_one():
    assert _weigh(0.9)[1].count == 2
    assert _weigh(0.1)[1].count == 6  # sightings 1, 2, 4, 8, 16 and 32


@pytest.mark.parametrize(("seen", "followed", "belief"), [
    (0.36, 0.05, "rejected"),  # a knee, once like a face
    (0.36, 0.2, "possible"), (0.36, 0.45, "possible"), (0.3, 0.7, "possible"),
    (0.8, 0.0, "confirmed"),  # who turns away
])  # fmt: skip
def test_a_face_that_is_nothing_wherever_it_is_followed_is_none(seen, followed, belief):
    picture = np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    eyes, view = Eyes(seen), View(picture, picture)
    weighing = Weighing(eyes, 10)
    for frame in range(12):
        faces = (_face(size=20.0),) if frame < 2 else ()
        weighing.step(frame, 0, view, faces, cut=False)
        eyes.score = seen if frame < 1 else followed
    assert weighing.evidence.face_table({0: 0})["belief"].to_list() == [belief]


@pytest.mark.parametrize("angle_rad", [0.0, 0.7, -2.0])
def test_where_it_is_followed_one_looks_as_it_was_turned_when_it_was_seen(angle_rad):
    picture = np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    eyes, view, face = Eyes(0.36), View(picture, picture), _face(size=20.0, mesh=True)
    face.located.part.xy[[RIGHT_EYE, LEFT_EYE]] = [[0, 0], [np.cos(angle_rad), np.sin(angle_rad)]]
    weighing = Weighing(eyes, 10)
    for frame in range(5):
        weighing.step(frame, 0, view, (face,) if frame < 1 else (), cut=False)
        if frame < 1:
            assert eyes.count == 1
    assert eyes.count > 1
    assert eyes.angle_rad == pytest.approx(angle_rad, abs=1e-5)


def test_one_that_was_followed_for_a_moment_or_fits_a_mesh_stays_possible():
    for one, follows in ((_gathered([_face()], 0.36), 3), (_gathered([_face(mesh=True)] * STEADY, 0.36), 8)):
        one.followed_looks = [0.0] * follows
        assert one.opinion.belief == "possible"
    one = _gathered([_face()], 0.36)
    one.followed_looks = [0.0] * 8
    assert one.opinion.belief == "rejected"
    assert one.opinion.reason.endswith("in 8 frames in which it was followed at best 0.00")


def test_the_table_tells_what_was_seen_and_why_it_is_believed():
    weighing, _ = _weigh(0.1)
    assert weighing.evidence.rejected() == {0}
    row = weighing.evidence.face_table({0: 7}).row(0, named=True)
    assert (row["person"], row["first_frame"], row["last_frame"], row["sightings"]) == (7, 0, 39, 40)
    assert (row["belief"], row["reason"]) == (
        "rejected", "found again from close by in 0 of 6 looks, at best 0.10",
    )  # fmt: skip
    assert row["around_xyxy"] == pytest.approx([10, 10, 43.9, 40])
    assert _weigh(0.9)[0].evidence.rejected() == set()
