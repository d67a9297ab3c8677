"""Rewrite an ONNX graph so that it goes over its pictures less often."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = dict[str, NDArray[Any]]


def simplified(model: Any) -> bytes:
    """Return an ONNX model's bytes with fewer steps, which give the same but for rounding.

    A number by which a convolution's output is multiplied, or that is added to it, goes into its weights;
    x * clip(x + 3, 0, 6) / 6 in four steps becomes x * HardSigmoid(x). The model is changed.
    """
    values = _values(model.graph)
    for node in [node for node in model.graph.node if node.op_type == "Conv"]:
        _take_in(model.graph, node, list(_scalars_after(model.graph, node, values)), values)
    for add, clip, product, sixth in list(_swishes(model.graph, values)):
        _shorten(model.graph, add, clip, product, sixth)
    _forget_unread(model.graph)
    return bytes(model.SerializeToString())


def _values(graph: Any) -> Values:
    from onnx import numpy_helper

    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    constants = [node for node in graph.node if node.op_type == "Constant"]
    return values | {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in constants}


def _only_reader(graph: Any, name: str) -> Any | None:
    readers = [node for node in graph.node if name in node.input]
    is_output = any(one.name == name for one in graph.output)
    return readers[0] if len(readers) == 1 and not is_output else None


def _scalar(node: Any, values: Values) -> float | None:
    """Return the one number that a step takes beside its picture."""
    numbers = [values[name].item() for name in node.input if name in values and values[name].size == 1]
    return float(numbers[0]) if len(node.input) == 2 and len(numbers) == 1 else None


def _scalars_after(graph: Any, node: Any, values: Values) -> Iterator[tuple[Any, float]]:
    """Yield the steps after a node, each the only reader of the one before, that scale or shift."""
    while (node := _only_reader(graph, node.output[0])) is not None:
        number = _scalar(node, values) if node.op_type in ("Mul", "Add") else None
        if number is None:
            return
        yield node, number


def _take_in(graph: Any, conv: Any, steps: list[tuple[Any, float]], values: Values) -> None:
    from onnx import numpy_helper

    if not steps:
        return
    weight = values[conv.input[1]]
    bias = values[conv.input[2]] if len(conv.input) > 2 else np.zeros(len(weight), weight.dtype)
    for node, number in steps:
        weight, bias = (weight * number, bias * number) if node.op_type == "Mul" else (weight, bias + number)
        graph.node.remove(node)
    names = [f"{conv.output[0]}/{kind}" for kind in ("weight", "bias")]
    for name, array in zip(names, (weight, bias), strict=True):
        graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
    conv.input[1:] = names
    conv.output[0] = steps[-1][0].output[0]


def _chain(graph: Any, node: Any, *kinds: str) -> list[Any]:
    """Return the steps of these kinds after a node, each the only reader of the last, or none."""
    steps: list[Any] = []
    for kind in kinds:
        node = _only_reader(graph, node.output[0])
        if node is None or node.op_type != kind:
            return []
        steps.append(node)
    return steps


def _swishes(graph: Any, values: Values) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield the four steps of each x * clip(x + 3, 0, 6) / 6."""
    for add in [node for node in graph.node if node.op_type == "Add" and _scalar(node, values) == 3]:
        for clip, product, sixth in filter(None, [_chain(graph, add, "Clip", "Mul", "Div")]):
            limits = [values[name].item() for name in clip.input[1:] if name in values]
            is_sixth = sixth.input[1] in values and _scalar(sixth, values) == 6
            own = {name for name in add.input if name not in values}
            if limits == [0, 6] and is_sixth and own & set(product.input):
                yield add, clip, product, sixth


def _shorten(graph: Any, add: Any, clip: Any, product: Any, sixth: Any) -> None:
    from onnx import helper

    own = next(name for name in product.input if name != clip.output[0])
    soft = helper.make_node("HardSigmoid", [own], [clip.output[0]], alpha=1 / 6, beta=0.5)
    graph.node.insert(list(graph.node).index(clip), soft)
    product.output[0] = sixth.output[0]
    for node in (add, clip, sixth):
        graph.node.remove(node)


def _forget_unread(graph: Any) -> None:
    read = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
    for one in [one for one in graph.initializer if one.name not in read]:
        graph.initializer.remove(one)
    for node in [node for node in graph.node if node.op_type == "Constant" and node.output[0] not in read]:
        graph.node.remove(node)
