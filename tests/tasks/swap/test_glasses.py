"""Glasses painted over real faces stay in front; nothing that a face without them shows does."""

import cv2
import numpy as np
import pytest
from tests_support import STAGES, admit_clips, run_stage, write_pictures

from schemas.coverage import COVERAGE
from schemas.skeletons import BROWS, EYES, FACE_PARTS, LEFT_CHEEK, LEFT_EYE, RIGHT_CHEEK, RIGHT_EYE
from tasks.files.clips import coverage_path, video_path
from tasks.files.documents import read_table
from tasks.swap.glasses import Glasses
from tasks.swap.layout import make_layout
from tasks.swap.occluders import Occluders
from tasks.swap.pool import load_pool
from tasks.swap.target import with_rim
from tasks.validate.identity.probes import read_meshes
from tasks.validate.pixels.leaks import clip_leaks
from tasks.validate.pixels.survival import ranges
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.regions import MESH_SIDE_PX, crop_region, mesh_region, to_crop

NAMES, FRAMES = ("franck", "cap12", "carphone"), 12
BLACK, BROWN, NAVY, PALE = (25, 25, 28), (60, 38, 25), (30, 35, 70), (235, 225, 215)
SQUARE, ROUND = 6, 2  # exponents of a superellipse


@pytest.fixture(scope="module")
def layout(weights, params):
    return make_layout(load_pool(weights, params.deidentify, params.extract)["average"])


@pytest.fixture(scope="module")
def clips(sample, weights, params):
    """Name -> a face's picture and mesh, frame by frame."""
    found = {}
    for name in NAMES:
        region = None
        for frame in list(read_frames(sample(name)))[:FRAMES]:
            if region is None:
                region = face_region(search_faces(View.of(frame.rgb, 960), weights, params.extract)[0])
            mesh = locate_mesh(frame.rgb, region, weights, 0.5)
            region = mesh.next_region
            found.setdefault(name, []).append((frame.rgb, mesh.xy))
    return found


def _with_frame(rgb, mesh_xy, colour=BLACK, form=SQUARE, *, thick=0.035, lenses=(0, 1), bridge=True):
    """Paint a frame before the eyes; return the picture and how much of each pixel is painted.

    thick: in distances of the outer eye corners.
    """
    right, left = mesh_xy[RIGHT_EYE], mesh_xy[LEFT_EYE]
    size = float(np.linalg.norm(left - right))
    across = (left - right) / size
    axes = np.stack([across, [-across[1], across[0]]])
    painted = np.zeros(rgb.shape[:2], np.uint8)

    def line(points, closed=False):
        drawn = [np.round(np.asarray(points) * 16).astype(np.int32)]
        cv2.polylines(painted, drawn, closed, 255, max(1, round(thick * size)), cv2.LINE_AA, 4)

    angles = np.linspace(0, 2 * np.pi, 60)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    circle = np.sign(circle) * np.abs(circle) ** (2 / form) * [0.29 * size, 0.22 * size]
    middles = [mesh_xy[eye].mean(axis=0) + 0.05 * size * axes[1] for eye in EYES]
    for number in lenses:
        line(middles[number] + circle @ axes, closed=True)
        side = 1 if number else -1
        ear = mesh_xy[LEFT_CHEEK if number else RIGHT_CHEEK]
        start = middles[number] + side * 0.29 * size * axes[0]
        line([start, start + axes[0] * float((ear - start) @ axes[0])])
    if bridge:
        inner = [middle + side * 0.29 * size * axes[0] for middle, side in zip(middles, (1, -1), strict=True)]
        line([inner[0], (inner[0] + inner[1]) / 2 - 0.04 * size * axes[1], inner[1]])
    share = painted[..., None] / 255.0
    return (rgb * (1 - share) + np.array(colour) * share).astype(np.uint8), painted


def _speckled(rgb, mesh_xy, form=SQUARE):
    """Paint tortoiseshell: a dark bridge, and one eye's frame speckled with the skin's own colour."""
    picture, painted = _with_frame(rgb, mesh_xy, BROWN, form)
    down, across = np.indices(painted.shape)
    size = float(np.linalg.norm(mesh_xy[LEFT_EYE] - mesh_xy[RIGHT_EYE]))
    gaps = np.sin(down * 40 / size) * np.sin(across * 40 / size) > -0.55
    beside = (across - mesh_xy[168, 0]) > 0.14 * size
    return np.where((gaps & beside)[..., None], rgb, picture)


def _spread(layout, rgb, mesh_xy):
    region = mesh_region(mesh_xy)
    wide = with_rim(to_crop(mesh_xy, region, MESH_SIDE_PX), 0.14)
    if rgb.ndim == 2:
        return layout.spread(crop_region(rgb, region, MESH_SIDE_PX).astype(np.float32)[..., None], wide)
    lab = cv2.cvtColor(crop_region(rgb, region, MESH_SIDE_PX), cv2.COLOR_RGB2LAB).astype(np.float32)
    return layout.spread(lab, wide)


