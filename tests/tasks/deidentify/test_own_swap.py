"""A network's face over one whose mesh cannot carry another: where, how, nothing of the patient beside it."""

import cv2
import numpy as np
import pytest

from flows.workspace.weights import trained
from schemas.registry import RegisteredModel
from schemas.training import Networks
from tasks.deidentify.batching import Gathered
from tasks.deidentify.coverage import cover
from tasks.deidentify.face_regions import Clip, FaceRegion
from tasks.deidentify.own_swap import Face, draw_all, lay
from tasks.files.documents import write_json
from tasks.files.errors import GuiseError, ModelError
from tasks.files.hashing import sha256_bytes
from tasks.swap.crops import face_square, small_crop
from tasks.swap.own import NETWORKS_PATH, network_digests, networks_of, read_network
from tasks.tracks.joining import join_tracks
from tasks.tracks.sightings import Observation
from tasks.video import Frame, read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.hidden import draw_hand
from tasks.vision.making import Graph
from tasks.vision.providers import Batches, open_session
from tasks.vision.regions import bounding_box, mesh_region

SIDE_PX, SIZE_WH = 32, (320, 240)
A, B = "subject-0123456789abcdef", "subject-fedcba9876543210"


def _flat(*rgb_weight):
    """Return a network that draws one colour, with one weight, whatever it sees."""
    graph = Graph()
    nothing = graph.add("Mul", "face", graph.value(np.zeros(1, np.float32)))
    wide = graph.add("Concat", nothing, graph.add("ReduceSum", nothing, graph.value(np.array([1]))), axis=1)
    colour = np.array(rgb_weight, np.float32).reshape(1, 4, 1, 1)
    drawn = graph.add("Add", wide, graph.value(colour))
    shape = ["n", 3, SIDE_PX, SIDE_PX], ["n", 4, SIDE_PX, SIDE_PX]
    return graph.finish("flat", {"face": shape[0]}, {drawn: shape[1]})


def _open(graph, inference, batch=4):
    return Batches("flat", open_session("flat", graph, inference), inference, batch)


@pytest.fixture(scope="module", params=["franck", "carphone"])
def faced(request, sample, weights, params):
    """A frame with a face, its mesh and its box, large and small."""
    rgb = next(read_frames(sample(request.param))).rgb
    found = search_faces(View.of(rgb, 960), weights, params.extract)[0]
    mesh = locate_mesh(rgb, face_region(found), weights, 0.5)
    return rgb, mesh.xy, bounding_box(mesh.xy)


def _grown(box, share):
    reach = np.ptp(box.reshape(2, 2), axis=0) * share
    return np.concatenate([box[:2] - reach, box[2:] + reach]).astype(np.float32)


def _detail(rgb, mesh):
    """Return how much fine detail a face's middle has."""
    grey = cv2.cvtColor(small_crop(rgb, mesh_region(mesh), 128), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 4))[32:96, 32:96].mean())


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("is_sure", [False, True])
def test_nothing_of_the_patient_is_left_however_little_the_network_draws(faced, params, weight, is_sure):
    rgb, mesh, box = faced
    network = _open(_flat(0.6, 0.5, 0.45, weight), params.inference)
    (drawn,) = draw_all(
        lambda _: (network, SIDE_PX), [rgb], [Face((0, 0), "one", mesh, box, is_sure=is_sure)]
    )
    changed = rgb.copy()
    lay(changed, _grown(box, 0.35), drawn)
    assert _detail(changed, mesh) < 0.35 * _detail(rgb, mesh)
    x0, y0, x1, y1 = (
        int(at) for at in np.concatenate([np.floor(_grown(box, 0.35)[:2]), np.ceil(_grown(box, 0.35)[2:])])
    )
    outside = np.ones(rgb.shape[:2], bool)
    outside[max(0, y0) : y1, max(0, x0) : x1] = False
    assert (changed[outside] == rgb[outside]).all()


@pytest.mark.parametrize("share", [0.25, 0.5])
@pytest.mark.parametrize("way", [(-0.25, 0.0), (0.0, 0.3), (0.2, -0.2)])
def test_a_mesh_that_is_far_too_small_and_astray_leaves_nothing_bare(faced, params, share, way):
    rgb, mesh, box = faced
    size = np.ptp(mesh, axis=0)
    wrong = ((mesh - mesh.mean(axis=0)) * share + mesh.mean(axis=0) + size * way).astype(np.float32)
    network = _open(_flat(0.6, 0.5, 0.45, 0.0), params.inference)
    (drawn,) = draw_all(lambda _: (network, SIDE_PX), [rgb], [Face((0, 0), "one", wrong, box)])
    changed = rgb.copy()
    lay(changed, _grown(box, 0.35), drawn)
    assert _detail(changed, mesh) < 0.35 * _detail(rgb, mesh)


