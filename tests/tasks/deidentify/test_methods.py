"""All methods behind one signature, on a real face."""

import cv2
import numpy as np
import pytest

from schemas.skeletons import INNER_LIPS, LOWER_LIP, UPPER_LIP
from tasks.deidentify.face_regions import FaceRegion
from tasks.deidentify.render import make_methods, render
from tasks.files.errors import GuiseError, ModelError
from tasks.swap.canvas import paint
from tasks.swap.gaze import lids_apart, lids_open, shut_lids
from tasks.swap.irises import eye_axes
from tasks.swap.laid import PointSwapper
from tasks.swap.mesh_swap import MeshSwapper, make_fit, make_look
from tasks.swap.patches import patch_of
from tasks.swap.pool import load_pool, read_donor, target_digests
from tasks.swap.target import with_rim
from tasks.swap.warping import draw_triangles, source_map, triangle_maps
from tasks.tracks.placing import Placed
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.regions import (
    MESH_SIDE_PX,
    bounding_box,
    crop_region,
    eyes_nose_of,
    mesh_region,
    to_picture,
    without_margin,
)

BROWS = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]
METHODS = ("mesh_swap", "point_swap", "blur", "pixelate", "mask")


@pytest.fixture(scope="module")
def pool(weights, params):
    return load_pool(weights, params.deidentify, params.extract)


@pytest.fixture(scope="module")
def fit(weights, params):
    return make_fit(weights, params.extract.landmark_score)


@pytest.fixture(scope="module")
def look(weights):
    return make_look(weights)


@pytest.fixture(scope="module")
def face(sample, weights):
    """A frame, its face's mesh, and the box around it."""
    rgb = next(read_frames(sample("franck"))).rgb
    return rgb, *_mesh_in(rgb, weights)


def _mesh_in(rgb, weights):
    from tests_support import REPO

    from tasks.files.documents import read_params

    found = search_faces(View.of(rgb, 960), weights, read_params(REPO).extract)[0]
    mesh = locate_mesh(rgb, face_region(found), weights, 0.5)
    for _ in range(3):  # as in a video, where each look starts from the last one
        mesh = locate_mesh(rgb, mesh.next_region, weights, 0.5)
    box = mesh.box_xyxy.reshape(2, 2)
    reach = np.ptp(box, axis=0) * 0.35
    return mesh.xy, (box + np.stack([-reach, reach])).reshape(4).astype(np.float32)


@pytest.fixture(scope="module")
def methods(pool, fit, look, params, face):
    def swap(rgb, region):
        mesh = face[1] if region.source == "detected" else _spread(region.box_xyxy)
        MeshSwapper(params.deidentify.mesh_swap, fit, look)(rgb, region.box_xyxy, 0, mesh, pool["average"])

    def point_swap(rgb, region):
        box = without_margin(region.box_xyxy, params.deidentify.margin)
        mesh = face[1] if region.source == "detected" else _spread(box)
        draw = PointSwapper(params.deidentify.mesh_swap)
        draw(rgb, region.box_xyxy, Placed(eyes_nose_of(mesh), box), pool["average"])

    return make_methods(
        params.deidentify, mesh_swap=swap, point_swap=point_swap, own_swap=swap, inswapper=swap
    )


