"""A toy network, trained for a minute: it learns, goes on where it was killed, is what was exported."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests_support import REPO

from schemas.jobs import Job
from schemas.params.inference import Inference
from schemas.params.train import Train
from schemas.registry import Registry
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_file
from tasks.train import Learning, collect, folder, process
from tasks.train.pairs import Pairs, stored_side
from tasks.vision.providers import open_session

# what PyTorch warns of differs from version to version
pytestmark = [pytest.mark.neural, pytest.mark.filterwarnings("ignore")]

TOY = Train(side_px=32, steps=720, batch=8, part_steps=120)
CPU = Inference(provider="cpu", memory_mb=1024)
NAMES = ("subject-aaaaaaaaaaaaaaaa-0", "subject-bbbbbbbbbbbbbbbb-0", "subject-bbbbbbbbbbbbbbbb-1")
CLIPS = {name: f"clip-{number:016x}" for number, name in enumerate(NAMES)}


def _face(chance, side, colour):
    """Draw a disc that looks somewhere on a ground; return it as it is and in another colour."""
    rows, columns = np.mgrid[:side, :side] / side
    x, y = chance.uniform(0.42, 0.58, 2)
    inside = ((columns - x) ** 2 + (rows - y) ** 2) < 0.3**2
    eye = ((columns - x - chance.uniform(-0.1, 0.1)) ** 2 + (rows - y) ** 2) < 0.06**2
    ground = chance.integers(40, 200, 3)
    patient, drawn = (np.where(inside[..., None], skin, ground) for skin in ((200, 160, 140), colour))
    for picture in (patient, drawn):
        picture[eye] = 20
    return (
        patient.astype(np.uint8),
        drawn.astype(np.uint8),
        (inside * 255).astype(np.uint8),
        (eye * 255).astype(np.uint8),
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Pairs of three made faces, as the first arm of the stage keeps them."""
    root = tmp_path_factory.mktemp("toy")
    chance, side = np.random.default_rng(3), stored_side(TOY)
    for name, colour in zip(NAMES, ((90, 120, 200), (120, 200, 90), (210, 200, 60)), strict=True):
        made = [_face(chance, side, colour) for _ in range(32)]
        pairs = Pairs(*(np.stack(column) for column in zip(*made, strict=True)), face=np.zeros(32, np.uint8))
        path = root / f"data/train/pairs/{CLIPS[name]}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **pairs._asdict())
    return root


