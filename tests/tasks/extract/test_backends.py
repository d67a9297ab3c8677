"""Other detectors and estimators behind the same protocol give the same tables."""

import os
import pickle
import warnings
from tempfile import TemporaryFile

import numpy as np
import polars as pl
import pytest
from neural_support import average_landmarks, picture_of, with_models, write_landmarks, write_scrfd
from tests_support import write_pictures

from schemas.keypoints import KEYPOINTS
from schemas.params.inference import Inference
from schemas.skeletons import COCO_17, IBUG_68, LEFT_EYE, RIGHT_EYE
from tasks.extract.backends import load_backend
from tasks.extract.backends.body_yolo import LAYOUT, _open_onnx, _open_torch, _to_batch
from tasks.extract.clip import extract_people
from tasks.extract.tracking import Tracker
from tasks.files.errors import InputError, ModelError
from tasks.files.tables import check_table
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.keypoints import stack_boxes, stack_visibility, stack_xy

CPU = Inference(provider="cpu", memory_mb=1024)
RATE = 25


@pytest.fixture(scope="module")
def faces(tmp_path_factory, root, weights, params):
    """The weights of a workspace in which insightface's files are made ones."""
    here = tmp_path_factory.mktemp("insightface")
    points = average_landmarks(weights, params.extract)
    files = {
        "scrfd": write_scrfd(here / "det_10g.onnx"),
        "landmarks_1k3d68": write_landmarks(here / "1k3d68.onnx", points),
    }
    return with_models(here / "w", root, CPU, **files)


def _settings(params, **changed):
    return params.extract.model_copy(update={"search_interval_s": 5 / 30, **changed})


def _read(path, weights, settings):
    with TemporaryFile() as spool:
        survey = extract_people(read_frames(path), weights, settings, spool)
        return pl.concat(survey.keypoint_tables())


def test_insightface_gives_the_same_table_and_says_what_it_measured(faces, params, tmp_path):
    centres = [((250 + 4 * frame, 200), (700, 330)) for frame in range(12)]
    path = write_pictures(tmp_path / "two.mp4", [picture_of(pair) for pair in centres])
    table = check_table(
        _read(path, faces, _settings(params, face_backend="insightface")), KEYPOINTS, "keypoints"
    )
    assert set(table["face_backend"]) == {"insightface"}
    seen = table.filter(pl.col("face_xy").is_not_null())
    people = seen["person"].unique()
    assert len(people) == 2  # nobody else, and nobody changes their number
    assert len(seen) == 24
    visibility = stack_visibility(seen, "face")
    assert (visibility[:, IBUG_68] > 0.9).all()
    assert (np.delete(visibility, IBUG_68, axis=1) == 0).all()
    xy = stack_xy(seen, "face")
    for row, frame in enumerate(seen["frame"]):
        away = np.linalg.norm(
            np.array(centres[frame]) - stack_boxes(seen, "face")[row].reshape(2, 2).mean(0), axis=1
        )
        assert away.min() < 20
        # the eyes lie left and right of the box's middle, above the chin: a face, at the right size
        eyes, chin = xy[row, [RIGHT_EYE, LEFT_EYE]], xy[row, 152]
        assert eyes[0, 0] < eyes[1, 0]
        assert eyes[:, 1].max() < chin[1]
        assert 40 < eyes[1, 0] - eyes[0, 0] < 140


def test_a_mesh_between_measured_keypoints_is_smooth_and_exact_on_them(faces, params):
    model = load_backend("face", "insightface").make_model(faces, params.extract)
    rgb = picture_of([(400, 250)])
    (found,) = model.find(View.of(rgb, 960), "glance")
    mesh = model.meet(rgb, found).part.xy
    assert not np.isnan(mesh).any()
    size = np.ptp(mesh[IBUG_68], axis=0).max()
    low, high = mesh[IBUG_68].min(0), mesh[IBUG_68].max(0)
    # the forehead, above the brows, is the one part that lies outside the measured ones
    assert ((mesh > low - 0.5 * size) & (mesh < high + 0.2 * size)).all()