def _spread(box_xyxy):
    corners = np.asarray(box_xyxy).reshape(2, 2)
    return (np.random.default_rng(1).random((468, 2)) * np.ptp(corners, 0) + corners[0]).astype(np.float32)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_changes_the_face_and_nothing_else(name, methods, face):
    rgb, mesh, box = face
    covered = rgb.copy()
    methods[name](covered, FaceRegion(0, 0, "detected", box, name))
    outside = np.ones(rgb.shape[:2], bool)
    patch_of(outside[..., None].view(), box)[:] = False
    assert (covered[outside] == rgb[outside]).all()
    x0, y0 = mesh.min(0).astype(int)
    x1, y1 = mesh.max(0).astype(int)
    middle = np.s_[(y0 * 3 + y1) // 4 : (y0 + y1 * 3) // 4, (x0 * 3 + x1) // 4 : (x0 + x1 * 3) // 4]
    moved = np.abs(covered[middle].astype(int) - rgb[middle]).max(axis=2)
    assert (moved > 0).mean() > 0.9
    assert moved.mean() > 5


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("box", [(-20, -20, 15, 15), (350, 280, 400, 400), (100, 100, 100.2, 100.2)])
def test_a_face_at_the_edge_of_the_picture_is_covered(name, box, methods):
    rgb = np.random.default_rng(0).integers(0, 255, (288, 360, 3)).astype(np.uint8)
    before = rgb.copy()
    methods[name](rgb, FaceRegion(0, 0, "corrected", np.array(box, np.float32), name))
    assert rgb.shape == before.shape


def _straight(rgb, mesh_xy):
    return np.array([[0, 0, 0.3]] * 2, np.float32)


def _swapped(rgb, mesh, box, pool, fit, settings, target="average", look=_straight, **options):
    covered = rgb.copy()
    MeshSwapper(settings, fit, look)(covered, box, 0, mesh, pool[target], **options)
    return covered


def _error(covered, mesh, fit):
    region = mesh_region(mesh)
    seen = to_picture(fit(crop_region(covered, region, MESH_SIDE_PX)), region, MESH_SIDE_PX)
    eyes = np.linalg.norm(mesh[33] - mesh[263])
    return float(np.linalg.norm(seen - mesh, axis=1).mean() / eyes)


def test_corrections_bring_the_motion_nearer(sample, pool, fit, params, weights):
    """What differs from frame to frame; the same in every frame is how the target is built."""
    pictures = [frame.rgb for frame in read_frames(sample("franck"))][:60:5]
    mesh, _ = _mesh_in(pictures[0], weights)
    meshes, region = [], mesh_region(mesh)
    for rgb in pictures:
        meshes.append(to_picture(fit(crop_region(rgb, region, MESH_SIDE_PX)), region, MESH_SIDE_PX))
        region = mesh_region(meshes[-1])
    astray = {}
    for corrections in (0, 3):
        settings = params.deidentify.mesh_swap.model_copy(update={"corrections": corrections})
        swapper, last, found = MeshSwapper(settings, fit, _straight), None, []
        for rgb, aim in zip(pictures, meshes, strict=True):
            covered, low = rgb.copy(), bounding_box(aim).reshape(2, 2)
            reach = np.ptp(low, axis=0) * 0.35
            box = (low + np.stack([-reach, reach])).reshape(4).astype(np.float32)
            swapper(covered, box, 0, aim, pool["average"], last_xy=last)
            where = mesh_region(aim if not found else found[-1])
            found.append(to_picture(fit(crop_region(covered, where, MESH_SIDE_PX)), where, MESH_SIDE_PX))
            last = aim
        away = np.stack(found) - np.stack(meshes)
        eyes = np.linalg.norm(mesh[33] - mesh[263])
        astray[corrections] = np.linalg.norm(away - away.mean(axis=0), axis=2).mean() / eyes
    assert astray[3] < 0.75 * astray[0]
    assert astray[3] < 0.008


@pytest.mark.parametrize("target", ["average", "young_man", "pale_woman"])
def test_the_eyes_look_where_the_patients_look(target, face, pool, fit, look, params):
    rgb, mesh, box = face
    settings = params.deidentify.mesh_swap
    seen = [
        look(_swapped(rgb, mesh, box, pool, fit, settings, target, lambda *_, at=at: at), mesh)[:, 0]
        for at in (np.array([[across, 0, 0.3]] * 2, np.float32) for across in (-0.12, 0.0, 0.12))
    ]
    # left, straight, right, each by at least three tenths of what was asked for
    assert (np.diff(seen, axis=0).mean(axis=1) > 0.036).all()


def test_the_gaze_is_put_right_where_the_target_is_read_otherwise(face, pool, fit, look, params):
    rgb, mesh, box = face
    swapper = MeshSwapper(params.deidentify.mesh_swap, fit, look)
    astray = []
    for _ in range(36):
        covered = rgb.copy()
        swapper(covered, box, 0, mesh, pool["young_man"], last_xy=mesh)
        astray.append(np.abs(look(covered, mesh) - look(rgb, mesh))[:, 0].mean())
    assert np.mean(astray[-5:]) < 0.75 * np.mean(astray[:5])


def _opening(rgb, mesh, look):
    return float(look(rgb, mesh)[:, 2].mean())


@pytest.mark.parametrize("target", ["average", "old_woman", "young_man"])
@pytest.mark.parametrize(("clip", "shut"), [("cap13", 98), ("carphone", 42)])
def test_a_blink_stays_a_blink(clip, shut, target, sample, weights, pool, fit, look, params):
    """Keypoints of shut lids lie half as far apart as those of open ones."""
    frames = {one.index: one.rgb for one in read_frames(sample(clip, 5)) if one.index in (0, shut)}
    for number, rgb in frames.items():
        mesh, box = _mesh_in(rgb, weights)
        eyes = look(rgb, mesh)
        assert (eyes[:, 2] < 0.13).all() == (number == shut)

        def release(opening, given=(rgb, mesh, box), eyes=eyes):
            seen = (
                eyes if opening is None else np.column_stack([eyes[:, :2], [opening] * 2]).astype(np.float32)
            )
            return _swapped(*given, pool, fit, params.deidentify.mesh_swap, target, lambda *_: seen)

        released, as_shut, as_open = (release(opening).astype(float) for opening in (None, 0.0, 0.3))
        assert np.abs(as_shut - as_open).max() > 20
        is_shut = np.abs(released - as_shut).sum() < np.abs(released - as_open).sum()
        assert is_shut == (number == shut)


def test_one_eye_shuts_without_the_other(face):
    _, mesh, _ = face
    shares = lids_open(mesh, np.array([0.05, 0.3], np.float32))
    np.testing.assert_array_equal(shares, [0, 1])
    shut = shut_lids(mesh, shares)
    gaps = [np.linalg.norm(shut[upper] - shut[lower]) for upper, lower in ((159, 145), (386, 374))]
    assert gaps[0] < 0.05 * gaps[1]
    assert gaps[1] == np.linalg.norm(mesh[386] - mesh[374])


def test_an_eye_of_few_pixels_says_nothing(face):
    _, mesh, _ = face
    np.testing.assert_array_equal(lids_open(mesh / 10, np.zeros(2, np.float32)), [1, 1])


def test_lids_never_cross_and_open_ones_stay_as_they_are(face):
    _, mesh, _ = face
    np.testing.assert_array_equal(lids_apart(mesh), mesh)
    crossed = mesh.copy()
    crossed[159], crossed[145] = mesh[145], mesh[159]
    _, (_, down) = eye_axes(mesh, 0)
    apart = lids_apart(crossed)
    assert (apart[145] - apart[159]) @ down / (down @ down) == pytest.approx(0.02, abs=1e-3)
    np.testing.assert_allclose(apart[145] + apart[159], mesh[145] + mesh[159], rtol=1e-5)


def test_beyond_the_targets_picture_its_edge_goes_on_and_no_black():
    beyond = np.dstack([np.full((4, 4), -9), np.full((4, 4), 20), np.ones((4, 4))]).astype(np.float32)
    lab = np.broadcast_to(np.array([200, 128, 128], np.uint8), (8, 8, 3)).copy()
    painted = paint(np.zeros((4, 4, 3), np.uint8), beyond, np.zeros((4, 4, 3), np.float32), face=lab)
    assert (painted == cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)[:4, :4]).all()


