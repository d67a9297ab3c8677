"""Bars in the colours of instruments, moved over real faces: found where they are, and nothing else is."""

import cv2
import numpy as np
import polars as pl
import pytest
from tests_support import admit_clips, moving_bar, run_stage, write_pictures
from things_support import CYAN, DEEP_BLUE, GREEN, in_the_light, with_plaster, with_tube

from tasks.files.clips import keypoints_path, video_path
from tasks.swap.layout import make_layout
from tasks.swap.occluders import HAIR, MOST, Occluders, hair_of
from tasks.swap.pool import load_pool
from tasks.swap.target import with_rim
from tasks.video import read_frames
from tasks.vision.keypoints import stack_xy
from tasks.vision.regions import MESH_SIDE_PX, crop_region, mesh_region, to_crop

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
    assert (found & there).sum() / there.sum() > 0.6
    assert (found & there).sum() / found.sum() > 0.9


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
        assert (hair > 0.9).sum() > 100
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


def _lit(rgb, gain):
    """Return a picture in so much light: linear factors, one or height x width x 3."""
    linear = (rgb / 255.0) ** 2.2 * gain
    return np.asarray(np.clip(linear, 0, 1) ** (1 / 2.2) * 255, np.uint8)


def _side(rgb, mesh_xy, gain):
    columns = np.arange(rgb.shape[1])[None, :, None] < mesh_xy[1, 0]
    return np.where(columns, np.array(gain), 1.0)


LIGHTS = {
    "a quarter": lambda rgb, mesh: _lit(rgb, 0.25),
    "a tenth": lambda rgb, mesh: _lit(rgb, 0.1),
    "fourfold": lambda rgb, mesh: _lit(rgb, 4),
    "a shadow on one side": lambda rgb, mesh: _lit(rgb, _side(rgb, mesh, [0.1, 0.1, 0.1])),
    "blue from one side": lambda rgb, mesh: _lit(rgb, _side(rgb, mesh, [0.5, 0.7, 1.6])),
    "an abrupt warm cast": lambda rgb, mesh: _lit(rgb, np.array([1.6, 1.0, 0.5])),
    "a cold lamp": lambda rgb, mesh: _lit(rgb, np.array([0.8, 1.0, 1.4])),
}


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_no_light_uncovers_a_face(clips, layout, name, light):
    occluders = Occluders(layout)
    for number, (rgb, mesh_xy) in enumerate(clips[name]):
        seen = LIGHTS[light](rgb, mesh_xy) if number >= ENTERS else rgb
        found = occluders.step(_spread(layout, seen, mesh_xy)) > 0.5
        assert (found & layout.inside & ~layout.forehead).sum() < 0.02 * layout.inside.sum(), number


@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_no_coloured_light_on_a_part_uncovers_a_face(clips, layout, name):
    """Without a look at the shading a quarter of such lights uncover more than 0.02 of a face, up to 0.2."""
    rng, shown = np.random.default_rng(0), []
    for _ in range(20):
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
        soft, gain = rng.choice([0.005, 0.03, 0.1]), np.exp(rng.uniform(-1.2, 0.9, 3))
        occluders, worst = Occluders(layout), 0.0
        for number, (rgb, mesh_xy) in enumerate(clips[name][: ENTERS + 5]):
            seen = _lit(rgb, _part(rgb, mesh_xy, angle, offset, soft, gain)) if number >= ENTERS else rgb
            found = occluders.step(_spread(layout, seen, mesh_xy)) > 0.5
            worst = max(worst, (found & layout.inside & ~layout.forehead).sum() / layout.inside.sum())
        shown.append(worst)
    assert max(shown) < 0.02


def _part(rgb, mesh_xy, angle, offset, soft, gain):
    """Return gains that begin at a line across the face; offset and soft: of the face's size."""
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    x, y = mesh_xy.mean(axis=0)
    way = (np.cos(angle) * (columns - x) + np.sin(angle) * (rows - y)) / np.ptp(mesh_xy, axis=0).max()
    return 1 + (gain - 1) / (1 + np.exp(np.clip((offset - way) / soft, -60, 60)))[..., None]


@pytest.fixture
def below(layout):
    """All below the nose, without the cheeks."""
    rows = np.arange(layout.index.shape[0])[:, None]
    return (rows > layout.mesh_xy[2, 1]) & ~layout.cheeks & (layout.index >= 0)


def _bearded(layout, clips, below):
    for rgb, mesh_xy in (clips["franck"] * 5)[:180]:
        lab = _spread(layout, rgb, mesh_xy)
        beard = below & ~layout.features
        lab[beard] = lab[beard] * np.float32([0.3, 0, 0]) + np.float32([0, 128, 128])
        yield lab


