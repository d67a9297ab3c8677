"""How a face is built is told whatever way it looks."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.swap.pool import load_pool
from tasks.swap.shape import reshape
from tasks.vision.solid import built_apart, embed_shape

FACES = ("average", "long_man", "round_woman", "dark_man", "young_man")


@pytest.fixture(scope="module")
def solids(weights, params):
    """Name -> how five faces that are nobody's are built, 468 x 3."""
    pool = load_pool(weights, params.deidentify, params.extract)
    return {name: pool[name].shape for name in FACES}


def _turned(solid, turn_deg):
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    return (solid @ turn.T * 87 + [900, -40, 3]).astype(np.float32)


@pytest.mark.parametrize("turn_deg", [(0, 0, 70), (0, 35, 0), (25, 0, 0), (-20, -40, 180)])
@pytest.mark.parametrize("name", ["average", "long_man", "dark_man"])
def test_a_shape_is_known_whatever_place_size_pose_and_jaw_and_another_one_is_not(name, turn_deg, solids):
    upright = solids["round_woman"]
    own, others = embed_shape(solids[name], upright), set(FACES) - {name}
    open_mouth = solids[name] + (upright[:, 1:2] > upright[2, 1]) * np.float32([0, 0.4, 0.1])
    elsewhere = embed_shape(_turned(open_mouth, turn_deg), upright)
    apart = {other: np.linalg.norm(elsewhere - embed_shape(solids[other], upright)) for other in others}
    assert np.linalg.norm(own - elsewhere) < 1e-3
    assert min(apart.values()) > 0.02, apart


@pytest.mark.parametrize("turn_deg", [(0, 0, 0), (5, 30, -20), (-15, -25, 90)])
def test_how_far_a_face_is_from_its_own_is_told_beside_the_nearest_other(turn_deg, solids):
    own, other, target, upright = (
        solids[name] for name in ("average", "round_woman", "long_man", "dark_man")
    )
    moved = own + reshape(own, target, 1.0, keep_asymmetry=False).by
    seen, still = _turned(moved, turn_deg), _turned(own, turn_deg)
    assert built_apart(still, own, [other], upright) < 1e-2
    assert built_apart(seen, own, [target], upright) > 1
    assert built_apart(seen, own, [other, target], upright) == built_apart(seen, own, [target], upright)
    assert built_apart(seen, own, [own], upright) == pytest.approx(1, abs=1e-3)
    assert built_apart(seen, own, [], upright) == 1.0
