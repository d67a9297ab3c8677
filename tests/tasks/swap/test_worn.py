"""Masks painted over real faces stay in front; whatever else a face wears, grows or is lit by does not."""

import cv2
import numpy as np
import pytest
from tests_support import MASK_EDGE_BELOW_NOSE, STAGES, admit_clips, run_stage, with_mask, write_pictures

from schemas.coverage import COVERAGE
from schemas.skeletons import BROWS, EYES, FACE_PARTS, LIPS, NOSE_BASE
from tasks.files.clips import coverage_path, video_path
from tasks.files.documents import read_table
from tasks.swap.layout import make_layout
from tasks.swap.occluders import Occluders
from tasks.swap.pool import load_pool
from tasks.swap.target import with_rim
from tasks.validate.identity.probes import read_meshes
from tasks.validate.pixels.comparing import by_design
from tasks.validate.pixels.leaks import clip_leaks
from tasks.validate.pixels.survival import ranges
from tasks.video import read_frames
from tasks.vision.regions import MESH_SIDE_PX, crop_region, mesh_region, to_crop

NAMES, FRAMES = ("franck", "cap12", "carphone"), 14
BLUE, GREEN, NAVY, WHITE, BLACK = (
    (150, 190, 215),
    (140, 190, 170),
    (40, 50, 90),
    (225, 225, 222),
    (35, 35, 38),
)
COLOURS = {"blue": BLUE, "green": GREEN, "navy": NAVY, "white": WHITE, "black": BLACK}
# nobody wears one in the second half
WORN = {
    "from the first": (BLUE, range(FRAMES)),
    "put on": (WHITE, range(FRAMES // 2, FRAMES)),
    "taken off": (GREEN, range(FRAMES // 2)),
}


@pytest.fixture(scope="module")
def layout(weights, params):
    return make_layout(load_pool(weights, params.deidentify, params.extract)["average"])


def _extracted(here, root, params, videos):
    """Lay clips into a workspace and read their keypoints; returns name -> clip."""
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    ids = {name: f"clip-{number:016x}" for number, name in enumerate(videos)}
    for name, pictures in videos.items():
        path = here / video_path("original", ids[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, pictures)
    admit_clips(here, {clip_id: f"subject-{clip_id[5:]}" for clip_id in ids.values()})
    run_stage(here, params, "extract", "original")
    return ids


@pytest.fixture(scope="module")
def clips(tmp_path_factory, sample, root, params):
    """Name -> a face's picture and mesh, frame by frame."""
    here = tmp_path_factory.mktemp("worn")
    videos = {name: [frame.rgb for frame in read_frames(sample(name))][:FRAMES] for name in NAMES}
    ids = _extracted(here, root, params, videos)
    found = {name: read_meshes(here, "original", clip_id) for name, clip_id in ids.items()}
    assert all(len(meshes) == FRAMES for meshes in found.values())
    return {
        name: [(rgb, found[name][number][0]) for number, rgb in enumerate(videos[name])] for name in NAMES
    }


def _spread(layout, rgb, mesh_xy):
    region = mesh_region(mesh_xy)
    lab = cv2.cvtColor(crop_region(rgb, region, MESH_SIDE_PX), cv2.COLOR_RGB2LAB).astype(np.float32)
    return layout.spread(lab, with_rim(to_crop(mesh_xy, region, MESH_SIDE_PX), 0.14))


def _shown(layout, frames):
    """Return frames x side x side: what is in front in each frame's flat face."""
    occluders = Occluders(layout)
    return [occluders.step(lab) > 0.5 for lab in frames]


def _eyes_of(layout):
    shape = np.zeros(layout.index.shape, np.uint8)
    for parts in zip(BROWS, EYES, strict=True):
        points = layout.mesh_xy[[number for part in parts for number in part]]
        cv2.fillConvexPoly(shape, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return shape > 0


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("name", NAMES)
def test_a_mask_stays_in_front_and_the_eyes_do_not(clips, layout, name, colour):
    flat = [_spread(layout, with_mask(rgb, mesh, COLOURS[colour]), mesh) for rgb, mesh in clips[name]]
    for shown in _shown(layout, flat):
        assert shown[layout.lower].mean() > 0.95
        assert shown[layout.lips].all()
        assert shown[_eyes_of(layout)].mean() < 0.02


@pytest.mark.parametrize(
    ("colour", "stays"), [("blue", True), ("green", True), ("white", False), ("black", False)]
)
@pytest.mark.parametrize("name", NAMES)
def test_below_a_bare_nose_only_a_colour_that_no_beard_has_is_a_mask(clips, layout, name, colour, stays):
    pictures = [with_mask(rgb, mesh, COLOURS[colour], MASK_EDGE_BELOW_NOSE) for rgb, mesh in clips[name]]
    flat = [_spread(layout, rgb, mesh) for rgb, (_, mesh) in zip(pictures, clips[name], strict=True)]
    for shown in _shown(layout, flat):
        assert (shown[layout.lower].mean() > 0.9) == stays
        assert shown[layout.nose].mean() < 0.5


@pytest.mark.parametrize("worn", WORN)
def test_a_mask_is_followed_when_it_comes_and_goes(clips, layout, worn):
    """For a moment after it came it may be painted over; what was below it never shows."""
    colour, when = WORN[worn]
    flat = [
        _spread(layout, with_mask(rgb, mesh, colour) if number in when else rgb, mesh)
        for number, (rgb, mesh) in enumerate(clips["franck"])
    ]
    shown = [one[layout.lower].mean() for one in _shown(layout, flat)]
    late = range(when[0] + (5 if when[0] else 0), when[-1] + 1)
    assert all(shown[number] > 0.95 for number in late)
    assert all(shown[number] < 0.02 for number in range(FRAMES) if number not in when)


def test_what_looks_like_a_mask_for_a_moment_is_none(clips, layout):
    flat = [
        _spread(layout, with_mask(rgb, mesh, BLUE) if number in (5, 6) else rgb, mesh)
        for number, (rgb, mesh) in enumerate(clips["cap12"])
    ]
    assert max(shown[layout.lower].mean() for shown in _shown(layout, flat)) < 0.02


def _as_if_blue(lab, part, **changed):
    """Colour a part of a flat face like a mask; changed: channels of it that are not."""
    as_mask = lab.copy()
    as_mask[part] = [170, 118, 112]
    for channel, values in changed.items():
        as_mask[part, "lab".index(channel)] = values
    return as_mask


@pytest.mark.parametrize("name", NAMES)
def test_what_is_coloured_as_a_mask_needs_its_evenness_its_shading_and_lips_that_nobody_sees(
    clips, layout, name
):
    rng = np.random.default_rng(0)
    lab = _spread(layout, *clips[name][0])
    rows = np.arange(lab.shape[0])[:, None]
    columns = np.arange(lab.shape[1])
    part = layout.nose | (layout.inside & (rows > layout.mesh_xy[NOSE_BASE, 1]))
    made_up = {
        "mask": _as_if_blue(lab, part),
        "a face in blue": _as_if_blue(lab, part, l=lab[part, 0]),
        "patches": _as_if_blue(lab, part, a=rng.normal(112, 8, part.sum())),
        "an open mouth": _as_if_blue(lab, part & ~layout.lips),
        "half a mouth": _as_if_blue(lab, part & ~(layout.lips & (columns < layout.mesh_xy[NOSE_BASE, 0]))),
    }
    shown = {what: _shown(layout, [face])[0][layout.lower].mean() for what, face in made_up.items()}
    assert shown.pop("mask") > 0.95
    assert max(shown.values()) < 0.02, shown


def _beard(layout, lab, light, over_lips):
    """Colour all below the nose as hair without colour, as even as no beard is."""
    rows = np.arange(lab.shape[0])[:, None]
    grown = (rows > layout.mesh_xy[NOSE_BASE, 1]) & (layout.index >= 0) & ~(layout.lips & (not over_lips))
    noise = np.random.default_rng(0).normal(0, 1, lab.shape[:2]).astype(np.float32)
    bearded = lab.copy()
    bearded[grown] = np.float32([0, 129, 131]) + np.float32([1, 0, 0]) * (light + noise[grown][:, None])
    return bearded


@pytest.mark.parametrize("light", [40, 120, 200])
@pytest.mark.parametrize("over_lips", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_no_beard_is_a_mask(clips, layout, name, over_lips, light):
    flat = [_beard(layout, _spread(layout, rgb, mesh), light, over_lips) for rgb, mesh in clips[name]]
    assert max(shown[layout.lower].mean() for shown in _shown(layout, flat)) < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_no_light_from_below_makes_a_face_a_mask(clips, layout, name):
    """Without a look at how a face is shaded and coloured two fifths of such lights leave it bare."""
    rng, left = np.random.default_rng(0), []
    for rgb, mesh in clips[name][::3]:
        for _ in range(40):
            gain, edge = np.exp(rng.uniform(-1.5, 1.2, 3)), mesh[rng.choice([6, 168, 197, NOSE_BASE]), 1]
            size, soft = np.ptp(mesh, axis=0).max(), rng.choice([0.003, 0.01, 0.03])
            way = (np.arange(len(rgb))[:, None, None] - edge) / size / soft
            linear = (rgb / 255.0) ** 2.2 * (1 + (gain - 1) / (1 + np.exp(np.clip(-way, -60, 60))))
            lit = np.asarray(np.clip(linear, 0, 1) ** (1 / 2.2) * 255, np.uint8)
            left.append(_shown(layout, [_spread(layout, lit, mesh)])[0][layout.lower].mean())
    assert max(left) < 0.02


@pytest.fixture(scope="module")
def released(tmp_path_factory, clips, root, params):
    """Two people with masks, and one of them beside somebody without, through all stages; name -> clip."""
    here, masked = (
        tmp_path_factory.mktemp("released"),
        {"franck": clips["franck"][:8], "cap12": clips["cap12"][:8]},
    )
    videos = {name: [with_mask(rgb, mesh, BLUE) for rgb, mesh in shown] for name, shown in masked.items()}
    height = videos["cap12"][0].shape[0]
    size_wh = round(height / videos["franck"][0].shape[0] * videos["franck"][0].shape[1] / 2) * 2, height
    bare = [cv2.resize(rgb, size_wh) for rgb, _ in masked["franck"]]
    videos["pair"] = [np.hstack(pair) for pair in zip(videos["cap12"], bare, strict=True)]
    ids = _extracted(here, root, params, videos)
    few = params.deidentify.targets.model_copy(update={"frames": 1, "others": 0, "tried": 1})
    params = params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": few})})
    for name, arm in STAGES[3:]:
        run_stage(here, params, name, arm)
    return here, ids, videos


@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_a_mask_is_in_the_release_and_a_person_is_asked(name, released, params):
    """Another mouth on it would be a finding that nobody has seen; whose eyes these are is not told."""
    here, ids, videos = released
    meshes = read_meshes(here, "original", ids[name])
    assert len(meshes) >= len(videos[name]) - 1
    pairs = [read_frames(here / video_path(arm, ids[name])) for arm in ("original", "released")]
    for before, after in zip(*pairs, strict=True):
        for mesh in meshes.get(before.index, []):
            assert _apart(before, after, mesh[LIPS]) < 8, before.index
            assert _apart(before, after, mesh[BROWS[0] + EYES[0]]) > 8, before.index
    coverage = read_table(here / coverage_path("released", ids[name]), COVERAGE)
    assert coverage.filter(method="mesh_swap")["in_front"].min() > 0.3
    told = _told(here, ids[name], params)
    assert (told["surviving"], told["in_front"]) == ("", ranges(meshes))


def _whole(before, after, faces):
    return before


def _eyes(before, after, faces):
    return _laid_back(before, after, max(faces, key=_across)[FACE_PARTS["eyes"]])


def _nose_of_the_right_one(before, after, faces):
    return _laid_back(before, after, max(faces, key=_across)[FACE_PARTS["nose"]])


def _across(mesh_xy):
    return mesh_xy[:, 0].mean()


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("franck", _whole),
        ("cap12", _whole),
        ("franck", _eyes),
        ("cap12", _eyes),
        ("pair", _nose_of_the_right_one),
    ],
)
def test_what_stays_in_front_explains_no_bare_eye_and_nobody_elses_face(name, left, released, params):
    here, ids, videos = released
    path, meshes = here / video_path("released", ids[name]), read_meshes(here, "original", ids[name])
    before = path.read_bytes()
    pictures = [frame.rgb for frame in read_frames(path)]
    assert _told(here, ids[name], params)["surviving"] == ""
    pictures[5] = left(videos[name][5], pictures[5], meshes[5])
    write_pictures(path, pictures)
    try:
        assert _told(here, ids[name], params)["surviving"] == "5"
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("share", "in_front", "excused"),
    [
        ({"face": 0.39, "eyes": 0.9, "nose": 0.9}, 0.05, {"face", "eyes", "nose"}),  # a hand before the eyes
        ({"face": 0.41, "eyes": 0.9, "nose": 0.9}, 0.05, set()),
        ({"face": 0.39, "eyes": 0.9, "nose": 0.9}, 0.01, set()),  # next to nothing is there
        ({"face": 0.75, "eyes": 0.1, "nose": 0.9}, 0.5, {"face", "nose"}),  # a mask
        ({"face": 0.75, "eyes": 0.9, "nose": 0.9}, 0.5, {"face", "nose"}),  # with bare eyes above it
        ({"face": 0.75, "eyes": 0.1, "nose": 0.9}, 0.31, set()),
        ({"face": 0.81, "eyes": 0.1, "nose": 0.9}, 0.9, set()),
        ({"face": 0.6}, 0.5, set()),  # whose eyes nobody has seen
    ],
)
def test_what_may_be_left_of_a_face_is_what_something_in_front_explains(share, in_front, excused, params):
    assert by_design(share, in_front, params.validate_) == excused


def _told(root, clip_id, params):
    found = clip_leaks(root, clip_id, params.validate_, params.deidentify.margin)
    return {row["finding"]: row["ranges"] for row in found}


def _laid_back(original, released, corners):
    """Return a released picture with what lies between the corners as it was."""
    inside = np.zeros(original.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(corners).astype(np.int32)), 1)
    return np.where(inside[..., None] > 0, original, released)


def _apart(before, after, corners):
    """Return how far two frames are apart between these corners, in levels."""
    inside = np.zeros(before.grey.shape, np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(corners).astype(np.int32)), 1)
    return np.abs(before.rgb.astype(int) - after.rgb)[inside > 0].mean()
