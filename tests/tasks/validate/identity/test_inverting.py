"""Who learns from other people what a swap made of them undoes one that kept something, no other."""

import numpy as np
import pytest
from tests_support import copy_unprocessed

import tasks.validate as validate
from tasks.files.documents import read_params
from tasks.validate.identity.decoding import Decoder
from tasks.validate.identity.search import Search

PEOPLE, SHOTS, SIDE = 9, 6, 12


def _cohort(kept, *, seed=0, mixes=False):
    """Return released and original faces of people, of whom a swap kept a share; mixes: among pixels."""
    chance = np.random.default_rng(seed)
    size = SIDE * SIDE * 3
    mean, parts = chance.uniform(0.3, 0.7, size), chance.normal(size=(6, size)) * 0.08
    turn = chance.permutation(size) if mixes else np.arange(size)
    original = np.stack(
        [
            mean + chance.normal(size=6) @ parts + chance.normal(size=(SHOTS, size)) * 0.01
            for _ in range(PEOPLE)
        ]
    )
    target = chance.uniform(0.3, 0.7, size)
    released = target + kept * (original - mean)[..., turn] + chance.normal(size=original.shape) * 0.004
    shape = (PEOPLE, SHOTS, SIDE, SIDE, 3)
    return released.reshape(shape).astype(np.float32), original.reshape(shape).astype(np.float32)


def _found(released, original):
    """Return how often a person whose swap is undone by what the others taught is nearest to themselves."""
    hits = 0
    for who in range(PEOPLE):
        others = [one for one in range(PEOPLE) if one != who]
        decoder = Decoder.learn(np.concatenate(released[others]), np.concatenate(original[others]))
        made = decoder(released[who]).mean(axis=0)
        gallery = original.mean(axis=1)
        hits += int(np.argmin(np.square(gallery - made).sum(axis=(1, 2, 3)))) == who
    return hits / PEOPLE


@pytest.mark.parametrize("mixes", [False, True], ids=["where they were", "turned among pixels"])
@pytest.mark.parametrize("kept", [0.5, 0.15])
def test_a_swap_that_keeps_something_is_undone(kept, mixes):
    assert _found(*_cohort(kept, mixes=mixes)) >= 0.7


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_swap_that_keeps_nothing_is_not(seed):
    assert _found(*_cohort(0.0, seed=seed)) <= 0.4


def test_as_they_are_released_they_are_not_found():
    # what the decoder adds is what finds them
    released, original = _cohort(0.15, mixes=True)
    gallery, shown = original.mean(axis=1), released.mean(axis=1)
    apart = np.square(gallery[None] - shown[:, None]).sum(axis=(2, 3, 4))
    assert float((apart.argmin(axis=1) == np.arange(PEOPLE)).mean()) <= 0.4


@pytest.mark.slow
@pytest.mark.parametrize("method", ["own_swap", "mesh_swap"])
def test_a_cohort_is_attacked_where_a_network_learnt_from_it(demo, tmp_path, method):
    root = copy_unprocessed(demo[0], tmp_path / "d", ("data/evidence",))
    (job,) = [one for one in validate.plan(root, read_params(root), "") if one.key == validate.COHORT]
    order, lookout = job.order, job.order.lookout
    rule = lookout.deidentify.model_copy(update={"method_of_others": method})
    found = Search(root, order.measures, lookout.model_copy(update={"deidentify": rule})).cohort(order.arms)
    rows = [row for row in found["identity"] if row["recogniser"] == "inverted"]
    if method == "mesh_swap":
        assert rows == []
        return
    # every clip has two other people beside it
    assert {row["clip_id"] for row in rows} == {
        row["clip_id"] for row in found["identity"] if row["recogniser"] == "dlib" and row["arm"] == "blank"
    }
    flat = {
        row["clip_id"]: row["rank_mean"]
        for row in found["identity"]
        if row["arm"] == "blank" and row["recogniser"] == "dlib"
    }
    for row in rows:
        assert 1 <= row["rank_mean"] <= row["gallery_subjects"]
        # hair and ears alone find them there
        assert row["rank_floor"] <= flat[row["clip_id"]]
