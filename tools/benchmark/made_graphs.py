"""Graphs with the inputs and outputs of insightface's models, of chosen weight."""

from pathlib import Path
from typing import Any

import numpy as np

LATENT, SIDE_PX, CHANNELS = 512, 128, 1024
BLOCK_MB = CHANNELS * CHANNELS * 9 * 4 / (1 << 20)


def write_swapper(
    path: Path, *, megabytes: int = 0, keep: float = 0.0, embedding_map: Any = None, seed: int = 0
) -> Any:
    """Write a graph with insightface's swapper's inputs, outputs and last initializer; return its colours.

    It lays one colour over the whole face: sigmoid(latent @ colours), colours being 512 x 3. keep: share of
    the face that shines through. megabytes: of convolutions as the real one's, whose result is discarded.
    """
    from onnx import helper

    rng = np.random.default_rng(seed)
    colours = rng.normal(0, 3, (LATENT, 3)).astype(np.float32)
    emap = np.eye(LATENT, dtype=np.float32) if embedding_map is None else embedding_map
    values = {
        "colours": colours,
        "nothing": np.zeros(1, np.float32),
        "below": np.array([keep], np.float32),
        "above": np.array([1 - keep], np.float32),
        "axes": np.array([2, 3], np.int64),
    }
    nodes, last = _coat(), "painted"
    if megabytes:
        more, weights, last = _convolutions(round(megabytes / BLOCK_MB), rng)
        nodes, values = nodes + more, values | weights
    nodes.append(helper.make_node("Identity", [last], ["output"]))
    picture: list[int | None] = [1, 3, SIDE_PX, SIDE_PX]
    _save(
        path, nodes, {"target": picture, "source": [1, LATENT]}, {"output": picture}, values | {"emap": emap}
    )
    return colours


def _coat() -> list[Any]:
    """Return what lays a colour over the whole face."""
    from onnx import helper

    return [
        helper.make_node("MatMul", ["source", "colours"], ["mixed"]),
        helper.make_node("Sigmoid", ["mixed"], ["colour"]),
        helper.make_node("Unsqueeze", ["colour", "axes"], ["flat"]),
        helper.make_node("Mul", ["target", "below"], ["face"]),
        helper.make_node("Mul", ["flat", "above"], ["coat"]),
        helper.make_node("Add", ["face", "coat"], ["painted"]),
    ]


Shapes = dict[str, list[int | None]]


def _save(path: Path, nodes: list[Any], inputs: Shapes, outputs: Shapes, values: dict[str, Any]) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
        for shapes in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "made", *ends, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def _convolutions(count: int, rng: np.random.Generator) -> tuple[list[Any], dict[str, Any], str]:
    """Return so many 3 x 3 convolutions of 1024 channels at 32 x 32, whose mean is added as nothing."""
    from onnx import helper

    values = {"first": rng.normal(0, 0.01, (CHANNELS, 3, 4, 4)).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["target", "first"], ["deep0"], kernel_shape=[4, 4], strides=[4, 4])]
    for number in range(count):
        values[f"kernel{number}"] = rng.normal(0, 0.01, (CHANNELS, CHANNELS, 3, 3)).astype(np.float32)
        words = [f"deep{number}", f"kernel{number}"]
        nodes.append(
            helper.make_node("Conv", words, [f"deep{number + 1}"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        )
    nodes += [
        helper.make_node("ReduceMean", [f"deep{count}"], ["level"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["level", "nothing"], ["silent"]),
        helper.make_node("Add", ["painted", "silent"], ["all"]),
    ]
    return nodes, values, "all"


def write_recogniser(path: Path, *, seed: int = 0) -> None:
    """Write a graph with the inputs and outputs of insightface's recognisers: a coarse look, turned."""
    from onnx import helper

    grid = 7 * 7 * 3
    turned = np.linalg.qr(np.random.default_rng(seed).normal(size=(LATENT, grid)))[0].T.astype(np.float32)
    centred = np.eye(grid, dtype=np.float32) - np.float32(1 / grid)
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["coarse"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["coarse"], ["row"]),
        helper.make_node("MatMul", ["row", "turned"], ["683"]),
    ]
    values = {"turned": np.asarray(centred @ turned, np.float32)}
    _save(path, nodes, {"input.1": [None, 3, 112, 112]}, {"683": [1, LATENT]}, values)