def test_an_eye_without_any_width_breaks_nothing():
    assert np.isfinite(lids_apart(np.full((468, 2), 7, np.float32))).all()


def test_a_mesh_that_is_found_elsewhere_does_not_pull_the_cover_away(face, pool, params):
    rgb, mesh, box = face
    settings = params.deidentify.mesh_swap
    blind = _swapped(rgb, mesh, box, pool, lambda crop: None, settings)
    astray = _swapped(rgb, mesh, box, pool, lambda crop: np.full((468, 2), 500, np.float32), settings)
    np.testing.assert_array_equal(astray, blind)
    assert (blind != rgb).any()


def test_a_face_of_any_size_and_turn_is_covered(sample, pool, fit, params, weights):
    rgb = next(read_frames(sample("cap12"))).rgb
    for picture in (cv2.resize(rgb, None, fx=4, fy=4), np.ascontiguousarray(np.rot90(rgb))):
        mesh, box = _mesh_in(picture, weights)
        covered = _swapped(picture, mesh, box, pool, fit, params.deidentify.mesh_swap)
        inside = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, cv2.convexHull(mesh.astype(np.int32)), 1)
        assert (covered[inside > 0] != picture[inside > 0]).any(axis=1).mean() > 0.9
        assert _error(covered, mesh, fit) < 0.02


