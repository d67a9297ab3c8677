"""A clip through the neural swap: everybody their own identity, kept over clips, and nothing half-written."""

import numpy as np
import polars as pl
import pytest
import yaml
from neural_support import with_models
from tests_support import admit_clips, run_stage, write_pictures

from schemas.coverage import COVERAGE
from schemas.params import Params
from schemas.targets import TARGETS
from tasks.files.clips import TARGETS_PATH, coverage_path, video_path
from tasks.files.documents import read_table
from tasks.files.errors import InputError, ModelError
from tasks.swap.latents import LATENTS, choose_latent, load_latents, mixed, read_latent, store_latent
from tasks.video import read_frames
from tasks.vision.keypoints import stack_xy
from tasks.vision.sessions import shared_weights
from tools.benchmark.made_graphs import write_recogniser, write_swapper
from tools.benchmark.neural import profile

pytestmark = pytest.mark.slow
A, B = "subject-00000000000000aa", "subject-00000000000000bb"
CLIPS = {"clip-0000000000000001": A, "clip-0000000000000002": A, "clip-0000000000000003": B}
TOGETHER = "clip-0000000000000004"


@pytest.fixture(scope="module")
def weights_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("brought")
    colours = write_swapper(folder / "inswapper.onnx")
    write_recogniser(folder / "arcface.onnx")
    return folder, colours


@pytest.fixture(scope="module")
def settings(weights_folder):
    return Params.model_validate(profile(weights_folder[0], "cpu"), strict=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory, root, sample, settings, weights_folder):
    """Four clips of two people, one clip of both, swapped by made weights."""
    here = tmp_path_factory.mktemp("neural") / "w"
    brought = {name: weights_folder[0] / f"{name}.onnx" for name in ("inswapper", "arcface")}
    with_models(here, root, settings.inference, **brought)
    first, second = ([frame.rgb for frame in read_frames(sample(name, 1))] for name in ("cap12", "carphone"))
    size_wh = first[0].shape[1], first[0].shape[0]
    wide = [np.zeros((size_wh[1], size_wh[0] + 176, 3), np.uint8) for _ in range(20)]
    for picture, left, right in zip(wide, first, second, strict=False):
        picture[:, : size_wh[0]] = left
        picture[:144, size_wh[0] :] = right[:144, :176]
    films = [first[:20], first[5:25], second[:20], wide]
    for clip_id, pictures in zip((*CLIPS, TOGETHER), films, strict=True):
        path = here / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pictures(path, pictures)
    admit_clips(here, CLIPS | {TOGETHER: B})
    for name, arm in (("extract", "original"), ("targets", ""), ("deidentify", "released")):
        run_stage(here, settings, name, arm)
    return here


def test_everybody_is_given_one_identity_for_good(place, settings):
    given = read_table(place / TARGETS_PATH, TARGETS)
    for subject in (A, B):
        own = given.filter((pl.col("subject") == subject) & (pl.col("face") == 0))
        assert own["target"].n_unique() == 1
        assert own["clip_id"].n_unique() == 2
    # and nobody else in a clip has it
    for _, clip in given.group_by("clip_id"):
        assert clip["target"].n_unique() == clip["face"].n_unique()
    before = given.rows()
    run_stage(place, settings, "targets", "")
    assert read_table(place / TARGETS_PATH, TARGETS).rows() == before


def test_latents_are_stored_by_digest_and_are_nobodys(place, settings):
    given = read_table(place / TARGETS_PATH, TARGETS)
    stored = {path.stem for path in (place / LATENTS).iterdir()}
    assert stored == set(given["target_sha256"])
    latents = load_latents(shared_weights(place), settings.deidentify, settings.extract)
    for target, digest in given.select("target", "target_sha256").unique().iter_rows():
        np.testing.assert_array_equal(read_latent(place, digest), latents[target])
        assert len(latents.donors_of(target)) >= 3


