"""Faces mixed of ten people of the cohort or more, who agreed, for others; nobody of them is found."""

import re

import cv2
import numpy as np
import polars as pl
import pytest
from tests_support import admit_clips, run_stage, write_pictures

import tasks.targets as targets
from schemas.clips import CLIPS
from schemas.params.deidentify import Targets
from tasks.files.clips import CLIPS_PATH, TARGETS_PATH, video_path
from tasks.files.documents import write_table
from tasks.swap.kin import donors_in, kin_recipes
from tasks.swap.pool import load_pool
from tasks.validate.identity.distances import likeness_to
from tasks.validate.identity.strangers import pictured_faces
from tasks.video import read_frames
from tasks.vision.recognisers import Face, make_recognisers
from tasks.vision.regions import Region, crop_region, mesh_region
from tasks.vision.sessions import shared_weights

SIDE_PX, FRAMES = 320, 6
AGREED = [
    "astronaut", "young_african_female", "young_african_male", "middleage_african_male", "old_asian_female",
    "young_asian_male", "middleage_asian_female", "young_caucasian_female2", "young_caucasian_male2",
    "old_caucasian_male", "middleage_caucasian_female",
]  # fmt: skip
COUPLE = "couple"


def _moving(face):
    """Return pictures of a face that turns its head a little."""
    square = mesh_region(face.mesh_xy)
    return [
        crop_region(face.rgb, Region(square.center_xy, square.side * 1.8, 0.03 * number), SIDE_PX)
        for number in range(FRAMES)
    ]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, root, sample, weights, params):
    """A workspace of people who agreed, of one who did not, and of one who says nothing; name -> clip."""
    here = tmp_path_factory.mktemp("kin")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    pictures = {name: _moving(pictured_faces(weights, name, params.extract)[0]) for name in AGREED}
    pictures |= {
        name: [frame.rgb for frame in read_frames(sample(name))][:FRAMES] for name in ("cap12", "franck")
    }
    # a clinician beside a patient was not asked
    pictures[COUPLE] = [
        np.hstack(both) for both in zip(pictures[AGREED[1]], pictures[AGREED[8]], strict=True)
    ]
    ids = {name: f"clip-{number:016x}" for number, name in enumerate(pictures)}
    for name, shots in pictures.items():
        path = here / video_path("original", ids[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, shots)
    admit_clips(here, {clip_id: f"subject-{clip_id[5:]}" for clip_id in ids.values()})
    _say(here, dict.fromkeys([ids[name] for name in (*AGREED, COUPLE)], True) | {ids["cap12"]: False})
    run_stage(here, params, "extract", "original")
    return here, ids


def _say(here, word):
    clips = pl.read_parquet(here / CLIPS_PATH)
    said = pl.Series("may_be_mixed", [word.get(clip_id) for clip_id in clips["clip_id"]], dtype=pl.Boolean)
    write_table(clips.with_columns(said), CLIPS, here / CLIPS_PATH)


def _with(params, k):
    few = params.deidentify.targets.model_copy(update={"frames": 2, "others": 0, "tried": 1, "k": k})
    return params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": few})})


def _given(here):
    rows = pl.read_parquet(here / TARGETS_PATH).filter(face=0)
    return dict(rows.select("clip_id", "target").iter_rows())


@pytest.fixture(scope="module")
def cast(cohort, params):
    here, ids = cohort
    run_stage(here, _with(params, 10), "targets", "")
    return here, ids, _given(here)


def test_others_are_given_a_face_of_those_who_agreed(cast):
    here, ids, given = cast
    (name,) = kin_recipes(here, 10)
    assert given[ids["cap12"]] == given[ids["franck"]] == name
    # nobody is given a face that is theirs in part
    assert not {given[ids[one]] for one in AGREED} & {name}
    assert {*donors_in(here)} == {f"subject-{ids[one][5:]}" for one in AGREED}
    assert given[ids[COUPLE]] == name


def test_nobody_of_them_is_found_in_it(cast, params):
    here, _, _ = cast
    weights, params = shared_weights(here), _with(params, 10)
    pool = load_pool(weights, params.deidentify, params.extract, here)
    (name,) = pool.kin
    target = pool[name]
    rgb = _as_rgb(target.lab)
    faces = {one: pictured_faces(weights, one, params.extract)[0] for one in params.validate_.strangers}
    for judge, recogniser in make_recognisers(weights).items():
        gallery = {one: recogniser.many([face])[0] for one, face in faces.items()}
        (likeness,) = likeness_to(recogniser.many([Face(rgb, target.mesh_xy[:468])]), gallery)
        places = (-likeness).argsort().argsort() + 1
        members = [int(places[list(gallery).index(one)]) for one in AGREED]
        assert np.mean(members) > len(gallery) / 3, (judge, members)
        if judge == "dlib":
            apart = [
                float(np.linalg.norm(recogniser.many([Face(rgb, target.mesh_xy[:468])])[0] - gallery[one]))
                for one in AGREED
            ]
            assert min(apart) > 0.35, sorted(apart)


def _as_rgb(lab):
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def test_whoever_does_not_agree_any_more_is_in_no_face(cast, params):
    here, ids, _ = cast
    before = {*kin_recipes(here, 10)}
    try:
        _say(here, {ids[name]: name != AGREED[0] for name in AGREED})
        run_stage(here, _with(params, 10), "targets", "")
        assert f"subject-{ids[AGREED[0]][5:]}" not in donors_in(here)
        (name,) = kin_recipes(here, 10)
        assert {name}.isdisjoint(before)
        assert _given(here)[ids["cap12"]] == name
        # ten less one are no ten
        _say(here, {ids[name]: name not in AGREED[:2] for name in AGREED})
        run_stage(here, _with(params, 10), "targets", "")
        assert not kin_recipes(here, 10)
        assert not any(target.startswith("kin_") for target in _given(here).values())
        (told,) = targets.collect(here, _with(params, 10), "", []).notes
        assert told.startswith("9 people agreed to be mixed and are alone in their clip, 10 are needed")
        run_stage(here, _with(params, 0), "targets", "")
        assert not donors_in(here)
    finally:
        _say(here, {ids[name]: True for name in AGREED})
        run_stage(here, _with(params, 10), "targets", "")
    assert {*kin_recipes(here, 10)} == before


@pytest.mark.parametrize("k", [1, 9, -3])
def test_a_face_of_few_is_refused(k, params):
    with pytest.raises(ValueError, match="10 people at least"):
        Targets.model_validate(params.deidentify.targets.model_dump() | {"k": k})


def test_by_default_nobody_is_mixed(params):
    assert params.deidentify.targets.k == 0
    assert not re.search("kin_", str(params))
