"""Small graphs with the inputs, outputs and initializers of insightface's files, and pictures for them."""

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from schemas.registry import Registry
from schemas.skeletons import IBUG_68
from tasks.extract.backends.face_insightface import LANDMARK_SIDE_PX
from tasks.files.documents import read_document, write_json
from tasks.files.hashing import sha256_file
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.regions import mesh_region, to_crop
from tasks.vision.sessions import REGISTRY_PATH, Weights

STRIDES = (8, 16, 32)
# of a made face, in pixels of the detector's 640: half its box, and its five points from the centre
HALF_PX = 48
FIVE_XY = np.array([[-18, -16], [18, -16], [0, 4], [-14, 22], [14, 22]], np.float32)
MARK_RGB = (0, 255, 0)


def _save(path, nodes, inputs, outputs, values):
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    graph = helper.make_graph(nodes, "made", infos, ends, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def write_scrfd(path, *, keypoints=True):
    """Write a graph with SCRFD's nine outputs that finds a face around every green mark."""
    values, nodes, outputs = {}, [], {}
    widths = {"score": 1, "bbox": 4, "kps": 10} if keypoints else {"score": 1, "bbox": 4}
    for kind, width in widths.items():
        for stride in STRIDES:
            name = f"{kind}_{stride}"
            kernel, bias = _cell(kind, stride)
            values |= {f"{name}_w": kernel, f"{name}_b": bias, f"{name}_s": np.array([-1, width], np.int64)}
            pool = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
            nodes += [
                helper.make_node("AveragePool", ["input.1"], [f"{name}_0"], **pool),
                helper.make_node("Conv", [f"{name}_0", f"{name}_w", f"{name}_b"], [f"{name}_1"]),
                helper.make_node("Transpose", [f"{name}_1"], [f"{name}_2"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_2", f"{name}_s"], [name]),
            ]
            outputs[name] = [None, width]
    return _save(path, nodes, {"input.1": [1, 3, "height", "width"]}, outputs, values)


def _cell(kind, stride):
    """Return what a cell says of itself: only the finest stride finds a face, its first anchor only."""
    if kind == "score":
        kernel, bias = np.zeros((2, 3, 1, 1), np.float32), np.zeros(2, np.float32)
        if stride == STRIDES[0]:
            kernel[0, :, 0, 0], bias[0] = (-0.45, 0.9, -0.45), -0.85
        return kernel, bias
    one = np.full(4, HALF_PX) if kind == "bbox" else FIVE_XY.ravel()
    # the anchors are the cells' corners, the mark is seen from their middles
    middle = np.tile([stride / 2, stride / 2], len(one) // 2) * np.array(
        [-1, -1, 1, 1] if kind == "bbox" else [1] * len(one)
    )
    bias = np.tile((one + middle) / stride, 2).astype(np.float32)
    return np.zeros((len(bias), 3, 1, 1), np.float32), bias


def average_landmarks(weights, settings):
    """Return 68 x 2 in -1..1: where an average face has them in the landmark model's crop."""
    bgr = cv2.imread(str(weights.path("average_face")))
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    found = search_faces(View.of(rgb, settings.search_px), weights, settings)
    mesh = locate_mesh(rgb, face_region(found[0]), weights, settings.landmark_score)
    points = to_crop(mesh.xy[IBUG_68], mesh_region(mesh.xy), LANDMARK_SIDE_PX)
    return points / (LANDMARK_SIDE_PX // 2) - 1


def write_landmarks(path, points, *, count=3309):
    """Write a graph with 1k3d68's output that sees the same 68 x 2 points in every crop."""
    row = np.zeros((count // 3, 3), np.float32)
    row[-len(points) :, :2] = points
    values = {"nothing": np.zeros(1, np.float32), "points": row.reshape(1, count)}
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["level"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["level", "nothing"], ["silent"]),
        helper.make_node("Add", ["points", "silent"], ["fc1"]),
    ]
    return _save(path, nodes, {"data": [None, 3, 192, 192]}, {"fc1": [1, count]}, values)


def picture_of(centres_xy, size_wh=(960, 540), radius_px=18):
    """Return a picture with a made face around each centre: a green mark on grey."""
    rgb = np.full((size_wh[1], size_wh[0], 3), 120, np.uint8)
    for x, y in centres_xy:
        cv2.circle(rgb, (round(x), round(y)), radius_px, MARK_RGB, -1)
    return rgb


def with_models(target, root, inference, **files):
    """Make a workspace with every default weight, and others by name; return its weights."""
    folder = target / "data/models"
    folder.mkdir(parents=True)
    for path in (root / "data/models").iterdir():
        if path.name != REGISTRY_PATH.name:
            (folder / path.name).symlink_to(path)
    registry = read_document(root / REGISTRY_PATH, Registry).model_dump(mode="json")
    registry["inference"] = inference.model_dump(mode="json")
    for name, path in files.items():
        entry = registry["models"]["centerface"] | {"path": f"data/models/{name}{path.suffix}"}
        registry["models"][name] = entry | {"sha256": sha256_file(path)}
        (folder / f"{name}{path.suffix}").symlink_to(path.resolve())
    write_json(registry, target / REGISTRY_PATH)
    return Weights(target)
