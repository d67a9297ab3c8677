"""A trial is the mean of all its shots, however many they are."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tasks.swap.layout import make_layout
from tasks.swap.mesh_swap import make_fit, make_look
from tasks.swap.pool import load_pool
from tasks.swap.shape import shape_of
from tasks.targets.assignment import unit_mean
from tasks.targets.audition import Audition, close_up
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, read_shape, search_faces
from tasks.vision.recognisers import make_recognisers


@pytest.fixture(scope="module")
def audition(sample, weights, params):
    """Five shots of three people as if they were one: no two of them give the same."""
    shots = []
    for name, frames in (("cap12", (3, 20)), ("franck", (0, 15)), ("carphone", (9,))):
        for one in read_frames(sample(name)):
            if one.index in frames:
                found = search_faces(View.of(one.rgb, 960), weights, params.extract)[0]
                shots.append(close_up(0, one.rgb, locate_mesh(one.rgb, face_region(found), weights, 0.5).xy))
    judge = make_recognisers(weights)["mobilefacenet"]
    own = unit_mean([judge(shots[0].rgb, shots[0].mesh_xy)[None]])
    shapes = [shape_of([read_shape(shot.rgb, shot.mesh_xy, weights)]) for shot in shots]
    decoys = {"decoy": unit_mean([judge(shots[2].rgb, shots[2].mesh_xy)[None]])}
    fit, look, settings = make_fit(weights, 0.5), make_look(weights), params.deidentify.mesh_swap
    return Audition(
        shots, own, shapes[0], decoys, {"franck": shapes[2], "carphone": shapes[4]},
        judge=judge, fit=fit, look=look, read=partial(read_shape, weights=weights), settings=settings,
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_shot_counts_once(audition, weights, params, count):
    target = load_pool(weights, params.deidentify, params.extract)["average"]
    together = replace(audition, shots=audition.shots[:count]).hear(target, set(), 1.0)
    alone = [replace(audition, shots=[shot]).hear(target, set(), 1.0) for shot in audition.shots[:count]]
    for name in ("own", "other", "features", "error"):
        values = [getattr(trial, name) for trial in alone]
        assert getattr(together, name) == pytest.approx(np.mean(values), abs=1e-5)
        assert count == 1 or np.ptp(values) > 1e-4


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_is_looked_at_or_laid_out_for_a_frame_that_does_not_come(
    count, audition, weights, params, monkeypatch
):
    target = load_pool(weights, params.deidentify, params.extract)["average"]
    looks, layouts = [], []

    def look(rgb, mesh_xy):
        looks.append(mesh_xy)
        return audition.look(rgb, mesh_xy)

    monkeypatch.setattr(
        "tasks.swap.mesh_swap.make_layout", lambda one: layouts.append(one.name) or make_layout(one)
    )
    replace(audition, shots=audition.shots[:count], look=look).hear(target, set(), 1.0)
    assert len(looks) == count
    assert layouts == ["average"]


@pytest.mark.parametrize("name", ["average", "long_man", "square_man"])
@pytest.mark.parametrize("who", ["franck", "carphone"])
def test_whose_shape_stays_is_told_by_the_pictures_whatever_the_face(who, name, audition, weights, params):
    """And somebody else must be nearer than the target itself, which is no other."""
    target = load_pool(weights, params.deidentify, params.extract)[name]
    people = {"cap12": audition.shots[:2], "franck": audition.shots[2:4], "carphone": audition.shots[4:]}
    shapes = {
        person: shape_of([read_shape(shot.rgb, shot.mesh_xy, weights) for shot in shots])
        for person, shots in people.items()
    }
    others = {person: shape for person, shape in shapes.items() if person != who}
    trial = replace(audition, shots=people[who], shape=shapes[who], shapes=others | {name: target.shape})
    apart = [trial.hear(target, set(), share).apart for share in (0.0, 1.2)]
    # of one small picture of carphone's it is read to within some hundredths
    assert apart[0] < apart[1] * (1.0 if len(people[who]) > 1 else 1.05)
    assert replace(trial, shapes={name: target.shape}).hear(target, set(), 1.2).apart == 1.0