def test_hands_before_the_face_stay_and_are_told(faced, params):
    rgb, mesh, box = faced
    # a palm over the mouth, its fingers upwards beside the nose
    low, size = mesh.min(axis=0), np.ptp(mesh, axis=0)
    hand = np.stack([np.linspace(0.3, 0.7, 21), np.linspace(0.95, 0.7, 21)], axis=1) * size + low
    network = _open(_flat(0.1, 0.9, 0.1, 1.0), params.inference)
    shown, hidden = rgb.copy(), rgb.copy()
    shares = []
    for picture, hands in ((shown, ()), (hidden, (hand.astype(np.float32),))):
        (drawn,) = draw_all(lambda _: (network, SIDE_PX), [rgb], [Face((0, 0), "one", mesh, box, hands)])
        shares.append(lay(picture, _grown(box, 0.35), drawn))
    assert shares[0] == 0 < shares[1] < 0.6
    palm = np.zeros(rgb.shape[:2], np.uint8)
    draw_hand(palm, hand.astype(np.float32))
    inside = cv2.erode(palm, np.ones((3, 3), np.uint8)) > 0
    astray = [float(np.abs(one[inside].astype(int) - rgb[inside]).mean()) for one in (shown, hidden)]
    assert astray[1] < 0.3 * astray[0]


def test_a_hand_beside_a_mesh_that_is_astray_is_told(faced, params):
    """It keeps what may be the patient's own pixels, where the mesh does not say that there is a face."""
    rgb, mesh, box = faced
    low, size = mesh.min(axis=0), np.ptp(mesh, axis=0)
    wrong = ((mesh - mesh.mean(axis=0)) * 0.3 + low + size * (0.2, 0.2)).astype(np.float32)
    hand = np.stack([np.linspace(0.5, 0.9, 21), np.linspace(0.9, 0.6, 21)], axis=1) * size + low
    network = _open(_flat(0.6, 0.5, 0.45, 1.0), params.inference)
    face = Face((0, 0), "one", wrong, box, (hand.astype(np.float32),))
    (drawn,) = draw_all(lambda _: (network, SIDE_PX), [rgb], [face])
    assert lay(rgb.copy(), _grown(box, 0.35), drawn) > params.validate_.in_front_share


def test_each_face_is_drawn_by_its_own_network_whatever_the_order(faced, params):
    rgb, mesh, box = faced
    networks = {
        "red": _open(_flat(1, 0, 0, 1), params.inference), "green": _open(_flat(0, 1, 0, 1), params.inference)
    }  # fmt: skip
    names = ["red", "green", "green", "red", "green"]
    faces = [Face((number, 0), name, mesh, box) for number, name in enumerate(names)]
    drawn = draw_all(lambda name: (networks[name], SIDE_PX), [rgb] * len(faces), faces)
    assert [one.face.key[0] for one in drawn] == list(range(len(names)))
    assert ["red" if one.picture[0].mean() > one.picture[1].mean() else "green" for one in drawn] == names


def _seen(frame, *, mesh=True, trusted=True, x=50):
    box = np.array([x, 50, x + 100, 150], np.float32)
    return Observation(frame, 0, 0, box, 0.9, mesh, mesh and trusted)


def _covered(params, seen, **asked):
    return {one.frame: one.method for one in _regions(params, seen, **asked) if one.track == 0}


def _regions(params, seen, *, drawable=(0,), everywhere=False, method="own_swap", frames=30):
    own = params.deidentify.own_swap.model_copy(update={"everywhere": everywhere})
    rule = params.deidentify.model_copy(
        update={"method": method, "method_of_others": method, "own_swap": own}
    )
    scenes = [0] * frames
    clip = Clip(scenes, SIZE_WH, drawable=frozenset(drawable))
    return cover(join_tracks(seen, scenes, rule.reach), [], clip, rule, ())


@pytest.mark.parametrize("first", [8, 20])
def test_a_network_draws_where_the_mesh_is_there_and_cannot_be_trusted(params, first):
    lost = range(first, first + 10)
    seen = [_seen(frame, trusted=frame not in lost) for frame in range(30)]
    found = _covered(params, seen)
    assert {found[frame] for frame in lost if frame < 30} == {"own_swap"}
    assert {found[frame] for frame in range(30) if frame not in lost} == {"mesh_swap"}
    # what else would have drawn them
    assert {_covered(params, seen, method="mesh_swap")[frame] for frame in lost if frame < 30} == {"pixelate"}


def test_a_face_without_a_network_or_a_mesh_is_covered_as_before(params):
    lost = range(8, 20)
    seen = [_seen(frame, trusted=frame not in lost) for frame in range(30)]
    assert {_covered(params, seen, drawable=())[frame] for frame in lost} == {"pixelate"}
    bare = [_seen(frame, mesh=frame not in lost) for frame in range(30)]
    assert {_covered(params, bare)[frame] for frame in lost} == {"pixelate"}


