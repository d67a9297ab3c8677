"""Which devices this machine has, asked by opening a graph on them."""

from onnx import TensorProto, helper

from schemas.params.inference import Inference
from tasks.files.errors import InputError, ModelError
from tasks.vision.providers import open_session


def doubling(batch="n"):
    """Return a graph that doubles rows of four."""
    shape = [batch, 4]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    graph = helper.make_graph(nodes, "made", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def has_device(provider):
    """Return whether a graph runs there; the runtime also names providers whose libraries are not here."""
    try:
        open_session("made", doubling(), Inference(provider=provider, memory_mb=64))
    except (InputError, ModelError):
        return False
    return True
