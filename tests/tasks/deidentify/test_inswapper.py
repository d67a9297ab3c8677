"""A neural swap: the right face gets the right identity, in the right place and size, whatever the batch."""

import io
import time
import warnings
from contextlib import redirect_stdout

import cv2
import numpy as np
import psutil
import pytest
from device_support import has_device
from neural_support import with_models

from schemas.params.inference import Inference
from schemas.skeletons import FACE_OVAL
from tasks.deidentify.inswapper import Face, Inswapper, paste
from tasks.deidentify.neural import make_inswapper
from tasks.files.errors import ModelError
from tasks.video import read_frames
from tasks.vision.alignment import five_points
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.providers import PROVIDERS
from tasks.vision.recognisers import make_recognisers
from tasks.vision.regions import bounding_box
from tools.benchmark.made_graphs import LATENT, write_recogniser, write_swapper


@pytest.fixture(params=list(PROVIDERS))
def inference(request):
    """Every provider that this machine has."""
    if not has_device(request.param):
        pytest.skip(f"no device for the provider {request.param} is here")
    return Inference(provider=request.param, memory_mb=4096)


@pytest.fixture(scope="module")
def face(sample, weights, params):
    """A real picture and the mesh of the face in it."""
    rgb = next(iter(read_frames(sample("cap12")))).rgb.copy()
    found = search_faces(View.of(rgb, 960), weights, params.extract)[0]
    return rgb, locate_mesh(rgb, face_region(found), weights, 0.5).xy


def _latents(count, seed=1):
    rows = np.random.default_rng(seed).normal(size=(count, LATENT)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _turned(mesh_xy, *, angle_rad, scale, centre_xy):
    """Return a mesh turned, scaled and moved."""
    away = mesh_xy - mesh_xy.mean(axis=0)
    cos, sin = np.cos(angle_rad) * scale, np.sin(angle_rad) * scale
    return (away @ np.array([[cos, -sin], [sin, cos]]).T + centre_xy).astype(np.float32)


def _made(tmp_path, root, params, inference, *, batch=16, **graph):
    """Return a swapper over a made graph, its colours and its embedding map."""
    turned = np.linalg.qr(np.random.default_rng(7).normal(size=(LATENT, LATENT)))[0].astype(np.float32)
    tmp_path.mkdir(exist_ok=True)
    colours = write_swapper(tmp_path / "swapper.onnx", embedding_map=turned, **graph)
    weights = with_models(tmp_path / "w", root, inference, inswapper=tmp_path / "swapper.onnx")
    changed = params.deidentify.inswapper.model_copy(update={"batch": batch})
    rule = params.deidentify.model_copy(update={"inswapper": changed})
    return make_inswapper(weights, rule), lambda latent: _colour(latent, turned, colours)


def _colour(latent, embedding_map, colours):
    mapped = latent @ embedding_map
    return 255 / (1 + np.exp(-(mapped / np.linalg.norm(mapped)) @ colours))


def test_a_face_is_what_insightface_itself_makes_of_it(tmp_path, root, params, face, inference):
    from insightface import model_zoo
    from insightface.app.common import Face as TheirFace

    swapper, _ = _made(tmp_path, root, params, inference, keep=0.5)
    rgb, mesh = face
    (latent,) = _latents(1)
    (ours,) = swapper.swap([rgb], [Face((0, 0), mesh, latent)])
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what their own code uses
        theirs = model_zoo.get_model(str(tmp_path / "swapper.onnx"), providers=["CPUExecutionProvider"])
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        drawn, _ = theirs.get(
            bgr, TheirFace(kps=five_points(mesh)), TheirFace(embedding=latent * 3), paste_back=False
        )
    difference = np.abs(drawn[..., ::-1].astype(int) - ours.rgb.astype(int))
    assert difference.max() <= 2
    assert ours.rgb.std() > 10  # a face, not a colour


def test_a_latent_is_what_insightface_itself_reads(tmp_path, root, face):
    from insightface import model_zoo
    from insightface.app.common import Face as TheirFace

    write_recogniser(tmp_path / "arcface.onnx")
    cpu = Inference(provider="cpu", memory_mb=1024)
    weights = with_models(tmp_path / "w", root, cpu, arcface=tmp_path / "arcface.onnx")
    rgb, mesh = face
    ours = make_recognisers(weights)["arcface"](rgb, mesh)
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what their own code uses
        theirs = model_zoo.get_model(str(tmp_path / "arcface.onnx"), providers=["CPUExecutionProvider"])
        assert type(theirs).__name__ == "ArcFaceONNX"
        read = TheirFace(kps=five_points(mesh))
        theirs.get(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), read)
    np.testing.assert_allclose(ours, read.normed_embedding, atol=2e-2)


