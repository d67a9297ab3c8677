"""Bodies by an ultralytics YOLO pose model: 17 COCO keypoints in the layout of BlazePose's 33."""

import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.params.extract import Extract
from schemas.params.inference import Inference
from schemas.skeletons import BODY_MOUTH, BODY_POINTS, COCO_17, COCO_EYES, COCO_NEIGHBOURS, COCO_NOSE
from tasks.extract.tracking import Located, Look, PartModel
from tasks.files.errors import ModelError
from tasks.vision.detectors import Detection, View
from tasks.vision.keypoints import Part
from tasks.vision.providers import open_session
from tasks.vision.regions import Region, RgbImage, bounding_box
from tasks.vision.sessions import Weights, input_shapes, load_graph

MODELS = ("yolo_pose",)
SIDE_PX, KEYPOINTS, VALUES = 640, len(COCO_17), 3
PATIENCE_S = 3600.0
MOUTH_BELOW = 0.8  # of the way from the eyes to the nose
Floats = NDArray[np.float32]
# N x 3 x side x side in 0..1 -> per picture D x 57: box, score, class, keypoints, in pixels of the square
Forward = Callable[[Floats], list[Floats]]


@dataclass(frozen=True)
class Person(Detection):
    """A body whose keypoints are known, 33 x 2, with their visibilities in 0..1."""

    visibility: Floats


def make_model(weights: Weights, settings: Extract) -> PartModel:
    """Find everybody anew in every frame, a batch of frames at a time."""
    key = f"yolo {settings.body_score} {settings.overlap}"
    forward = weights.once(key, lambda: _open(weights.path("yolo_pose"), weights.inference, settings))

    def see(views: list[View]) -> list[list[Detection]]:
        return [_people(rows, view) for rows, view in zip(forward(_to_batch(views)), views, strict=True)]

    def find(view: View, look: Look) -> list[Detection]:
        return see([view])[0]

    return PartModel(find, _located, lambda rgb, region: None, anew=True, see=see)


def _located(rgb: RgbImage, person: Detection) -> Located:
    assert isinstance(person, Person)
    part = Part(person.points_xy, person.visibility, person.score, person.box_xyxy)
    center = person.box_xyxy.reshape(2, 2).mean(axis=0)
    return Located(part, Region((float(center[0]), float(center[1])), 1.0))


def _to_batch(views: list[View]) -> Floats:
    from ultralytics.data.augment import LetterBox

    fit = LetterBox((SIDE_PX, SIDE_PX), auto=False)
    return np.stack([fit(image=view.small) for view in views]).transpose(0, 3, 1, 2).astype(
        np.float32
    ) / np.float32(255)


def _people(rows: Floats, view: View) -> list[Detection]:
    from ultralytics.utils import ops

    square, shown = (SIDE_PX, SIDE_PX), view.small.shape[:2]
    ratio = np.array(view.size_wh, np.float32) / view.small.shape[1::-1]
    values = rows[:, 6:].reshape(-1, KEYPOINTS, VALUES)
    xy = ops.scale_coords(square, values[..., :2].copy(), shown) * ratio
    people: list[Detection] = []
    for score, points, seen in zip(rows[:, 4], xy, values[..., 2], strict=True):
        visibility = np.zeros(len(LAYOUT), np.float32)
        visibility[COCO_17] = np.clip(seen, 0, 1)
        body = (LAYOUT @ points).astype(np.float32)
        people.append(Person(bounding_box(body), body, float(np.clip(score, 0, 1)), visibility))
    return people


def _layout() -> Floats:
    """Return 33 x 17: where each of BlazePose's keypoints lies, given COCO's."""
    layout = np.zeros((BODY_POINTS, KEYPOINTS), np.float32)
    layout[COCO_17, range(KEYPOINTS)] = 1
    for keypoint, neighbour in COCO_NEIGHBOURS.items():
        layout[keypoint] = layout[neighbour]
    for side in BODY_MOUTH:
        layout[side, COCO_NOSE] = 1 + MOUTH_BELOW
        layout[side, COCO_EYES] = -MOUTH_BELOW / 2
    return layout


