"""Somebody who is in the picture for a moment, between two searches: located in every frame of it."""

import pytest
from visits_support import FULL_HD, HD, UHD, heads_of, visited

from tasks.detectors import View
from tasks.extract.backends import load_backend
from tasks.extract.tracking import Tracker
from tasks.regions import overlap
from tasks.video import read_frames

FIRST_SEARCH = 15
# phase of the search interval, frames of the visit, pixels of the face, quarter turns, picture, company
VISITS = [
    (1, 1, 48, 0, HD, True), (2, 3, 24, 0, HD, False), (3, 8, 75, 1, FULL_HD, True),
    (4, 14, 120, 2, HD, True), (5, 1, 120, 3, HD, False), (6, 3, 48, 1, HD, True),
    (7, 8, 24, 0, HD, True), (8, 3, 150, 0, UHD, True), (9, 1, 75, 0, FULL_HD, True),
    (10, 3, 120, 1, HD, True), (11, 1, 150, 2, UHD, False), (12, 1, 48, 2, HD, False),
    (13, 1, 75, 3, FULL_HD, False), (14, 1, 24, 0, HD, True), (0, 14, 48, 3, HD, True),
    (1, 14, 300, 0, HD, True),
]  # fmt: skip


@pytest.fixture(scope="module")
def people(sample, weights, params):
    return [heads_of(sample(name, 2.0), weights, params) for name in ("cap12", "franck")]


@pytest.mark.slow
@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: "-".join(map(str, visit)))
def test_a_face_is_located_in_every_frame_of_a_short_visit(visit, people, weights, params):
    phase, frames, size_px, turns, size_wh, company = visit
    visitor, host = people
    settings = params.extract
    model = load_backend("face", "mediapipe").make_model(weights, settings)
    tracker = Tracker(model, settings.search_interval, settings.max_people, settings.overlap, glances=True)
    comes = FIRST_SEARCH + phase
    missed = []
    for number in range(comes + frames):
        who = visitor if number >= comes else None
        picture, box = visited(number, size_wh, host if company else None, who, size_px, turns)
        parts = [one.located.part.box_xyxy for one in tracker.step(View.of(picture, settings.search_px))]
        if box is not None and not any(overlap(box, part) > 0.3 for part in parts):
            missed.append(number)
    assert missed == []


@pytest.mark.parametrize("name", ["carphone", "franck", "cap12", "cap13"])
def test_somebody_alone_stays_one(name, sample, weights, params):
    """What is looked at beside a face may cut it in two: its half is nobody else."""
    settings = params.extract
    model = load_backend("face", "mediapipe").make_model(weights, settings)
    tracker = Tracker(model, settings.search_interval, settings.max_people, settings.overlap, glances=True)
    for frame in read_frames(sample(name, 4.0)):
        parts = tracker.step(View.of(frame.rgb, settings.search_px))
        assert [one.track for one in parts] == [0], f"frame {frame.index}"