@pytest.mark.parametrize(("x", "said"), [(50, "own_swap"), (90, "own_swap"), (130, "pixelate")])
def test_between_two_meshes_it_is_drawn_where_the_face_was_seen(params, x, said):
    # a mesh in every fourth frame; between them the face is here, a little beside, or elsewhere
    seen = [
        _seen(frame, mesh=frame % 4 == 0, trusted=False, x=50 if frame % 4 == 0 else x) for frame in range(29)
    ]
    found = _covered(params, seen, frames=29)
    assert {found[frame] for frame in range(29) if frame % 4} == {said}
    # what is drawn there has all of the box in which the face was seen below it
    regions = _regions(params, seen, frames=29)
    for region in regions:
        if region.method == "own_swap":
            assert region.box_xyxy[0] <= seen[region.frame].box_xyxy[0]
            assert region.box_xyxy[2] >= seen[region.frame].box_xyxy[2]


def test_methods_do_not_alternate_for_a_few_frames(params):
    # trusted for two frames among many that are not: shorter than it takes to change
    seen = [_seen(frame, trusted=frame in (14, 15)) for frame in range(30)]
    assert set(_covered(params, seen).values()) == {"own_swap"}
    # a mesh for two frames among many without one
    rare = [_seen(frame, mesh=frame in (14, 15), trusted=False) for frame in range(30)]
    assert set(_covered(params, rare).values()) == {"pixelate"}


def test_everywhere_is_everywhere_that_a_mesh_is(params):
    seen = [_seen(frame, trusted=frame % 3 > 0) for frame in range(30)]
    assert set(_covered(params, seen, everywhere=True).values()) == {"own_swap"}


def test_what_was_not_drawn_is_not_released():
    gathered = Gathered(
        "own_swap", 2, lambda region: Face((region.frame, 0), "", None, None), lambda _, faces: faces
    )
    region = FaceRegion(3, 0, "detected", np.zeros(4, np.float32), "own_swap")
    frames = [Frame.__new__(Frame) for _ in range(0)]
    assert list(gathered.ahead_of(frames, [region])) == []
    with pytest.raises(GuiseError, match="frame 3 was not swapped: nothing was released"):
        gathered.take(region)


def _trained(root, graphs):
    """Write networks as a training does: name -> graph."""
    folder = (root / NETWORKS_PATH).parent
    folder.mkdir(parents=True)
    told = {}
    for name, graph in graphs.items():
        (folder / f"{name}.onnx").write_bytes(graph)
        told[name] = RegisteredModel(
            path=str(NETWORKS_PATH.parent / f"{name}.onnx"), sha256=sha256_bytes(graph), source="here",
            licence="ours", licence_class="workspace", purpose="a test",
        )  # fmt: skip
    write_json(Networks(networks=told).model_dump(mode="json"), root / NETWORKS_PATH)


def test_a_network_is_opened_by_its_digest_only(tmp_path):
    graphs = {f"{A}-0": _flat(1, 0, 0, 1), f"{A}-1": _flat(0, 1, 0, 1), f"{B}-0": _flat(0, 0, 1, 1)}
    _trained(tmp_path, graphs)
    assert set(network_digests(tmp_path, A)) == {f"{A}-0", f"{A}-1"}
    assert read_network(tmp_path, f"{B}-0") == graphs[f"{B}-0"]
    path = (tmp_path / NETWORKS_PATH).parent / f"{B}-0.onnx"
    path.write_bytes(graphs[f"{A}-0"])
    with pytest.raises(ModelError, match="missing or altered: run `guise train` again"):
        read_network(tmp_path, f"{B}-0")
    path.unlink()
    with pytest.raises(ModelError, match="missing or altered"):
        read_network(tmp_path, f"{B}-0")


def test_networks_are_listed_with_the_weights(tmp_path, params):
    assert trained(tmp_path, params) == []
    _trained(tmp_path, {f"{A}-0": b"a", f"{B}-0": b"b"})
    (tmp_path / NETWORKS_PATH).with_name(f"{B}-0.onnx").write_bytes(b"c")
    found = {one.name: one for one in trained(tmp_path, params)}
    assert [found[f"{who}-0"].state for who in (A, B)] == ["here", "another file"]
    assert found[f"{A}-0"].allows == "this workspace only"
    assert not found[f"{B}-0"].is_wanting
    rule = params.deidentify.model_copy(update={"method_of_others": "own_swap"})
    asked = params.model_copy(update={"deidentify": rule})
    assert [one.is_wanting for one in trained(tmp_path, asked)] == [False, True]


def test_who_withdraws_takes_every_network_along_that_has_seen_them(tmp_path):
    _trained(tmp_path, {f"{A}-0": b"a", f"{B}-0": b"b"})
    state = (tmp_path / NETWORKS_PATH).parent / "parts/network.0003.pt"
    state.parent.mkdir()
    state.write_bytes(b"everybody")
    assert {path.name for path in networks_of(tmp_path, A)} == {f"{A}-0.onnx", f"{B}-0.onnx", state.name}
    # what a killed training left may have seen anybody
    assert {path.name for path in networks_of(tmp_path, "subject-" + "1" * 16)} == {state.name}


def test_a_square_is_the_same_however_large_the_face(faced):
    rgb, mesh, _ = faced
    whole = small_crop(rgb, face_square(mesh), SIDE_PX)
    half = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = small_crop(half, face_square(mesh / 2), SIDE_PX)
    assert np.abs(whole.astype(int) - small).mean() < 4
