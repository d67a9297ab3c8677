"""Graphs with fewer steps give the same: made ones of every kind, and the registered ones."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tasks.vision.simplifying import simplified

SHAPE = (1, 3, 8, 8)
FLOAT = TensorProto.FLOAT
NUMBERS = {"three": 3, "two": 2, "none": 0, "one": 1, "six": 6, "half": 0.5, "minus": -1.5}
SWISH = (("Add", "three"), ("Clip", "none", "six"), ("Mul", "first"), ("Div", "six"))
STEPS = {
    "scaled": (("Mul", "half"),),
    "shifted": (("Add", "minus"),),
    "shifted by three": (("Add", "three"),),
    "scaled by channel": (("Mul", "channels"),),
    "cut": (("Clip", "none", "six"),),
    "swish": SWISH,
    "with another shift": (("Add", "two"), *SWISH[1:]),
    "with another limit": (SWISH[0], ("Clip", "none", "one"), *SWISH[2:]),
    "with another divisor": (*SWISH[:3], ("Div", "two")),
    "with another factor": (*SWISH[:2], ("Mul", "half"), SWISH[3]),
    "with the same number as a factor": (*SWISH[:2], ("Mul", "three"), SWISH[3]),
    "convolved": (("Conv", "weight"),),
    "convolved with a bias": (("Conv", "weight", "bias"),),
}  # fmt: skip


def _model(words, *, also=(), constants=False):
    """Return a graph of steps one after the other. also: which of its edges are outputs, too.

    constants: numbers are nodes, as some exporters write them.
    """
    random = np.random.default_rng(len(words))
    values = {name: np.array(number, np.float32) for name, number in NUMBERS.items()}
    values["channels"] = random.normal(size=(1, 3, 1, 1)).astype(np.float32)
    values["weight"] = random.normal(size=(3, 3, 3, 3)).astype(np.float32)
    values["bias"] = random.normal(size=3).astype(np.float32)
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    nodes, last = [], "x"
    if constants:
        nodes = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in tensors]
    for word in words:
        first = last
        for kind, *beside in STEPS[word]:
            made = f"edge {len(nodes)}"
            inputs = [first if name == "first" else name for name in beside]
            pads = {"pads": [1, 1, 1, 1]} if kind == "Conv" else {}
            nodes.append(helper.make_node(kind, [last, *inputs], [made], **pads))
            last = made
    edges = [node.output[0] for node in nodes if node.op_type != "Constant"]
    shown = dict.fromkeys([*(edges[at % len(edges)] for at in also), last])
    graph = helper.make_graph(
        nodes, "made", [helper.make_tensor_value_info("x", FLOAT, SHAPE)],
        [helper.make_tensor_value_info(name, FLOAT, SHAPE) for name in shown], [] if constants else tensors,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)


def _run(graph, tensor):
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, {"x": tensor})


def _kinds(graph):
    return [node.op_type for node in onnx.load_from_string(graph).graph.node]


@given(
    st.lists(st.sampled_from(list(STEPS)), min_size=1, max_size=5),
    st.lists(st.integers(0, 30), max_size=2),
    st.booleans(),
)
def test_a_simplified_graph_gives_the_same(words, also, constants):
    model = _model(words, also=also, constants=constants)
    before = model.SerializeToString()
    after = simplified(model)
    onnx.checker.check_model(onnx.load_from_string(after))
    tensor = np.random.default_rng(1).normal(0, 4, SHAPE).astype(np.float32)
    for expected, found in zip(_run(before, tensor), _run(after, tensor), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert len(_kinds(after)) <= len(_kinds(before))


@pytest.mark.parametrize("constants", [False, True])
@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["convolved", "scaled", "shifted", "swish"], ["Conv", "HardSigmoid", "Mul"]),
        (["convolved with a bias", "shifted", "scaled"], ["Conv"]),
        (["convolved", "scaled by channel"], ["Conv", "Mul"]),
        (["scaled", "shifted"], ["Mul", "Add"]),
        (["with another shift"], ["Add", "Clip", "Mul", "Div"]),
        (["with another limit"], ["Add", "Clip", "Mul", "Div"]),
        (["with another divisor"], ["Add", "Clip", "Mul", "Div"]),
        (["with another factor"], ["Add", "Clip", "Mul", "Div"]),
        (["with the same number as a factor"], ["Add", "Clip", "Mul", "Div"]),
    ],
)
def test_only_what_can_be_done_at_once_is(words, kinds, constants):
    found = _kinds(simplified(_model(words, constants=constants)))
    assert [kind for kind in found if kind != "Constant"] == kinds


def test_what_is_shown_on_the_way_is_kept():
    assert _kinds(simplified(_model(["convolved", "scaled"], also=[0]))) == ["Conv", "Mul"]
    assert _kinds(simplified(_model(["swish"], also=[2]))) == ["Add", "Clip", "Mul", "Div"]


@pytest.mark.parametrize(
    ("name", "shape"), [("text_detector", (1, 3, 96, 160)), ("text_reader", (1, 3, 48, 200))]
)
def test_what_finds_and_reads_text_takes_fewer_steps(weights, name, shape):
    model = onnx.load(str(weights.path(name)))
    before = model.SerializeToString()
    after = simplified(model)
    assert len(_kinds(after)) < 0.65 * len(_kinds(before))
    tensor = np.random.default_rng(2).normal(0, 0.5, shape).astype(np.float32)
    np.testing.assert_allclose(_run(after, tensor)[0], _run(before, tensor)[0], atol=1e-4)
