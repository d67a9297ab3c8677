"""Bars in the colours of instruments, moved over real faces: found where they are, and nothing else is."""

import cv2
import numpy as np
import polars as pl
import pytest
from tests_support import admit_clips, moving_bar, run_stage, write_pictures

from tasks.clips import keypoints_path, video_path
from tasks.deidentify.layout import make_layout
from tasks.deidentify.occluders import HAIR, MOST, Occluders, hair_of
from tasks.deidentify.pool import load_pool
from tasks.deidentify.targets import with_rim
from tasks.faces import MESH_SIDE_PX, mesh_region
from tasks.keypoints import stack_xy
from tasks.regions import crop_region, to_crop
from tasks.video import read_frames

FRAMES, ENTERS = 40, 10
METAL, GLOVE, PEN = (150, 150, 155), (40, 90, 200), (25, 25, 28)


@pytest.fixture(scope="module")
def layout(weights, params):
    return make_layout(load_pool(weights, params.deidentify, params.extract)["average"])


@pytest.fixture(scope="module")
def clips(tmp_path_factory, sample, root, params):
    """Name -> pictures and the mesh in each."""
    here = tmp_path_factory.mktemp("occluders")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    names = {"franck": "clip-" + "0" * 16, "cap12": "clip-" + "1" * 16}
    for name, clip_id in names.items():
        path = here / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, [frame.rgb for frame in list(read_frames(sample(name, 2.0)))[:FRAMES]])
    admit_clips(here, {clip_id: f"subject-{clip_id[5:]}" for clip_id in names.values()})
    run_stage(here, params, "extract", "original")
    return {name: _read(here, clip_id) for name, clip_id in names.items()}


def _read(here, clip_id):
    pictures = [frame.rgb for frame in read_frames(here / video_path("original", clip_id))]
    meshes = stack_xy(pl.read_parquet(here / keypoints_path("original", clip_id)), "face")
    assert len(meshes) == len(pictures) == FRAMES
    return list(zip(pictures, meshes, strict=True))


def _spread(layout, rgb, mesh_xy):
    region = mesh_region(mesh_xy)
    crop = crop_region(rgb, region, MESH_SIDE_PX)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    # the rim of the target that the layout is of
    return layout.spread(lab, with_rim(to_crop(mesh_xy, region, MESH_SIDE_PX), 0.14))


def _follow(layout, frames, colour):
    """Return frames x side x side: what was found in front, and where the bar is."""
    occluders, found, there = Occluders(layout), [], []
    for number, (rgb, mesh_xy) in enumerate(frames):
        drawn, is_bar = rgb, np.zeros(rgb.shape[:2], bool)
        if colour is not None and number >= ENTERS:
            drawn, is_bar = moving_bar(rgb, mesh_xy, (number - ENTERS) / (FRAMES - ENTERS), colour)
        found.append(occluders.step(_spread(layout, drawn, mesh_xy)) > 0.5)
        shape = np.repeat(is_bar[..., None] * np.uint8(255), 3, axis=2)
        there.append(_spread(layout, shape, mesh_xy)[..., 0] > 127)
    inside = layout.inside & ~layout.forehead
    return np.stack(found) & inside, np.stack(there) & inside


@pytest.mark.parametrize("colour", [METAL, GLOVE, PEN])
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_an_instrument_is_found_where_it_is(clips, layout, name, colour):
    found, there = _follow(layout, clips[name], colour)
    assert there.sum() > 10_000
    assert (found & there).sum() / there.sum() > 0.9
    assert (found & there).sum() / found.sum() > 0.85


@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_a_face_without_one_is_wholly_covered(clips, layout, name):
    found, _ = _follow(layout, clips[name], None)
    assert not found.any()


def test_what_has_the_skins_colour_is_never_in_front(clips, layout):
    rgb, mesh_xy = clips["cap12"][0]
    cheek = mesh_xy[[50, 101, 205]].mean(axis=0).astype(int)
    found, there = _follow(layout, clips["cap12"], tuple(int(value) for value in rgb[cheek[1], cheek[0]]))
    assert there.any()
    assert not found.any()


def test_hair_that_hangs_into_the_forehead_stays_and_the_brows_do_not(clips, layout):
    for rgb, mesh_xy in clips["franck"][::13]:
        lab = _spread(layout, rgb, mesh_xy)
        skin = np.median(lab[layout.cheeks], axis=0)
        hair = hair_of(lab, skin, layout)
        assert (hair > 0.9).sum() > 150
        assert hair[layout.features].max() < 0.2
        assert np.median(lab[hair > 0.9][:, 0]) < skin[0] * HAIR


def test_nothing_is_in_front_of_a_face_in_another_light_or_of_none(layout):
    skin = np.full((*layout.index.shape, 3), (150, 145, 145), np.float32)
    occluders = Occluders(layout)
    assert not occluders.step(skin).any()
    assert not occluders.step(skin * np.float32([0.5, 1, 1]) + np.float32([0, -9, -9])).any()  # a shadow
    assert not occluders.step(skin - np.float32([0, 0, 60])).any()  # blue light, all over
    assert not occluders.step(np.where(layout.cheeks[..., None], skin * 0, skin)).any()  # beyond the picture
    grey = np.full_like(skin, 128)
    occluders = Occluders(layout)
    assert not occluders.step(grey).any()
    assert not occluders.step(np.where(layout.cheeks[..., None], grey, skin)).any()


def test_skin_that_comes_out_from_under_a_gauze_is_not_in_front(layout):
    skin = np.full((*layout.index.shape, 3), (150, 145, 145), np.float32)
    rows = np.flatnonzero(layout.cheeks.any(axis=1))
    over_cheeks = np.zeros_like(layout.cheeks)
    over_cheeks[rows[0] : rows[-1]] = ~layout.features[rows[0] : rows[-1]]
    assert over_cheeks[layout.inside].mean() < MOST
    gauze = np.where(over_cheeks[..., None], np.float32([220, 128, 128]), skin)
    occluders = Occluders(layout)
    occluders.step(skin)
    assert occluders.step(gauze)[layout.cheeks].mean() > 0.8
    for _ in range(300):
        occluders.step(gauze)
    assert not occluders.step(skin).any()
