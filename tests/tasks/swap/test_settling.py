"""What is always read otherwise is left alone; what is read otherwise in one frame is put right."""

import numpy as np
import pytest

from tasks.swap.canvas import Brush, Scene
from tasks.swap.pool import load_pool
from tasks.swap.settling import Settling
from tasks.vision.regions import MESH_SIDE_PX, crop_region, mesh_region, to_crop


@pytest.fixture(scope="module")
def target(weights, params):
    return load_pool(weights, params.deidentify, params.extract)["average"]


class Reader:
    """A reader of drawn meshes that is astray by a habit and by what each frame adds."""

    def __init__(self, habit):
        self.habit, self.extra, self.drawn = habit, 0.0, None

    def brush(self, target):
        reader = self

        class Seen(Brush):
            def draw(self, sketch, mesh_xy):
                reader.drawn = mesh_xy
                return super().draw(sketch, mesh_xy)

        return Seen(target, 0.04, None)

    def fit(self, crop):
        return (self.drawn + self.habit + self.extra).astype(np.float32)


def _scene(target):
    mesh = (target.mesh_xy[:468] * 0.4 + 40).astype(np.float32)
    rgb, region = np.full((300, 300, 3), 150, np.uint8), mesh_region(mesh)
    scene = Scene(rgb, region, crop_region(rgb, region, MESH_SIDE_PX))
    return scene, region, to_crop(mesh, region, MESH_SIDE_PX)


def _settle(settling, reader, target, corrections=3):
    scene, region, aim = _scene(target)
    canvas = settling.settle(
        scene, region, aim, reader.brush(target), fit=reader.fit, corrections=corrections
    )
    return canvas, aim


def test_a_habit_is_left_alone(target):
    reader, settling = Reader(np.tile([1.5, -0.5], (468, 1))), Settling()
    for _ in range(5):
        canvas, _ = _settle(settling, reader, target)
        assert np.abs(canvas.moved).max() < 0.1
    np.testing.assert_allclose(settling.habit, reader.habit, atol=0.05)


@pytest.mark.parametrize("extra", [(0.0, 2.0), (-1.5, 0.0), (1.0, 1.0)])
def test_what_one_frame_adds_is_put_right(extra, target):
    reader, settling = Reader(np.tile([1.0, 0.0], (468, 1))), Settling()
    _settle(settling, reader, target)
    reader.extra = np.array(extra)
    canvas, _ = _settle(settling, reader, target)
    np.testing.assert_allclose(canvas.moved.mean(axis=0), -reader.extra, atol=0.3)
    plain, _ = _settle(Settling(habit=settling.habit), reader, target, corrections=0)
    assert np.abs(plain.moved).max() < 0.1


def test_a_mesh_that_is_read_far_away_moves_nothing(target):
    reader, settling = Reader(np.zeros(2)), Settling()
    _settle(settling, reader, target)
    reader.extra = np.array([60.0, 0.0])
    canvas, _ = _settle(settling, reader, target)
    assert np.abs(canvas.moved).max() < 0.1
    assert settling.read_xy is None


def test_a_habit_is_bounded(target):
    reader, settling = Reader(np.tile([9.0, 0.0], (468, 1))), Settling()
    _settle(settling, reader, target)
    assert np.linalg.norm(settling.habit, axis=1).max() <= 6.001


@pytest.mark.parametrize(("habit", "reads"), [((1.5, -0.5), 1), ((0.0, 0.0), 1), ((9.0, 0.0), 4)])
def test_a_first_frame_is_read_as_often_as_there_is_something_to_put_right(habit, reads, target):
    reader, settling = Reader(np.tile(habit, (468, 1))), Settling()
    read, fit = [], reader.fit
    reader.fit = lambda crop: read.append(crop) or fit(crop)
    first, _ = _settle(settling, reader, target)
    assert len(read) == reads
    plain, _ = _settle(Settling(), reader, target, corrections=0)
    if reads == 1:
        np.testing.assert_array_equal(first.drawn, plain.drawn)
