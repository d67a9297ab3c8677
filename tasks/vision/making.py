"""ONNX graphs made node by node: their bytes hold nothing but what they compute (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = Sequence[int | str]  # a name stands for any size


class Graph:
    """Nodes and weights as they are added; each `add` returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._initialisers: list[Any] = []

    def value(self, array: NDArray[Any]) -> str:
        """Add a weight."""
        from onnx import numpy_helper

        name = f"w{len(self._initialisers)}"
        self._initialisers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind: str, *inputs: str, **settings: Any) -> str:
        """Add a node."""
        from onnx import helper

        name = f"x{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **settings))
        return name

    def finish(self, name: str, takes: Mapping[str, Shape], gives: Mapping[str, Shape]) -> bytes:
        """Return the graph as a file's content."""
        from onnx import TensorProto, helper

        starts, ends = (
            [
                helper.make_tensor_value_info(one, TensorProto.FLOAT, list(shape))
                for one, shape in told.items()
            ]
            for told in (takes, gives)
        )
        made = helper.make_graph(self._nodes, name, starts, ends, self._initialisers)
        opset = [helper.make_opsetid("", 17)]
        model: bytes = helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString()
        return model