LAYOUT = _layout()


def _open(path: Path, inference: Inference, settings: Extract) -> Forward:
    try:
        import torch
        from ultralytics.utils.nms import non_max_suppression
    except ImportError:
        raise ModelError("ultralytics is not installed: see docs/gpu.md") from None
    torch.set_num_threads(1)
    run = _open_onnx(path, inference) if path.suffix == ".onnx" else _open_torch(path, inference)

    def forward(batch: Floats) -> list[Floats]:
        raw = torch.from_numpy(run(batch))
        ends = raw.shape[-1] == 6 + KEYPOINTS * VALUES
        # by default it gives up after a while, and leaves the batch's last pictures without people
        found = non_max_suppression(
            raw, settings.body_score, settings.overlap, nc=1, end2end=ends, max_time_img=PATIENCE_S
        )
        return [one.numpy() for one in found]

    return forward


def _open_onnx(path: Path, inference: Inference) -> Callable[[Floats], Floats]:
    graph = load_graph("yolo_pose", path)
    shapes = input_shapes(graph)
    if len(shapes) != 1 or shapes[0][1:] not in ([3, SIDE_PX, SIDE_PX], [3, 0, 0]):
        raise ModelError(f"model yolo_pose takes {shapes}: export it for pictures of {SIDE_PX} x {SIDE_PX}")
    session = open_session("yolo_pose", graph.SerializeToString(), inference)
    source, at_once = session.get_inputs()[0].name, shapes[0][0]

    def run(batch: Floats) -> Floats:
        parts = np.split(batch, len(batch) // at_once) if at_once == 1 else [batch]
        return np.concatenate([session.run(None, {source: part})[0] for part in parts])

    _require_pose(run(np.zeros((max(1, at_once), 3, SIDE_PX, SIDE_PX), np.float32)))
    return run


def _open_torch(path: Path, inference: Inference) -> Callable[[Floats], Floats]:
    import torch

    device = _torch_device(inference)
    model = _read_weights(path).to(device)

    def run(batch: Floats) -> Floats:
        with torch.inference_mode():
            found = model(torch.from_numpy(batch).to(device))
        found = found[0] if isinstance(found, list | tuple) else found
        return np.asarray(found.float().cpu().numpy(), np.float32)

    _require_pose(run(np.zeros((1, 3, SIDE_PX, SIDE_PX), np.float32)))
    return run


def _torch_device(inference: Inference) -> str:
    import torch

    if inference.provider == "tensorrt":
        raise ModelError("a .pt runs on cpu or cuda: export yolo_pose to ONNX for tensorrt")
    if inference.provider == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            f"the provider cuda is not here for yolo_pose: PyTorch {torch.__version__} sees no device"
        )
    return "cuda:0" if inference.provider == "cuda" else "cpu"


def _read_weights(path: Path) -> Any:
    """Read a checkpoint without running any code in it. Raises ModelError where that cannot be."""
    import torch
    from ultralytics.nn.tasks import PoseModel, torch_safe_load

    if not hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):
        raise ModelError("this PyTorch cannot load weights alone: install the one of the lock")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checkpoint, _ = torch_safe_load(str(path), safe_only=True)
    except (TypeError, RuntimeError, EOFError, ModuleNotFoundError, pickle.UnpicklingError):
        raise ModelError(
            "model yolo_pose is damaged, or would run code: bring ultralytics' own file"
        ) from None
    model = (checkpoint.get("ema") or checkpoint.get("model")) if isinstance(checkpoint, dict) else None
    if not isinstance(model, PoseModel):
        raise ModelError("model yolo_pose is no pose model of ultralytics")
    return model.float().eval()


def _require_pose(found: Floats) -> None:
    if found.ndim != 3 or {5 + KEYPOINTS * VALUES, 6 + KEYPOINTS * VALUES}.isdisjoint(found.shape[1:]):
        raise ModelError(f"model yolo_pose gives {found.shape}: it must give people with 17 COCO keypoints")