@pytest.mark.parametrize("frames", [12, 75])
def test_a_beard_is_not_unlearnt_under_a_hand(clips, layout, below, frames):
    occluders, shown = Occluders(layout), []
    for number, lab in enumerate(_bearded(layout, clips, below)):
        if 20 <= number < 20 + frames:
            lab[below] = np.median(lab[layout.cheeks], axis=0)
        shown.append((occluders.step(lab) > 0.5)[below].mean())
    assert max(shown) < 0.02


def test_a_beard_that_comes_into_the_picture_is_not_in_front(clips, layout, below):
    occluders, shown = Occluders(layout), []
    for number, lab in enumerate(_bearded(layout, clips, below)):
        if number < 20:
            lab[below] = (0, 128, 128)
        shown.append((occluders.step(lab) > 0.5)[below].mean())
    assert max(shown) < 0.02


def test_what_is_under_a_mask_is_not_in_front_when_it_is_taken_off(clips, layout, below):
    occluders, shown = Occluders(layout), []
    for number, lab in enumerate(_bearded(layout, clips, below)):
        if number < 60:
            lab[below] = (170, 115, 110)
        shown.append((occluders.step(lab) > 0.5)[below & ~layout.features].mean())
    assert max(shown[60:]) < 0.02


def test_nothing_is_in_front_while_both_cheeks_are_covered(layout):
    skin = np.full((*layout.index.shape, 3), (150, 145, 145), np.float32)
    rows = np.flatnonzero(layout.cheeks.any(axis=1))
    over_cheeks = np.zeros_like(layout.cheeks)
    over_cheeks[rows[0] : rows[-1]] = ~layout.features[rows[0] : rows[-1]]
    gauze = np.where(over_cheeks[..., None], np.float32([220, 128, 128]), skin)
    occluders = Occluders(layout)
    occluders.step(skin)
    assert not any(occluders.step(gauze).any() for _ in range(300))
    assert not occluders.step(skin).any()


def test_half_a_beard_is_not_in_front_when_a_mask_is_taken_off(clips, layout, below):
    """So little of a face that only its first look tells that it is the patient's own."""
    side = below & (np.arange(layout.index.shape[1]) < layout.mesh_xy[2, 0])
    assert (side & ~layout.features)[layout.inside].mean() < MOST
    occluders, shown = Occluders(layout), []
    for number, lab in enumerate(_bearded(layout, clips, side)):
        if number < 60:
            lab[side] = (170, 115, 110)
        shown.append((occluders.step(lab) > 0.5)[side & ~layout.features].mean())
    assert max(shown) < 0.02


def test_a_gap_under_a_hand_does_not_uncover_a_beard(clips, layout, below):
    occluders, shown = Occluders(layout), []
    for number, lab in enumerate(_bearded(layout, clips, below)):
        if 20 <= number < 40:
            lab[below] = np.median(lab[layout.cheeks], axis=0)
        if not 25 <= number < 30:
            shown.append((occluders.step(lab) > 0.5)[below].mean())
    assert max(shown) < 0.02


def test_another_person_in_the_same_track_is_met_anew(clips, layout):
    occluders = Occluders(layout)
    for name in ("franck", "cap12", "franck"):
        for rgb, mesh_xy in clips[name]:
            found = occluders.step(_spread(layout, rgb, mesh_xy)) > 0.5
            assert (found & layout.inside & ~layout.forehead).sum() < 0.02 * layout.inside.sum()


def test_hair_that_has_gone_leaves_no_hole(clips, layout):
    occluders = Occluders(layout)
    labs = [_spread(layout, *frame) for frame in clips["franck"]]
    for lab in labs[:20]:
        held = occluders.step(lab)
    assert (held[layout.forehead] > 0.5).sum() > 150
    bare = labs[20].copy()
    bare[layout.forehead] = np.median(bare[layout.cheeks], axis=0)
    assert not occluders.step(bare).any()


def _said(layout, frames, paint):
    occluders = Occluders(layout)
    said = []
    for rgb, mesh_xy in frames:
        occluders.step(_spread(layout, paint(rgb, mesh_xy), mesh_xy))
        said.append(occluders.painted_over)
    return said


