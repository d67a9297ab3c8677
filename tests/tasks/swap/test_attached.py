"""A tube or plaster that is there from the first is in the release; what it hides is known in both arms."""

import shutil

import cv2
import numpy as np
import polars as pl
import pytest
from tests_support import STAGES, admit_clips, run_stage, write_pictures
from things_support import CYAN, DEEP_BLUE, GREEN, in_the_light, with_plaster, with_tube

from flows.stage.load import load_stage
from schemas.coverage import COVERAGE
from schemas.skeletons import FACE_PARTS
from tasks.files.clips import coverage_path, keypoints_path, video_path
from tasks.files.documents import read_table
from tasks.validate.identity.probes import read_meshes
from tasks.validate.pixels.leaks import clip_leaks
from tasks.validate.pixels.survival import ranges
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.keypoints import stack_visibility
from tasks.vision.regions import mesh_region

FRAMES = 8
CLIPS = {
    "a tube": ("franck", with_tube, CYAN),
    "a plaster": ("cap12", with_plaster, GREEN),
    "a blue tube": ("carphone", with_tube, DEEP_BLUE),
}


@pytest.fixture(scope="module")
def released(tmp_path_factory, sample, weights, root, params):
    """Three people through all stages; what is before the face -> clip, and where it is in every frame."""
    here = tmp_path_factory.mktemp("attached")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    ids, there = {}, {}
    for number, (thing, (name, draw, colour)) in enumerate(CLIPS.items()):
        ids[thing], region, painted = f"clip-{number:016x}", None, []
        for frame in list(read_frames(sample(name)))[:FRAMES]:
            if region is None:
                found = search_faces(View.of(frame.rgb, 960), weights, params.extract)[0]
                region = face_region(found)
            mesh = locate_mesh(frame.rgb, region, weights, 0.5)
            region = mesh_region(mesh.xy)
            painted.append(in_the_light(draw(frame.rgb, mesh.xy, colour), frame.rgb, mesh.xy))
        there[thing] = [is_thing for _, is_thing in painted]
        path = here / video_path("original", ids[thing])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, [picture for picture, _ in painted])
    admit_clips(here, {clip_id: f"subject-{clip_id[5:]}" for clip_id in ids.values()})
    few = params.deidentify.targets.model_copy(update={"frames": 1, "others": 0, "tried": 1})
    params = params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": few})})
    run_stage(here, params, "extract", "original")
    for name, arm in STAGES[3:]:
        run_stage(here, params, name, arm)
    return here, ids, there


def _findings(here, clip_id, params):
    found = clip_leaks(here, clip_id, params.validate_, params.deidentify.margin)
    return {row["finding"]: row["ranges"] for row in found}


@pytest.mark.parametrize("thing", ["a tube", "a plaster"])
def test_what_is_worn_is_in_the_release_and_a_person_is_asked(thing, released, params):
    here, ids, there = released
    pairs = [read_frames(here / video_path(arm, ids[thing])) for arm in ("original", "released")]
    for before, after in zip(*pairs, strict=True):
        # its rim is half another face's
        inner = cv2.erode(there[thing][before.index].astype(np.uint8), np.ones((3, 3))) > 0
        apart = np.abs(before.rgb.astype(int) - after.rgb).mean(axis=-1)
        assert np.median(apart[inner]) < 12, before.index
    swapped = read_table(here / coverage_path("released", ids[thing]), COVERAGE).filter(method="mesh_swap")
    assert swapped["worn"].min() > params.validate_.in_front_share >= swapped["in_front"].max()
    told = _findings(here, ids[thing], params)
    everywhere = ranges(read_meshes(here, "original", ids[thing]))
    assert (told["surviving"], told["in_front"], told["painted_over"]) == ("", everywhere, "")