def _job(settings=TOY, inputs=None):
    starts, step = range(0, settings.steps, settings.part_steps), settings.part_steps
    return Job(
        stage="train", arm="networks", key="network", inputs=inputs or {"pairs": "0" * 64},
        order=Learning(faces={name: ((CLIPS[name], 0),) for name in NAMES}, train=settings, inference=CPU),
        parts=tuple((start, min(start + step, settings.steps)) for start in starts), in_turn=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(drawn):
    """The toy trained at one go: the row of its job, and its files' digests."""
    return process(drawn, _job())


def _clear(root):
    for path in (root / "data/train/networks").rglob("*"):
        if path.is_file():
            path.unlink()


def test_it_learns_and_says_how_well(drawn, trained, params):
    curve = trained["curve"]
    assert [point["steps"] for point in curve] == [120, 240, 360, 480, 600, 720]
    assert curve[-1]["loss"] < 0.5 * curve[0]["loss"]
    assert curve[-1]["colour_error"] < 0.85 * curve[0]["colour_error"]  # the little eye is hard to see
    assert curve[-1]["mask_error"] < 0.5 * curve[0]["mask_error"]
    rule = params.deidentify.model_copy(update={"method": "own_swap"})
    settings = params.model_copy(update={"deidentify": rule, "train": TOY})
    (note,) = collect(drawn, settings, "networks", [trained]).notes
    assert note.startswith("3 faces were learnt in 720 steps")
    told = (drawn / folder("networks") / "networks.json").read_text()
    assert all(f'"{name}"' in told for name in NAMES)
    assert set(trained["outputs"].values()) == {
        sha256_file(drawn / folder("networks") / f"{name}.onnx") for name in NAMES
    }


def test_what_is_exported_is_what_was_trained(drawn, trained):
    import torch

    from tasks.train.training import Training, training_digest

    files = {name: [(Path(f"data/train/pairs/{CLIPS[name]}.npz"), 0)] for name in NAMES}
    training = Training(drawn, files, TOY, CPU)
    last = drawn / f"data/train/networks/parts/network.{len(_job().parts) - 1:04}.pt"
    assert training.restore(last, training_digest(_job().inputs, TOY, CPU))
    faces = np.random.default_rng(1).random((5, 3, 32, 32), np.float32)
    for whose, name in enumerate(NAMES):
        session = open_session(name, (drawn / f"data/train/networks/{name}.onnx").read_bytes(), CPU)
        (found,) = session.run(None, {"face": faces})
        with torch.no_grad():
            wanted = training.learner.network(torch.from_numpy(faces), whose).numpy()
        assert np.abs(found - wanted).max() < 1e-4
    # each draws its own
    colours = [
        onnxruntime.InferenceSession(str(drawn / f"data/train/networks/{name}.onnx")).run(
            None, {"face": faces}
        )[0]
        for name in NAMES
    ]
    assert np.abs(colours[0] - colours[1]).mean() > 0.01


@pytest.mark.parametrize("killed_after_s", [0.1, 1.5])
def test_a_killed_training_goes_on_to_the_same_bytes(drawn, trained, killed_after_s):
    _clear(drawn)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from pathlib import Path; "
        f"from test_training import _job, process; process(Path({str(drawn)!r}), _job())"
    )
    paths = [str(REPO), str(REPO / "tests"), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    running = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": ":".join(paths)})
    parts = drawn / "data/train/networks/parts"
    while running.poll() is None and not [*parts.glob("*.pt")]:
        time.sleep(0.05)
    time.sleep(killed_after_s)
    assert running.poll() is None, "it was done before it could be killed"
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    left = sorted(path.name for path in parts.glob("*.pt"))
    assert 0 < len(left) < len(_job().parts)
    # as the stage does it: the parts that are missing, then who joins them
    for part in _job().each_part()[len(left) :]:
        process(drawn, part)
    assert process(drawn, _job())["outputs"] == trained["outputs"]


@pytest.mark.parametrize(
    "other",
    [_job(TOY.model_copy(update={"batch": 4})), _job(inputs={"pairs": "1" * 64})],
    ids=["settings", "pairs"],
)
def test_another_trainings_state_is_not_gone_on_from(drawn, trained, other):
    _clear(drawn)
    process(drawn, replace(other, part=0))
    process(drawn, replace(other, part=1))
    for part in _job().each_part()[2:]:
        process(drawn, part)  # the two before it are done again, which another training's lie in place of
    assert process(drawn, _job())["outputs"] == trained["outputs"]


def test_a_device_that_is_not_there_is_never_the_processor(drawn):
    from tasks.train.training import device_of

    assert device_of(CPU) == "cpu"
    import torch

    if torch.cuda.is_available():
        assert device_of(CPU.model_copy(update={"provider": "cuda"})) == "cuda"
        return
    with pytest.raises(ModelError, match="this PyTorch finds no such device"):
        device_of(CPU.model_copy(update={"provider": "cuda"}))


@pytest.mark.parametrize("side_px", [32, 64, 96, 128])
def test_every_size_is_exported_as_it_is(side_px):
    import torch

    from tasks.train.export import to_onnx
    from tasks.train.network import Network

    network = Network(side_px, 1)
    count = sum(value.numel() for value in network.parameters())
    assert side_px < 64 or 2e6 < count < 5e6
    faces = np.random.default_rng(side_px).random((2, 3, side_px, side_px), np.float32)
    session = open_session("one", to_onnx(network, 0, side_px), CPU)
    with torch.no_grad():
        wanted = network(torch.from_numpy(faces), 0).numpy()
    assert np.abs(session.run(None, {"face": faces})[0] - wanted).max() < 1e-4


def test_a_network_is_no_weight_of_the_models_table(params, root):
    # it is learnt from patients: what is published of the models' table must not name it
    told = (root / "data/models/registry.json").read_text()
    assert "workspace" not in {
        model.licence_class for model in Registry.model_validate_json(told).models.values()
    }
