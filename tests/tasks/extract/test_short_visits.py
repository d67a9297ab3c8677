"""Somebody who is in the picture for a moment, between two searches: located in every frame of it."""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from tests_support import admit_clips, run_stage, write_pictures
from visits_support import FULL_HD, HD, UHD, heads_of, visited

from schemas.keypoints import KEYPOINTS
from tasks.extract.backends import load_backend
from tasks.extract.tracking import Tracker
from tasks.files.clips import keypoints_path, video_path
from tasks.files.documents import read_table
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.regions import overlap

FIRST_SEARCH = 15
CLIP, BASE = f"clip-{3:016x}", 24_000  # ticks a second
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


@pytest.mark.slow
@pytest.mark.parametrize("rate", [25, 30, 60, 240])
def test_a_short_visit_is_in_the_table_at_every_frame_rate(rate, people, params, root, tmp_path):
    """From the file to the table: three frames, at another phase for each rate."""
    visitor, host = people
    comes = FIRST_SEARCH + 1 + rate % 7
    shown = [
        visited(number, HD, host, visitor if comes <= number < comes + 3 else None, 75, 0)
        for number in range(comes + 5)
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    path = tmp_path / video_path("original", CLIP)
    path.parent.mkdir(parents=True)
    pts = [number * BASE // rate for number in range(len(shown))]
    write_pictures(path, [picture for picture, _ in shown], pts=pts, time_base=Fraction(1, BASE))
    admit_clips(tmp_path, {CLIP: f"subject-{1:016x}"})
    run_stage(tmp_path, params, "extract", "original")
    table = read_table(tmp_path / keypoints_path("original", CLIP), KEYPOINTS)
    for number in range(comes, comes + 3):
        here = table.filter(pl.col("frame") == number).drop_nulls("face_box_xyxy")
        assert here["timestamp_s"][0] == pytest.approx(number / rate)
        boxes = here["face_box_xyxy"].to_numpy()
        assert any(overlap(np.array(shown[number][1], np.float32), box) > 0.3 for box in boxes), number


@pytest.mark.parametrize("name", ["carphone", "franck", "cap12", "cap13"])
def test_somebody_alone_stays_one(name, sample, weights, params):
    """What is looked at beside a face may cut it in two: its half is nobody else."""
    settings = params.extract
    model = load_backend("face", "mediapipe").make_model(weights, settings)
    tracker = Tracker(model, settings.search_interval, settings.max_people, settings.overlap, glances=True)
    for frame in read_frames(sample(name, 4.0)):
        parts = tracker.step(View.of(frame.rgb, settings.search_px))
        assert [one.track for one in parts] == [0], f"frame {frame.index}"
