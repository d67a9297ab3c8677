"""A look from close by: sure of faces, turned and small ones too, and of nothing else."""

import numpy as np
import pytest
from visits_support import HD, heads_of, paste, scenery

from tasks.tracks.beliefs import GOOD, POOR
from tasks.vision.closeup import closeness


@pytest.fixture(scope="module")
def people(sample, weights, params):
    return [heads_of(sample(name), weights, params, 3) for name in ("cap12", "franck", "carphone")]


@pytest.mark.parametrize("who", [0, 1, 2])
@pytest.mark.parametrize("size_px", [28, 60, 240])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_face_is_seen_well_from_close_by_however_it_is_turned(who, size_px, turns, people, weights):
    picture = scenery(HD).copy()
    box = paste(picture, *people[who][1], size_px, (300, 200), turns)
    # the smallest may be possible only, and is covered
    least = GOOD if size_px > 28 else 2 * POOR
    assert closeness(picture, box, 0.0, weights) >= least
    # a box that is a little off, as another detector draws it
    off = box + np.float32(0.12) * np.tile(box[2:] - box[:2], 2)
    assert closeness(picture, off, 0.0, weights) >= least


@pytest.mark.parametrize(
    "box", [(640, 90, 900, 200), (400, 300, 480, 380), (0, 0, 60, 60), (1200, 650, 1280, 720)]
)
def test_a_wall_is_none(box, weights):
    assert closeness(scenery(HD), np.array(box, np.float32), 0.0, weights) < POOR


def test_a_face_within_a_far_larger_box_says_nothing_of_it(people, weights):
    picture = scenery(HD).copy()
    box = paste(picture, *people[0][0], 60, (300, 200))
    center, half = (box[:2] + box[2:]) / 2, 100
    around = np.concatenate([center - half, center + half])
    assert closeness(picture, around, 0.0, weights) < POOR


def test_what_is_rather_somebody_else_says_nothing(people, weights):
    picture = scenery(HD).copy()
    box = paste(picture, *people[0][0], 80, (300, 200))
    beside = box + np.float32([24, 0, 24, 0])
    assert closeness(picture, beside, 0.0, weights) >= POOR
    assert closeness(picture, beside, 0.0, weights, [box]) < POOR