def test_a_face_that_leaps_is_covered_wherever_it_was_before(face, pool, fit, params):
    rgb, mesh, box = face
    covered = _swapped(rgb, mesh, box, pool, fit, params.deidentify.mesh_swap, last_xy=mesh - [90, 60])
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(mesh.astype(np.int32)), 1)
    assert (covered[inside > 0] != rgb[inside > 0]).any(axis=1).mean() > 0.9


def test_a_hand_in_front_of_the_face_stays_in_front(face, pool, fit, params):
    rgb, mesh, box = face
    hand = np.zeros((21, 2), np.float32)
    hand[0] = mesh[1] + [0, 60]
    for finger in range(5):
        for joint in range(4):
            hand[1 + 4 * finger + joint] = mesh[1] + [12 * (finger - 2), 30 - 10 * joint]
    covered = _swapped(rgb, mesh, box, pool, fit, params.deidentify.mesh_swap, hands_xy=[hand])
    x, y = (mesh[1] + [0, 20]).astype(int)
    np.testing.assert_array_equal(covered[y - 5 : y + 5, x - 5 : x + 5], rgb[y - 5 : y + 5, x - 5 : x + 5])
    bare = _swapped(rgb, mesh, box, pool, fit, params.deidentify.mesh_swap)
    assert (bare[y - 5 : y + 5, x - 5 : x + 5] != rgb[y - 5 : y + 5, x - 5 : x + 5]).any()


@pytest.mark.slow
def test_the_pool_holds_faces_that_the_mesh_model_reads_where_they_were_mixed(pool, fit):
    assert len(pool) >= 8
    for name, target in pool.items():
        mesh = target.mesh_xy[:468]
        assert _error(_rgb(target), mesh, fit) < 0.06, name
        assert len(target.mesh_xy) == 468 + 36


def _rgb(target):
    return cv2.cvtColor(target.lab, cv2.COLOR_LAB2RGB)


def test_no_two_targets_are_one_face(pool, weights):
    from tasks.vision.recognisers import make_recognisers

    embed = make_recognisers(weights)["mobilefacenet"]
    faces = np.stack([embed(_rgb(target), target.mesh_xy[:468]) for target in pool.values()])
    likeness = (faces @ faces.T)[np.triu_indices(len(faces), 1)]
    assert likeness.max() < 0.9
    assert np.median(likeness) < 0.6


def test_another_recipe_is_another_digest(weights, params):
    first = target_digests(weights, params.deidentify)
    recipe = params.deidentify.targets.pool["average"].model_copy(update={"brow": 0.5})
    targets = params.deidentify.targets.model_copy(
        update={"pool": params.deidentify.targets.pool | {"average": recipe}}
    )
    second = target_digests(weights, params.deidentify.model_copy(update={"targets": targets}))
    assert {name for name in first if first[name] != second[name]} == {"average"}


def test_the_rim_lies_outside_the_face():
    mesh = np.random.default_rng(0).random((468, 2)).astype(np.float32) * 100
    wide = with_rim(mesh, 0.1)
    np.testing.assert_array_equal(wide[:468], mesh)
    box, around = bounding_box(mesh[:468]), bounding_box(wide)
    assert (around[:2] <= box[:2]).all()
    assert (around[2:] >= box[2:]).all()


def test_triangles_map_their_corners_and_flat_ones_do_not_blow_up():
    corners = np.array([[[0, 0], [10, 0], [0, 10]], [[5, 5], [6, 6], [7, 7]]], np.float32)
    sources = np.array([[[3, 4], [5, 4], [3, 9]], [[1, 1], [2, 5], [9, 1]]], np.float32)
    maps = triangle_maps(corners, sources)
    np.testing.assert_allclose(maps[0] @ [10, 0, 1], [5, 4], atol=1e-5)
    assert np.isfinite(maps).all()