def test_two_people_and_a_turned_face_each_get_their_own_identity(tmp_path, root, params, face, inference):
    swapper, colour_of = _made(tmp_path, root, params, inference)
    _, mesh = face
    meshes = [
        _turned(mesh, angle_rad=0.0, scale=1.0, centre_xy=(200, 220)),
        _turned(mesh, angle_rad=0.9, scale=1.6, centre_xy=(620, 300)),
        _turned(mesh, angle_rad=np.pi / 2, scale=0.5, centre_xy=(420, 480)),
    ]
    rgb = np.random.default_rng(3).integers(0, 255, (600, 900, 3)).astype(np.uint8)
    latents = _latents(3)
    faces = [
        Face((0, track), one, latent) for track, (one, latent) in enumerate(zip(meshes, latents, strict=True))
    ]
    before = rgb.copy()
    for one, swapped in zip(faces, swapper.swap([rgb] * 3, faces), strict=True):
        paste(rgb, _around(one.mesh_xy), swapped)
    inside = np.zeros(rgb.shape[:2], np.uint8)
    for one in faces:
        hull = cv2.convexHull(np.round(one.mesh_xy[FACE_OVAL]).astype(np.int32))
        own = cv2.fillConvexPoly(np.zeros_like(inside), hull, 1)
        inside |= own
        size = float(np.ptp(one.mesh_xy, axis=0).max())
        core = cv2.erode(own, np.ones((3, 3), np.uint8), iterations=round(size * 0.2)) > 0
        assert core.any()
        np.testing.assert_allclose(rgb[core], np.tile(colour_of(one.latent), (core.sum(), 1)), atol=3)
        # most of the face is drawn over, and all of what identifies: eyes, nose and mouth
        drawn = (np.abs(rgb.astype(int) - colour_of(one.latent)).max(axis=2) < 40) & (own > 0)
        assert drawn.sum() > 0.6 * own.sum()
        x, y = five_points(one.mesh_xy).round().astype(int).T
        assert drawn[y, x].all()
    away = cv2.dilate(inside, np.ones((3, 3), np.uint8), iterations=2) == 0
    np.testing.assert_array_equal(rgb[away], before[away])


def _around(mesh_xy):
    low, high = bounding_box(mesh_xy).reshape(2, 2)
    reach = (high - low) * 0.3
    return np.concatenate([low - reach, high + reach]).astype(np.float32)


def test_the_batch_changes_nothing(tmp_path, root, params, face, inference):
    rgb, mesh = face
    faces = [
        Face((0, track), _turned(mesh, angle_rad=track / 10, scale=1, centre_xy=mesh.mean(axis=0)), latent)
        for track, latent in enumerate(_latents(20))
    ]
    found = []
    for batch in (1, 16):
        swapper, _ = _made(tmp_path / str(batch), root, params, inference, batch=batch, keep=0.5)
        found.append(np.stack([one.rgb for one in swapper.swap([rgb] * 20, faces)]).astype(int))
    assert np.abs(found[0] - found[1]).max() <= 1