def test_a_lying_face_is_found_by_a_turned_look(faces, params):
    model = load_backend("face", "insightface").make_model(faces, params.extract)
    rgb = picture_of([(300, 200)])
    view = View.of(rgb, 960)
    turned = model.find(view, "turned")
    assert len(turned) == 1  # the same face in every turn is one face
    centre = turned[0].box_xyxy.reshape(2, 2).mean(0)
    np.testing.assert_allclose(centre, (300, 200), atol=20)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"scrfd": "centerface"}, "scrfd is no SCRFD of insightface"),
        ({"scrfd": "without"}, "must find five keypoints"),
        ({"landmarks_1k3d68": "106"}, "landmarks_1k3d68 68"),
    ],
)
def test_another_file_of_insightface_is_one_sentence(faces, root, params, tmp_path, files, says):
    made = {
        "centerface": root / "data/models/centerface.onnx",
        "without": write_scrfd(tmp_path / "without.onnx", keypoints=False),
        "106": write_landmarks(tmp_path / "106.onnx", np.zeros((106, 2)), count=318),
    }
    right = {name: faces.path(name).resolve() for name in ("scrfd", "landmarks_1k3d68")}
    weights = with_models(
        tmp_path / "w", root, CPU, **right | {name: made[key] for name, key in files.items()}
    )
    with pytest.raises(ModelError, match=says):
        load_backend("face", "insightface").make_model(weights, params.extract)


def test_a_backend_that_is_not_there_is_one_sentence(params):
    with pytest.raises(InputError, match=r"extract\.body_backend is openpose: choose one of blazepose, yolo"):
        load_backend("body", "openpose")


