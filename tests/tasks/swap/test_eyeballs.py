"""Drawn eyes have a white, look where the patient's look, and have round irises however far they are open."""

import numpy as np
import pytest

from schemas.skeletons import LIDS, LOWER_LIDS, UPPER_LIDS
from tasks.swap.eyeballs import IRIS, with_eyes
from tasks.swap.gaze import eye_axes
from tasks.swap.layout import hulls
from tasks.swap.pool import load_pool

TARGETS = ("average", "dark_man", "pale_woman", "old_woman")
STRAIGHT = np.full((2, 2), -0.03, np.float32)


@pytest.fixture(scope="module")
def pool(weights, params):
    return load_pool(weights, params.deidentify, params.extract)


def _inside(target, eye):
    """Return the places of an eye's pixels, and how far across and down they lie, in eye widths."""
    outline = target.mesh_xy[LIDS[eye]]
    low = np.floor(outline.min(axis=0))
    shape = hulls([outline - low])
    rows, columns = np.nonzero(shape)
    rows, columns = rows + int(low[1]), columns + int(low[0])
    middle, axes = eye_axes(target.mesh_xy, eye)
    away = np.stack([columns, rows], axis=1) - middle
    return rows, columns, away @ axes.T / (axes[0] @ axes[0])


def _open(mesh_xy, factor):
    """Return a mesh whose lids are so many times as far apart."""
    moved = mesh_xy.copy()
    for upper, lower in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        middles = (mesh_xy[upper] + mesh_xy[lower]) / 2
        moved[upper] = middles + (mesh_xy[upper] - middles) * factor
        moved[lower] = middles + (mesh_xy[lower] - middles) * factor
    return moved


@pytest.mark.parametrize("name", TARGETS)
def test_a_white_has_less_of_the_skins_colour_and_more_light(pool, name):
    target = pool[name]
    drawn = with_eyes(target, STRAIGHT, target.mesh_xy)
    for eye in (0, 1):
        rows, columns, away = _inside(target, eye)
        middle, axes = eye_axes(target.mesh_xy, eye)
        x, y = np.round(middle + 0.6 * axes[1]).astype(int)
        skin = target.lab[y, x].astype(float)
        beside = np.linalg.norm(away - STRAIGHT[eye], axis=1) > IRIS * 1.2
        beside &= np.abs(away[:, 0]) < 0.4
        white = np.median(drawn.lab[rows[beside], columns[beside]].astype(float), axis=0)
        assert np.hypot(*(white[1:] - 128)) < 0.6 * np.hypot(*(skin[1:] - 128))
        assert white[0] > 0.8 * skin[0]


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("at", [(0.0, 0.0), (0.15, -0.03), (-0.2, 0.05)])
@pytest.mark.parametrize("name", TARGETS)
def test_irises_are_where_they_should_be_and_round(pool, name, at, factor):
    """What comes out of the target's picture is stretched as the patient's eye is open."""
    target = pool[name]
    irises = np.array([at, at], np.float32)
    drawn = with_eyes(target, irises, _open(target.mesh_xy, factor))
    for eye in (0, 1):
        rows, columns, away = _inside(target, eye)
        whites = drawn.lab[rows, columns, 0].astype(float)
        upper = np.median((target.mesh_xy[UPPER_LIDS[eye]] + target.mesh_xy[LOWER_LIDS[eye]]) / 2, axis=0)
        middle, axes = eye_axes(target.mesh_xy, eye)
        level = float((upper - middle) @ axes[1] / (axes[0] @ axes[0]))
        seen = np.stack([away[:, 0], (away[:, 1] - level) * factor + level], axis=1)
        apart = np.linalg.norm(seen - irises[eye], axis=1) / IRIS
        is_lit = (away[:, 1] > level) & (np.abs(away[:, 0]) < 0.35)  # not in the upper lid's shadow
        is_iris = whites < 0.75 * np.percentile(whites[is_lit], 90)
        assert is_iris[is_lit & (apart < 0.75)].mean() > 0.85
        assert is_iris[is_lit & (apart > 1.2)].mean() < 0.05


def test_nothing_but_the_eyes_is_drawn_anew(pool):
    target = pool["average"]
    drawn = with_eyes(target, STRAIGHT, target.mesh_xy)
    changed = (drawn.lab != target.lab).any(axis=-1)
    outside = np.ones(changed.shape, bool)
    for lids in LIDS:
        (x0, y0), (x1, y1) = target.mesh_xy[lids].min(axis=0) - 4, target.mesh_xy[lids].max(axis=0) + 4
        outside[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = False
    assert changed.any()
    assert not changed[outside].any()
    assert (target.lab == pool["average"].lab).all()