def _behind(layout):
    """Return where eyes and brows are."""
    drawn = np.zeros(layout.index.shape, np.uint8)
    for part in (*EYES, *BROWS):
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(layout.mesh_xy[part]).astype(np.int32)), 1)
    return drawn > 0


@pytest.mark.parametrize("form", [SQUARE, ROUND])
@pytest.mark.parametrize("colour", [BLACK, BROWN, NAVY])
@pytest.mark.parametrize("name", NAMES)
def test_a_dark_frame_stays_in_front_and_nothing_behind_it_does(clips, layout, name, colour, form):
    glasses, behind, xy = Glasses(layout), _behind(layout), layout.mesh_xy
    columns = np.arange(behind.shape[1])
    for rgb, mesh in clips[name]:
        picture, painted = _with_frame(rgb, mesh, colour, form)
        shown = glasses.step(_spread(layout, picture, mesh))
        frame = _spread(layout, painted, mesh).reshape(shown.shape) > 100
        frame &= layout.inside & ~cv2.dilate(behind.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
        assert shown[frame].mean() > 0.7
        beside = frame & ((columns < xy[RIGHT_EYE, 0] - 3) | (columns > xy[LEFT_EYE, 0] + 3))
        assert shown[beside].mean() > 0.5
        assert shown[behind].max() == 0
        away = cv2.dilate(frame.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
        # dark hair at the temples stays with it
        assert shown[away & layout.inside].mean() < 0.03


@pytest.mark.parametrize(("keep", "shows"), [(True, True), (False, False)])
def test_whoever_wants_no_glasses_in_a_release_says_so(clips, layout, keep, shows):
    occluders = Occluders(layout, keep_glasses=keep)
    for rgb, mesh in clips["cap12"]:
        assert occluders.step(_spread(layout, _with_frame(rgb, mesh)[0], mesh)).any() == shows


@pytest.mark.parametrize("name", NAMES)
def test_a_face_without_glasses_shows_nothing(clips, layout, name):
    glasses = Glasses(layout)
    assert not any(glasses.step(_spread(layout, rgb, mesh)).any() for rgb, mesh in clips[name])


OPPOSITES = {
    "dark rings below the eyes": {"bridge": False},
    "one glass": {"lenses": (0,)},
    "a bandage over the nose": {"lenses": ()},
    "a frame as light as skin": {"colour": PALE},
}


@pytest.mark.parametrize("what", OPPOSITES)
@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_hang_together_below_both_eyes_is_no_frame(clips, layout, name, what):
    glasses = Glasses(layout)
    for rgb, mesh in clips[name]:
        picture, _ = _with_frame(rgb, mesh, **OPPOSITES[what])
        assert not glasses.step(_spread(layout, picture, mesh)).any()


@pytest.mark.parametrize("name", NAMES)
def test_no_shadow_across_the_eyes_is_a_frame(clips, layout, name):
    """Bars and edges of shadow, soft and hard, level and tilted, at any height of the upper face."""
    rng, kept, lost = np.random.default_rng(0), [], []
    for rgb, mesh in clips[name][::3]:
        size, middle = np.ptp(mesh, axis=0).max(), mesh[168]
        down, across = np.indices(rgb.shape[:2])
        for _ in range(60):
            tilt, soft = rng.uniform(-0.6, 0.6), rng.choice([0.003, 0.01, 0.03]) * size
            way = down - middle[1] - rng.uniform(-0.2, 0.3) * size + tilt * (across - middle[0])
            half = rng.choice([0.01, 0.02, 0.04, 0.5]) * size
            shadow = 1 / (1 + np.exp(np.clip((np.abs(way + half) - half) / soft, -60, 60)))
            light = 1 - rng.uniform(0.2, 0.8) * shadow
            lit = ((rgb / 255.0) ** 2.2 * light[..., None]) ** (1 / 2.2) * 255
            glasses = Glasses(layout)
            kept.append(glasses.step(_spread(layout, lit.astype(np.uint8), mesh)).mean())
            lost.append(glasses.is_lost)
    assert np.mean(np.array(kept) > 0) < 0.01
    assert np.mean(lost) < 0.06


@pytest.mark.parametrize("form", [SQUARE, ROUND])
@pytest.mark.parametrize("name", NAMES)
def test_glasses_that_cannot_be_told_from_the_face_are_said(clips, layout, name, form):
    occluders = Occluders(layout)
    for rgb, mesh in clips[name]:
        shown = occluders.glasses.step(_spread(layout, _speckled(rgb, mesh, form), mesh))
        assert not shown.any()
        assert occluders.glasses.is_lost


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_said_to_have_lost_glasses_who_wears_none_or_keeps_them(clips, layout, name):
    bare, kept, unwanted = Glasses(layout), Glasses(layout), Occluders(layout, keep_glasses=False)
    for rgb, mesh in clips[name]:
        framed, speckled = _with_frame(rgb, mesh)[0], _speckled(rgb, mesh)
        for glasses, picture in ((bare, rgb), (kept, framed)):
            glasses.step(_spread(layout, picture, mesh))
            assert not glasses.is_lost
        unwanted.step(_spread(layout, speckled, mesh))
        assert not unwanted.painted_over


def test_glasses_are_followed_when_they_are_put_on_and_taken_off(clips, layout):
    on, glasses = range(2, 9), Glasses(layout)
    shown = []
    for number, (rgb, mesh) in enumerate(clips["franck"]):
        picture = _with_frame(rgb, mesh)[0] if number in on else rgb
        shown.append(bool(glasses.step(_spread(layout, picture, mesh)).any()))
    assert not any(shown[number] for number in range(FRAMES) if number not in on)
    assert all(shown[6:9])
    assert not shown[2]  # for a moment much can look like one


@pytest.fixture(scope="module")
def released(tmp_path_factory, clips, root, params):
    """Three people with glasses, the last one's speckled, through all stages; name -> clip."""
    here = tmp_path_factory.mktemp("glasses")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    ids = {name: f"clip-{number:016x}" for number, name in enumerate(("franck", "cap12", "speckled"))}
    pictures = {
        name: [_with_frame(rgb, mesh)[0] for rgb, mesh in clips[name][:8]] for name in ("franck", "cap12")
    }
    pictures["speckled"] = [_speckled(rgb, mesh) for rgb, mesh in clips["carphone"][:8]]
    for name, clip_id in ids.items():
        path = here / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, pictures[name])
    admit_clips(here, {clip_id: f"subject-{clip_id[5:]}" for clip_id in ids.values()})
    few = params.deidentify.targets.model_copy(update={"frames": 1, "others": 0, "tried": 1})
    params = params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": few})})
    run_stage(here, params, "extract", "original")
    for name, arm in STAGES[3:]:
        run_stage(here, params, name, arm)
    return here, ids


@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_glasses_are_in_the_release_and_a_person_is_asked(name, released, layout, params):
    """They lie where the other face's eyes are, whose they are is not told."""
    here, ids = released
    meshes, others = (read_meshes(here, arm, ids[name]) for arm in ("original", "released"))
    pairs = [read_frames(here / video_path(arm, ids[name])) for arm in ("original", "released")]
    for before, after in zip(*pairs, strict=True):
        (mesh,), (other,) = meshes[before.index], others[before.index]
        assert Glasses(layout).step(_spread(layout, after.rgb, other)).any(), before.index
        for eye in EYES:
            inside = np.zeros(before.grey.shape, np.uint8)
            cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh[eye]).astype(np.int32)), 1)
            assert np.abs(before.rgb.astype(int) - after.rgb)[inside > 0].mean() > 8, before.index
    coverage = read_table(here / coverage_path("released", ids[name]), COVERAGE)
    swapped = coverage.filter(method="mesh_swap")
    assert swapped["worn"].min() > params.validate_.in_front_share >= swapped["in_front"].max()
    found = clip_leaks(here, ids[name], params.validate_, params.deidentify.margin)
    told = {row["finding"]: row["ranges"] for row in found}
    assert (told["surviving"], told["in_front"], told["painted_over"]) == ("", ranges(meshes), "")