def _stays(layout, frames, paint):
    """Return frames x side x side: what was there from the first and stays, and where it is."""
    occluders, stays, there = Occluders(layout), [], []
    for rgb, mesh_xy in frames:
        drawn, is_thing = paint(rgb, mesh_xy)
        occluders.step(_spread(layout, drawn, mesh_xy))
        stays.append(occluders.lasting > 0.5)
        there.append(
            _spread(layout, np.repeat(is_thing[..., None] * np.uint8(255), 3, axis=2), mesh_xy)[..., 0] > 127
        )
    return np.stack(stays) & layout.inside, np.stack(there) & layout.inside


THINGS = {
    "a tube": (with_tube, CYAN), "a green plaster": (with_plaster, GREEN), "a plaster": (with_plaster, CYAN),
    "a purple plaster": (with_plaster, (170, 120, 190)),
}  # fmt: skip


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_a_tube_and_a_plaster_stay_from_the_first(clips, layout, name, thing):
    draw, colour = THINGS[thing]
    stays, there = _stays(
        layout, clips[name], lambda rgb, mesh_xy: in_the_light(draw(rgb, mesh_xy, colour), rgb, mesh_xy)
    )
    assert stays.any(axis=(1, 2)).mean() > 0.9
    kept = stays.any(axis=(1, 2))
    # its rim is half skin
    assert (stays & there)[kept].sum() > 0.75 * there[kept].sum()
    assert (stays & there).sum() > 0.85 * stays.sum()


@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_what_stays_from_the_first_shows_no_eye_and_no_brow(clips, layout, name):
    def patch(rgb, mesh_xy):
        drawn = rgb.copy()
        over_an_eye = np.round(mesh_xy[[70, 107, 6, 101, 117, 143]]).astype(np.int32)
        cv2.fillConvexPoly(drawn, cv2.convexHull(over_an_eye), CYAN)
        return in_the_light(drawn, rgb, mesh_xy)

    stays, there = _stays(layout, clips[name], patch)
    assert there[:, layout.features].any()
    assert not stays[:, layout.features].any()


@pytest.mark.parametrize(("draw", "colour"), [(with_tube, DEEP_BLUE), (with_plaster, DEEP_BLUE)])
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_what_is_noticed_is_kept_or_said(clips, layout, name, draw, colour):
    """A colour so deep varies too much with the light to be told from a light's."""
    occluders, told = Occluders(layout), []
    for rgb, mesh_xy in clips[name]:
        drawn, _ = in_the_light(draw(rgb, mesh_xy, colour), rgb, mesh_xy)
        occluders.step(_spread(layout, drawn, mesh_xy))
        told.append(occluders.painted_over or (occluders.lasting > 0.5).any())
    assert np.mean(told) > 0.9


@pytest.mark.parametrize("is_stripe", [False, True])
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_no_coloured_light_that_was_there_from_the_first_uncovers_a_face(clips, layout, name, is_stripe):
    """On a half of it, and as a stripe of sharp edges."""
    rng = np.random.default_rng(1)
    for _ in range(25):
        angle, offset, width = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25), rng.uniform(0.06, 0.2)
        soft, gain = rng.choice([0.005, 0.03, 0.1]), np.exp(rng.uniform(-1.6, 1.4, 3))
        occluders = Occluders(layout)
        for rgb, mesh_xy in clips[name][:3]:
            light = _part(rgb, mesh_xy, angle, offset, soft, gain)
            if is_stripe:
                light = 1 + (light - 1) * (_part(rgb, mesh_xy, angle, offset + width, soft, np.zeros(3)))
            occluders.step(_spread(layout, _lit(rgb, light), mesh_xy))
            assert not (occluders.lasting[layout.inside] > 0.1).any()


@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_of_a_bare_face_and_of_what_stays_in_front_nothing_is_said(clips, layout, name):
    assert not any(_said(layout, clips[name], lambda rgb, mesh_xy: rgb))
    for colour in (GLOVE, PEN):
        later = iter([None] * ENTERS + list(np.linspace(0, 1, FRAMES - ENTERS)))

        def pass_by(rgb, mesh_xy, later=later, colour=colour):
            way = next(later)
            return rgb if way is None else moving_bar(rgb, mesh_xy, way, colour)[0]

        assert np.mean(_said(layout, clips[name], pass_by)) < 0.1


@pytest.mark.parametrize("lamp", [(1.0, 0.75, 0.5), (0.6, 0.8, 1.0), (0.3, 0.3, 0.3), (1.2, 1.2, 1.2)])
@pytest.mark.parametrize("name", ["franck", "cap12"])
def test_no_light_that_falls_on_a_whole_face_is_a_thing(clips, layout, name, lamp):
    def lit(rgb, mesh_xy):
        return np.clip(rgb * np.array(lamp), 0, 255).astype(np.uint8)

    assert not any(_said(layout, clips[name], lit))