def test_a_device_gives_what_the_cpu_gives(tmp_path, root, params, face, inference):
    if inference.provider == "cpu":
        pytest.skip("no device is here to compare with the CPU")
    rgb, mesh = face
    faces = [Face((0, track), mesh, latent) for track, latent in enumerate(_latents(8))]
    cpu = inference.model_copy(update={"provider": "cpu"})
    found = []
    for place, where in (("device", inference), ("cpu", cpu)):
        swapper, _ = _made(tmp_path / place, root, params, where, keep=0.5)
        found.append(np.stack([one.rgb for one in swapper.swap([rgb] * 8, faces)]).astype(int))
    assert np.abs(found[0] - found[1]).max() <= 2


def test_memory_stays_flat_over_2000_frames(tmp_path, root, params, face, inference):
    swapper, _ = _made(tmp_path, root, params, inference, keep=0.5)
    rgb, mesh = face
    faces = [Face((0, track), mesh, latent) for track, latent in enumerate(_latents(16))]

    def after(batches):
        for _ in range(batches):
            swapper.swap([rgb] * 16, faces)
        return _memory(inference)

    early, started = after(25), time.monotonic()
    late = after(100)
    print(f"{inference.provider}: {1600 / (time.monotonic() - started):.0f} faces a second, {late >> 20} MB")
    assert late - early < 20 << 20


def _memory(inference):
    """Return the bytes of this process, or of the device that it runs on."""
    if inference.provider == "cpu":
        return psutil.Process().memory_info().rss
    import pynvml

    pynvml.nvmlInit()
    return pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0)).used


def test_a_hand_stays_in_front(face):
    rgb, mesh = face
    swapper = Inswapper(lambda faces, _: np.zeros_like(faces), np.eye(LATENT, dtype=np.float32), 0.08)
    size, centre = float(np.ptp(mesh, axis=0).max()), mesh[[1, 152]].mean(axis=0)
    reach = np.linspace(0, 1, 21)[:, None] * np.array([[size * 0.6, 0]]) - np.array([[size * 0.3, 0]])
    hand = (centre + reach + np.random.default_rng(0).normal(0, size / 30, (21, 2))).astype(np.float32)
    (free,) = swapper.swap([rgb], [Face((0, 0), mesh, _latents(1)[0])])
    (held,) = swapper.swap([rgb], [Face((0, 0), mesh, _latents(1)[0], [hand])])
    assert free.in_front == 0
    assert 0 < held.in_front < 0.6
    assert held.weights.sum() < free.weights.sum()


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (
            {"embedding_map": np.eye(256, dtype=np.float32)},
            r"ends with \[256, 256\] instead of its embedding map",
        ),
        ({"embedding_map": np.float32(1)}, "instead of its embedding map"),
    ],
)
def test_another_embedding_map_is_refused(tmp_path, root, params, graph, says):
    cpu = Inference(provider="cpu", memory_mb=1024)
    write_swapper(tmp_path / "swapper.onnx", **graph)
    weights = with_models(tmp_path / "w", root, cpu, inswapper=tmp_path / "swapper.onnx")
    with pytest.raises(ModelError, match=says):
        make_inswapper(weights, params.deidentify)


def test_what_is_no_swapper_is_refused(tmp_path, root, params):
    cpu = Inference(provider="cpu", memory_mb=1024)
    (tmp_path / "broken.onnx").write_bytes(b"nothing of the kind")
    weights = with_models(tmp_path / "broken", root, cpu, inswapper=tmp_path / "broken.onnx")
    with pytest.raises(ModelError, match="inswapper is no ONNX graph"):
        make_inswapper(weights, params.deidentify)
    weights = with_models(tmp_path / "other", root, cpu, inswapper=root / "data/models/centerface.onnx")
    with pytest.raises(ModelError, match="a swapper takes a face of 3 x 128 x 128 and a latent of 512"):
        make_inswapper(weights, params.deidentify)
