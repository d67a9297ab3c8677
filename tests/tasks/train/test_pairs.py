"""What a network learns from: a face as it is and as the mesh swap draws it, and only what it may know."""

import shutil

import numpy as np
import pytest
from tests_support import admit_clips, run_stage

import tasks.train
from schemas.params.train import Train
from schemas.training import PAIRS, Networks
from tasks.files.clips import video_path
from tasks.files.documents import read_document, read_table, write_table
from tasks.files.errors import InputError
from tasks.files.tables import build_table
from tasks.swap.own import NETWORKS_PATH
from tasks.train import PAIRS_TABLE, collect, folder, plan
from tasks.train.pairs import read_pairs, stored_side

A, B = "subject-aaaaaaaaaaaaaaaa", "subject-bbbbbbbbbbbbbbbb"
ONE, TWO = "clip-aaaaaaaaaaaaaaa1", "clip-bbbbbbbbbbbbbbb1"


REQUIRE = tasks.train.require_torch


@pytest.fixture(scope="module", autouse=True)
def _pairs_need_no_pytorch():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.train, "require_torch", lambda: None)
        yield


@pytest.fixture(scope="module")
def own(params):
    """Settings that ask for a small network."""
    rule = params.deidentify.model_copy(update={"method": "own_swap"})
    return params.model_copy(update={"deidentify": rule, "train": Train(side_px=32, faces=12, steps=20)})


@pytest.fixture(scope="module")
def seen(tmp_path_factory, sample, own, root):
    """Two people's clips, extracted and cast."""
    here = tmp_path_factory.mktemp("pairs")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    for clip, name in ((ONE, "cap12"), (TWO, "carphone")):
        path = here / video_path("original", clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample(name), path)
    admit_clips(here, {ONE: A, TWO: B})
    for name, arm in (("extract", "original"), ("targets", "")):
        run_stage(here, own, name, arm)
    return here


@pytest.fixture(scope="module")
def drawn(seen, own):
    run_stage(seen, own, "train", "pairs")
    return {clip: read_pairs(seen / f"data/train/pairs/{clip}.npz") for clip in (ONE, TWO)}


@pytest.mark.parametrize("clip", [ONE, TWO])
def test_a_pair_differs_in_the_face_and_not_around_it(drawn, own, clip):
    pairs, side = drawn[clip], stored_side(own.train)
    assert len(pairs.face) == own.train.faces
    assert pairs.patient.shape == pairs.drawn.shape == (own.train.faces, side, side, 3)
    apart = np.abs(pairs.patient.astype(int) - pairs.drawn).mean(axis=3)
    inside, outside = pairs.mask == 255, np.zeros_like(pairs.mask, bool)
    outside[:, :2], outside[:, -2:] = True, True
    assert apart[inside].mean() > 4 * max(0.2, apart[outside & (pairs.mask == 0)].mean())
    assert 0.1 < inside.mean() < 0.6
    assert 0 < (pairs.emphasis > 0).mean() < inside.mean()


def test_pairs_are_the_same_to_the_byte(seen, own, drawn):
    before = {path.name: path.read_bytes() for path in (seen / "data/train/pairs").iterdir()}
    run_stage(seen, own, "train", "pairs")
    assert {path.name: path.read_bytes() for path in (seen / "data/train/pairs").iterdir()} == before


def test_the_table_says_of_whom_how_many(seen, drawn):
    table = read_table(seen / PAIRS_TABLE, PAIRS)
    assert set(table.select("clip_id", "subject", "face", "pairs").rows()) == {
        (ONE, A, 0, 12),
        (TWO, B, 0, 12),
    }


def test_settings_of_the_learning_draw_no_pair_anew(seen, own):
    longer = own.model_copy(update={"train": own.train.model_copy(update={"steps": 9000, "batch": 2})})
    more = own.model_copy(update={"train": own.train.model_copy(update={"faces": 13})})
    orders = [[job.order for job in plan(seen, settings, "pairs")] for settings in (own, longer, more)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("method", ["mesh_swap", "blur"])
def test_where_no_method_asks_for_it_nothing_is_drawn_or_learnt(tmp_path, seen, own, method):
    update = {"method": method, "method_of_others": "mesh_swap"}
    settings = own.model_copy(update={"deidentify": own.deidentify.model_copy(update=update)})
    assert [plan(seen, settings, arm) for arm in ("pairs", "networks")] == [[], []]
    for arm in ("pairs", "networks"):
        (tmp_path / folder(arm)).mkdir(parents=True)
        assert collect(tmp_path, settings, arm, []).notes == ()
    assert read_table(tmp_path / PAIRS_TABLE, PAIRS).is_empty()
    assert read_document(tmp_path / NETWORKS_PATH, Networks).networks == {}


def test_of_whom_too_little_was_seen_no_face_is_learnt(seen, own, drawn, tmp_path):
    # 12 pairs each, and 16 are asked
    assert plan(seen, own, "networks") == []
    (tmp_path / folder("networks")).mkdir(parents=True)
    (note,) = collect(tmp_path, own, "networks", []).notes
    assert "no face was seen well enough" in note


def test_a_person_in_two_clips_is_one_face(seen, own, drawn, tmp_path):
    shutil.copytree(seen / "data", tmp_path / "data", symlinks=True)
    rows = [{"clip_id": clip, "subject": A, "face": 0, "pairs": 12} for clip in (ONE, TWO)]
    rows.append({"clip_id": TWO, "subject": A, "face": 1, "pairs": 15})
    write_table(build_table(rows, PAIRS), PAIRS, tmp_path / PAIRS_TABLE)
    (job,) = plan(tmp_path, own, "networks")
    assert job.order.faces == {f"{A}-0": ((ONE, 0), (TWO, 0))}
    assert set(job.inputs) == {ONE, TWO}
    assert job.in_turn
    assert job.parts == ((0, 20),)


def test_without_pytorch_it_says_what_to_install(seen, own, monkeypatch):
    monkeypatch.setattr(tasks.train, "require_torch", REQUIRE)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for arm in ("pairs", "networks"):
        with pytest.raises(InputError, match="needs PyTorch: run `make train`"):
            plan(seen, own, arm)