def test_glasses_that_are_painted_over_are_told_frame_by_frame(released, params):
    here, ids = released
    found = clip_leaks(here, ids["speckled"], params.validate_, params.deidentify.margin)
    told = {row["finding"]: row["ranges"] for row in found}
    assert told["surviving"] == told["in_front"] == ""
    assert told["painted_over"] == ranges(read_meshes(here, "original", ids["speckled"]))


@pytest.mark.parametrize("part", ["eyes", "nose"])
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_glasses_explain_nothing_else_that_is_left_of_a_face(name, part, released, params):
    """A hand before a face does: counted like one, bare eyes behind glasses failed no clip."""
    here, ids = released
    path, mesh = here / video_path("released", ids[name]), read_meshes(here, "original", ids[name])[5][0]
    before = path.read_bytes()
    pictures, originals = (
        [frame.rgb for frame in read_frames(here / video_path(arm, ids[name]))]
        for arm in ("released", "original")
    )
    inside = np.zeros(pictures[5].shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh[FACE_PARTS[part]]).astype(np.int32)), 1)
    pictures[5] = np.where(inside[..., None] > 0, originals[5], pictures[5])
    write_pictures(path, pictures)
    try:
        found = clip_leaks(here, ids[name], params.validate_, params.deidentify.margin)
    finally:
        path.write_bytes(before)
    assert {row["finding"]: row["ranges"] for row in found}["surviving"] == "5"