def test_each_face_gets_its_own_colour_where_it_is(place, weights_folder):
    _, colours = weights_folder
    given = read_table(place / TARGETS_PATH, TARGETS)
    for clip_id in (*CLIPS, TOGETHER):
        rows = given.filter(clip_id=clip_id)
        table = pl.read_parquet(place / f"data/keypoints/original/{clip_id}.parquet")
        frames = {frame.index: frame.rgb for frame in read_frames(place / video_path("released", clip_id))}
        checked = 0
        coverage = read_table(place / coverage_path("released", clip_id), COVERAGE)
        swapped = coverage.filter(method="inswapper").select("frame", "track").rows()
        for track, digest in rows.select("track", "target_sha256").iter_rows():
            colour = 255 / (1 + np.exp(-(read_latent(place, digest) @ colours)))
            own = table.filter(pl.col("person") == track, pl.col("face_xy").is_not_null())
            for frame, mesh in zip(own["frame"], stack_xy(own, "face"), strict=True):
                if (frame, track) in swapped:
                    x, y = mesh[1].round().astype(int)
                    # the codec keeps colours a little less than exactly
                    np.testing.assert_allclose(frames[frame][y, x], colour, atol=14)
                    checked += 1
        assert checked >= 15, clip_id


def test_a_corrupt_weight_writes_nothing(place, settings, root, weights_folder, tmp_path):
    import shutil

    here = tmp_path / "w"
    (tmp_path / "inswapper.onnx").write_bytes((weights_folder[0] / "inswapper.onnx").read_bytes()[:5000])
    brought = {"arcface": weights_folder[0] / "arcface.onnx", "inswapper": tmp_path / "inswapper.onnx"}
    with_models(here, root, settings.inference, **brought)
    for folder in ("ingested", "keypoints", "targets"):
        shutil.copytree(place / "data" / folder, here / "data" / folder)
    with pytest.raises(ModelError, match="model inswapper is no ONNX graph"):
        run_stage(here, settings, "deidentify", "released")
    assert not [
        path for path in (here / "data").rglob("*") if "deidentified" in path.parts and path.is_file()
    ]


def test_a_lost_latent_is_one_sentence(place):
    with pytest.raises(ModelError, match="latent of a target is missing or damaged"):
        read_latent(place, "0" * 64)


def test_a_target_that_is_near_somebody_is_not_given(place, settings):
    latents = load_latents(shared_weights(place), settings.deidentify, settings.extract)
    rule = settings.deidentify.inswapper.model_copy(update={"nearest_subject": 0.5})
    names = list(latents)
    far = np.zeros_like(latents[names[0]])
    assert choose_latent(latents, names, [far], rule) == min(names)
    with pytest.raises(InputError, match="keeps away from its donors and from every subject"):
        choose_latent(latents, names[:1], [far, latents[names[0]]], rule)
    strict = rule.model_copy(update={"nearest_donor": 0.1})
    with pytest.raises(InputError, match="mix others, of more donors"):
        choose_latent(latents, names, [far], strict)


def test_a_mixture_is_as_near_to_each_donor_and_stays_as_it_was_stored(tmp_path):
    donors = np.eye(5, dtype=np.float32)[:3] * np.array([[1], [5], [20]], np.float32)
    found = mixed(list(donors))
    np.testing.assert_allclose(found, [1 / np.sqrt(3)] * 3 + [0, 0], atol=1e-6)
    store_latent(tmp_path, "a" * 64, found)
    # another machine computes it a little differently: the identity is the first one's
    store_latent(tmp_path, "a" * 64, np.roll(found, 1))
    np.testing.assert_array_equal(read_latent(tmp_path, "a" * 64), found)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"targets": {"chooser": "mobilefacenet"}}, "set deidentify.targets.chooser to arcface"),
        ({"inswapper": {"pool": {"one": ["a", "b", "a"], "two": ["a", "b", "c"]}}}, "names a donor twice"),
        ({"inswapper": {"pool": {"one": ["a", "b"], "two": ["a", "b", "c"]}}}, "at least 3 items"),
        ({"inswapper": {"pool": {"average": ["a", "b", "c"], "two": ["a", "b", "c"]}}}, "both name average"),
    ],
)
def test_settings_that_would_flatter_are_refused(weights_folder, changed, says):
    params = profile(weights_folder[0], "cpu")
    for section, values in changed.items():
        params["deidentify"][section] |= values
    with pytest.raises(ValueError, match=says):
        Params.model_validate(yaml.safe_load(yaml.safe_dump(params)), strict=False)