@pytest.fixture(scope="module", params=["yolo11n-pose", "yolo26n-pose"])
def yolo(request, tmp_path_factory):
    """The library's own architectures, small and untaught, as .pt and as ONNX."""
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import PoseModel

    here = tmp_path_factory.mktemp("yolo")
    torch.manual_seed(0)
    model = YOLO(f"{request.param}.yaml", verbose=False)
    model.model = PoseModel(f"{request.param}.yaml", nc=1, verbose=False)  # people, as the published ones
    model.model.args, model.model.names = {"task": "pose"}, {0: "person"}
    head = model.model.model[-1]
    # an untaught one is sure of nothing: let it see somebody in every picture
    with torch.no_grad():
        for layers in (head.cv3, getattr(head, "one2one_cv3", [])):
            for layer in layers:
                layer[-1].bias.fill_(-4.0)
                layer[-1].weight.normal_(0, 0.5)
    model.save(str(here / "pose.pt"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter that the library chooses
        YOLO(str(here / "pose.pt"), verbose=False).export(
            format="onnx", imgsz=640, dynamic=True, verbose=False
        )
    return here


def _yolo(target, root, path):
    return with_models(target, root, CPU, yolo_pose=path)


def test_yolo_as_pt_and_as_onnx_sees_the_same(yolo, sample):
    # before the best of each cluster is kept: which one that is hangs on the last digit here
    batch = _to_batch([View.of(frame.rgb, 960) for frame in read_frames(sample("cap12"))][:3])
    found = [_open_torch(yolo / "pose.pt", CPU)(batch), _open_onnx(yolo / "pose.onnx", CPU)(batch)]
    if found[0].shape[-1] > found[0].shape[1]:
        np.testing.assert_allclose(found[0], found[1], atol=1e-2)
    else:  # ends with people in the order of their scores, which are alike
        best = [np.sort(one[..., 4], axis=1) for one in found]
        np.testing.assert_allclose(best[0], best[1], atol=1e-4)


def test_what_yolo_sees_does_not_depend_on_the_batch(yolo, root, params, sample, tmp_path):
    settings = _settings(params, body_backend="yolo", body_score=0.01)
    model = load_backend("body", "yolo").make_model(_yolo(tmp_path / "w", root, yolo / "pose.pt"), settings)
    views = [View.of(frame.rgb, 960) for frame in read_frames(sample("cap12"))][:6]
    at_once, alone = model.see(views), [model.find(view, "search") for view in views]
    for first, second in zip(at_once, alone, strict=True):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(one.points_xy, other.points_xy, atol=0.1)


def test_a_slow_machine_leaves_no_picture_without_its_people(
    yolo, root, params, sample, tmp_path, monkeypatch
):
    settings = _settings(params, body_backend="yolo", body_score=0.001)
    model = load_backend("body", "yolo").make_model(_yolo(tmp_path / "w", root, yolo / "pose.pt"), settings)
    views = [View.of(frame.rgb, 960) for frame in read_frames(sample("cap12"))][:3]
    quick = [len(people) for people in model.see(views)]
    clock = iter(range(0, 10**6, 60))  # a minute passes between any two looks at the clock
    monkeypatch.setattr("ultralytics.utils.nms.time.time", lambda: next(clock))
    assert [len(people) for people in model.see(views)] == quick
    assert all(quick)


def test_yolo_gives_tables_that_pass_the_schemas(yolo, root, params, sample, tmp_path):
    settings = _settings(params, body_backend="yolo", body_score=0.01, batch=5)
    weights = _yolo(tmp_path / "w", root, yolo / "pose.pt")
    table = check_table(_read(sample("cap12"), weights, settings), KEYPOINTS, "keypoints")
    assert set(table["body_backend"]) == {"yolo"}
    assert set(table["face_backend"]) == {"mediapipe"}
    seen = table.filter(pl.col("body_xy").is_not_null())
    assert len(seen)
    visibility = stack_visibility(seen, "body")
    assert (np.delete(visibility, COCO_17, axis=1) == 0).all()
    assert table["frame"].n_unique() <= 25
    assert sorted(table["frame"].unique()) == list(range(table["frame"].max() + 1))


def test_the_layout_keeps_coco_where_it_is():
    coco = np.random.default_rng(0).normal(size=(17, 2)).astype(np.float32)
    body = LAYOUT @ coco
    np.testing.assert_array_equal(body[COCO_17], coco)
    assert not np.isnan(body).any()
    np.testing.assert_array_equal(body[31], coco[15])  # a foot lies on its ankle


def test_tracks_stay_themselves_where_everybody_is_found_anew(params):
    from tasks.extract.backends.body_yolo import Person, _located
    from tasks.extract.tracking import PartModel
    from tasks.vision.detectors import Detection

    def person(x):
        body = (
            np.tile(np.array([[x, 100.0]], np.float32), (33, 1))
            + np.arange(33, dtype=np.float32)[:, None] * 2
        )
        return Person(np.array([x, 100, x + 64, 164], np.float32), body, 0.9, np.ones(33, np.float32))

    def find(view, look) -> list[Detection]:
        raise AssertionError("what was seen in a batch is not looked for again")

    tracker = Tracker(PartModel(find, _located, lambda rgb, region: None, anew=True), 10, 8, 0.3)
    view = View.of(np.zeros((200, 900, 3), np.uint8), 960)
    order = []
    for frame in range(30):
        seen = [person(100 + 6 * frame), person(600 - 4 * frame)]
        # the surer one comes first, and that changes
        found = tracker.step(view, seen=seen[:: 1 if frame % 2 else -1])
        order.append({track.track: float(track.located.part.box_xyxy[0]) for track in found})
    assert all(set(frame) == set(order[0]) for frame in order)
    paths = [np.array([frame[track] for frame in order]) for track in order[0]]
    assert all(np.abs(np.diff(path)).max() < 7 for path in paths)


@pytest.mark.parametrize("kind", ["code", "broken", "empty", "other"])
def test_a_pt_that_would_run_code_or_is_none_is_one_sentence(root, params, tmp_path, kind):
    torch = pytest.importorskip("torch")
    path, trace = tmp_path / "pose.pt", tmp_path / "was-here"

    class Running:
        def __reduce__(self):
            return (os.system, (f"touch {trace}",))

    if kind == "code":
        torch.save({"model": Running()}, path, pickle_protocol=2)
    elif kind == "other":
        torch.save({"model": torch.nn.Linear(2, 2).state_dict()}, path)
    else:
        path.write_bytes(pickle.dumps(b"x") if kind == "broken" else b"")
    with pytest.raises(ModelError, match=r"would run code|no pose model"):
        load_backend("body", "yolo").make_model(_yolo(tmp_path / "w", root, path), params.extract)
    assert not trace.exists()


def test_an_onnx_that_is_no_pose_model_is_one_sentence(root, params, tmp_path):
    weights = _yolo(tmp_path / "w", root, root / "data/models/centerface.onnx")
    with pytest.raises(ModelError, match=r"yolo_pose takes .*export it for pictures of 640 x 640"):
        load_backend("body", "yolo").make_model(weights, params.extract)