@pytest.mark.parametrize("arm", ["original", "released"])
@pytest.mark.parametrize("thing", ["a tube", "a plaster"])
def test_what_it_hides_is_not_visible_in_either_arm(thing, arm, released):
    here, ids, there = released
    table = pl.read_parquet(here / keypoints_path(arm, ids[thing]))
    meshes, behind = read_meshes(here, arm, ids[thing]), []
    for frame in table["frame"]:
        x, y = np.round(meshes[frame][0]).astype(int).T
        rows, columns = there[thing][frame].shape
        behind.append(there[thing][frame][y.clip(0, rows - 1), x.clip(0, columns - 1)])
    hidden = stack_visibility(table, "face") == 0
    assert hidden[behind].mean() > 0.45  # a keypoint on its rim may be seen
    assert hidden[~np.array(behind)].mean() < 0.03


@pytest.mark.parametrize(("column", "share", "is_said"), [("worn", 0.002, True), ("in_front", 0.002, False)])
def test_a_person_is_asked_of_however_little_is_worn(column, share, is_said, released, params):
    """A small tattoo looks like a plaster; a hand's edge tells nobody."""
    here, ids, _ = released
    path = here / coverage_path("released", ids["a tube"])
    before = path.read_bytes()
    table = read_table(path, COVERAGE).with_columns(
        pl.lit(0, pl.Float32).alias("in_front"), pl.lit(0, pl.Float32).alias("worn")
    )
    at = pl.when(pl.col("frame") == 6).then(pl.lit(share, pl.Float32)).otherwise(pl.col(column))
    table.with_columns(at.alias(column)).write_parquet(path)
    try:
        assert _findings(here, ids["a tube"], params)["in_front"] == ("6" if is_said else "")
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("thing", ["a tube", "a plaster"])
def test_what_shall_not_stay_is_painted_over_and_said(thing, released, params, tmp_path):
    here, ids, there = released
    shutil.copytree(here, tmp_path / "over", symlinks=True)
    over = params.deidentify.mesh_swap.model_copy(update={"keep_attached": False})
    rule = params.deidentify.model_copy(update={"mesh_swap": over})
    jobs = load_stage("deidentify").plan(
        tmp_path / "over", params.model_copy(update={"deidentify": rule}), "released"
    )
    (job,) = (job for job in jobs if job.key == ids[thing])
    load_stage("deidentify").process(tmp_path / "over", job)
    apart = {
        place: [
            np.abs(before.rgb.astype(int) - after.rgb).mean(axis=-1)[there[thing][before.index]]
            for before, after in zip(
                *(read_frames(place / video_path(arm, ids[thing])) for arm in ("original", "released")),
                strict=True,
            )
        ]
        for place in (here, tmp_path / "over")
    }
    for kept, painted in zip(*apart.values(), strict=True):
        assert np.median(painted) > 2 * np.median(kept)
    told = _findings(tmp_path / "over", ids[thing], params)
    everywhere = ranges(read_meshes(here, "original", ids[thing]))
    assert (told["surviving"], told["in_front"], told["painted_over"]) == ("", "", everywhere)


def test_what_could_not_stay_is_said_frame_by_frame(released, params):
    here, ids, _ = released
    told = _findings(here, ids["a blue tube"], params)
    assert told["painted_over"] == ranges(read_meshes(here, "original", ids["a blue tube"]))


@pytest.mark.parametrize("part", ["eyes", "nose"])
def test_it_explains_nothing_else_that_is_left_of_a_face(part, released, params):
    here, ids, _ = released
    path, mesh = (
        here / video_path("released", ids["a tube"]),
        read_meshes(here, "original", ids["a tube"])[5][0],
    )
    before = path.read_bytes()
    pictures, originals = (
        [frame.rgb for frame in read_frames(here / video_path(arm, ids["a tube"]))]
        for arm in ("released", "original")
    )
    inside = np.zeros(pictures[5].shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh[FACE_PARTS[part]]).astype(np.int32)), 1)
    pictures[5] = np.where(inside[..., None] > 0, originals[5], pictures[5])
    write_pictures(path, pictures)
    try:
        assert _findings(here, ids["a tube"], params)["surviving"] == "5"
    finally:
        path.write_bytes(before)