def test_every_pixel_is_fetched_by_the_map_of_its_triangle():
    """And from a corner of the source where no triangle is drawn."""
    corners = np.float32([[2, 3], [40, 5], [8, 44], [45, 47]])
    sources = np.float32([[10, 0], [90, 20], [0, 80], [70, 95]])
    triangles = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    index = draw_triangles(corners, triangles, 48)
    maps = triangle_maps(corners[triangles], sources[triangles])
    fetched = source_map(index, corners, sources, triangles)
    for row, column in [(5, 6), (20, 20), (40, 40), (46, 45), (30, 41), (0, 0), (47, 0)]:
        number = index[row, column]
        expected = maps[number] @ [column, row, 1] if number >= 0 else [0, 0]
        assert fetched[row, column] == pytest.approx(expected, abs=1e-3)
    assert set(np.unique(index)) == {-1, 0, 1}


def test_no_number_is_so_small_that_a_processor_takes_its_time(pool):
    """Subnormal numbers made a tenth of all rendering's time."""
    for target in pool.values():
        assert ((target.near == 0) | (target.near >= np.finfo(np.float32).tiny)).all()


def test_lips_that_must_part_are_parted_and_what_must_move_together_does(pool):
    """Upon one another, as in a shut mouth, they took each other along: a mouth that opened opened less."""
    for target in pool.values():
        wanted = np.zeros(len(target.near), np.float32)
        wanted[UPPER_LIP], wanted[LOWER_LIP] = -1, 1
        parted = target.near @ wanted
        apart = parted[INNER_LIPS[1:10]] - parted[INNER_LIPS[:10:-1]]
        assert apart.min() > 1.5, (target.name, apart)
        assert target.near @ np.ones_like(wanted) == pytest.approx(1, abs=1e-5)


def test_a_frame_without_a_region_is_an_error_not_a_pass(methods, sample):
    frames = list(read_frames(sample("carphone")))[:3]
    box = np.array([0, 0, 176, 144], np.float32)
    regions = [FaceRegion(frame, -1, "whole_frame", box, "mask") for frame in range(2)]
    with pytest.raises(GuiseError, match="frame 2 has no face region"):
        list(render(frames, regions, set(), methods))
    assert len(list(render(frames, regions, {2}, methods))) == 3


def test_a_donor_without_a_face_is_refused(weights, params, tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((64, 64, 3), 200, np.uint8))
    monkeypatch.setattr(type(weights), "path", _path_to(tmp_path / "blank.png", type(weights).path))
    with pytest.raises(ModelError, match="shows no face"):
        read_donor(weights, "average_face", params.extract)


def _path_to(picture, path):
    return lambda self, name: picture if name == "average_face" else path(self, name)


def test_only_the_darkness_of_what_may_be_a_shadow_stays_on_the_forehead(sample, weights, pool, fit, params):
    rgb = next(read_frames(sample("cap12"))).rgb
    mesh, box = _mesh_in(rgb, weights)
    top, brows = (int(mesh[points, 1].min()) for points in (slice(None), BROWS))
    end = top + (brows - top) // 5
    # wrinkles under a shadow that was there from the first frame on
    wrinkles = np.random.default_rng(0).normal(1, 0.15, (end, rgb.shape[1], 1))
    shadowed = rgb.copy()
    shadowed[:end] = np.clip(rgb[:end] * 0.25 * wrinkles, 0, 255)
    swapper = MeshSwapper(params.deidentify.mesh_swap, fit, _straight)
    for _ in range(4):
        released = shadowed.copy()
        share, *_ = swapper(released, box, 0, mesh, pool["average"], last_xy=mesh)
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh).astype(np.int32)), 1)
    inside[end - 2 :] = 0
    greys = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32) for one in (shadowed, released)]
    details = [(grey - cv2.GaussianBlur(grey, (0, 0), 3))[inside > 0] for grey in greys]
    assert np.polyfit(*details, 1)[0] < 0.3  # so much of them is still there
    skin = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[inside > 0]
    assert greys[1][inside > 0].mean() < 0.7 * skin.mean()  # it is still dark
    assert share < params.validate_.in_front_share
