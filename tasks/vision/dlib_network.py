"""dlib's face network as an ONNX graph (pure): the same numbers in a tenth of dlib's time, on any provider.

The layers are Davis King's `anet_type` (examples/dnn_face_recognition_ex.cpp of dlib); the file holds them
from the input on. docs/decisions/018 says why.
"""

import re
from collections import deque

import numpy as np
from numpy.typing import NDArray

from tasks.files.errors import ModelError
from tasks.vision.making import Graph

Array = NDArray[np.float32]
Layers = deque[tuple[str, Array]]
# what flows through: its name, channels and side in pixels
Flow = tuple[str, int, int]
CHIP_PX, WIDTH = 150, 128
STEM_PX, KERNEL_PX, POOL_PX = 7, 3, 3
# dlib's input_rgb_image: what is taken from red, green and blue before they are divided by 256
MEANS = np.array([122.782, 117.001, 104.298], np.float32)
LAYER = re.compile(rb"con_4|affine_|relu_110|max_pool_2|avg_pool_2|fc_2")
# where a layer's tensor begins behind its name: a dense one tells its two sizes first
TENSOR_AT = {"con": 0, "affine": 0, "fc": 5}
NOTHING = np.empty(0, np.float32)


def onnx_from_dlib(content: bytes) -> bytes:
    """Return the graph chip -> embedding of a file in dlib's own format.

    chip: N x 150 x 150 x 3, RGB of 0 to 255 in float32. embedding: N x 128. Raises ModelError where the file
    holds another network.
    """
    graph = Graph()
    try:
        last = _network(graph, _layers(content))
    except (IndexError, ValueError):
        raise ModelError("dlib's recogniser is another network than the one that is known") from None
    return graph.finish("dlib", {"chip": ["n", CHIP_PX, CHIP_PX, 3]}, {last: ["n", WIDTH]})


def _layers(content: bytes) -> Layers:
    """Return (kind, parameters) of every layer, from the input on; relus and pools have no parameters."""
    found: Layers = deque()
    for name in LAYER.finditer(content):
        kind = name.group().decode("ascii").partition("_")[0]
        values = _tensor(content, name.end() + TENSOR_AT[kind]) if kind in TENSOR_AT else NOTHING
        found.append((kind, values))
    return found


def _tensor(content: bytes, at: int) -> Array:
    """Return a serialised tensor: its version, four sizes, and its floats."""
    version, at = _integer(content, at)
    if version != 2:
        raise ValueError("another tensor than dlib's second kind")
    count = 1
    for _ in range(4):
        size, at = _integer(content, at)
        count *= size
    return np.frombuffer(content, "<f4", count, at)


def _integer(content: bytes, at: int) -> tuple[int, int]:
    """Return a packed integer, which a byte of its length stands before, and where the next thing is."""
    end = at + 1 + content[at]
    return int.from_bytes(content[at + 1 : end], "little"), end


def _network(graph: Graph, left: Layers) -> str:
    centred = graph.add("Sub", "chip", graph.value(MEANS))
    scaled = graph.add("Div", centred, graph.value(np.array([256], np.float32)))
    flow = (graph.add("Transpose", scaled, perm=[0, 3, 1, 2]), 3, CHIP_PX)
    flow = _relu(graph, left, _convolved(graph, left, flow, STEM_PX, stride=2))
    _expect(left, "max")
    flow = _pooled(graph, "MaxPool", flow, POOL_PX)
    while left[0][0] == "con":
        flow = _block(graph, left, flow, is_down=left[5][0] == "avg")
    _expect(left, "avg")
    mean = graph.add("ReduceMean", flow[0], axes=[2, 3], keepdims=0)
    return graph.add("MatMul", mean, graph.value(_expect(left, "fc").reshape(flow[1], WIDTH)))


def _block(graph: Graph, left: Layers, flow: Flow, *, is_down: bool) -> Flow:
    """Add a residual block; one that goes down halves the side, and its shortcut is pooled."""
    deeper = _convolved(graph, left, flow, KERNEL_PX, stride=2 if is_down else 1)
    deeper = _convolved(graph, left, _relu(graph, left, deeper), KERNEL_PX, stride=1)
    if is_down:
        _expect(left, "avg")
        flow = _pooled(graph, "AveragePool", flow, 2)
    return _relu(graph, left, _summed(graph, deeper, flow))


def _convolved(graph: Graph, left: Layers, flow: Flow, kernel_px: int, *, stride: int) -> Flow:
    """Add a convolution, with the scale and shift behind it in its weights.

    dlib pads only where a convolution takes every pixel.
    """
    name, channels, side_px = flow
    values, scales = _expect(left, "con"), _expect(left, "affine")
    filters = len(scales) // 2
    scale, shift = scales[:filters], scales[filters:]
    kernels = values[:-filters].reshape(filters, channels, kernel_px, kernel_px) * scale[:, None, None, None]
    pad_px = kernel_px // 2 if stride == 1 else 0
    name = graph.add(
        "Conv", name, graph.value(kernels), graph.value(values[-filters:] * scale + shift),
        kernel_shape=[kernel_px] * 2, strides=[stride] * 2, pads=[pad_px] * 4,
    )  # fmt: skip
    return name, filters, 1 + (side_px + 2 * pad_px - kernel_px) // stride


def _relu(graph: Graph, left: Layers, flow: Flow) -> Flow:
    _expect(left, "relu")
    name, channels, side_px = flow
    return graph.add("Relu", name), channels, side_px


def _pooled(graph: Graph, kind: str, flow: Flow, window_px: int) -> Flow:
    name, channels, side_px = flow
    name = graph.add(kind, name, kernel_shape=[window_px] * 2, strides=[2, 2])
    return name, channels, 1 + (side_px - window_px) // 2


def _summed(graph: Graph, first: Flow, second: Flow) -> Flow:
    """Add two flows; what one has not, in channels or at the far edges, counts as zero."""
    channels, side_px = max(first[1], second[1]), max(first[2], second[2])
    names = []
    for name, own_channels, own_px in (first, second):
        more = [0] * 5 + [channels - own_channels] + [side_px - own_px] * 2
        names.append(graph.add("Pad", name, graph.value(np.array(more, np.int64))) if any(more) else name)
    return graph.add("Add", *names), channels, side_px


def _expect(left: Layers, kind: str) -> Array:
    found, values = left.popleft()
    if found != kind:
        raise ValueError(f"{found} stands where {kind} is known")
    return values
