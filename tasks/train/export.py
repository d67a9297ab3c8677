"""A trained encoder and one face's decoder as one ONNX graph (pure)."""

import numpy as np
from torch import nn

from tasks.train.network import CHANNELS, DECODED, LEAST_SPREAD, SLOPE, Decoder, Encoder, Network
from tasks.vision.making import Graph


def to_onnx(network: Network, whose: int, side_px: int) -> bytes:
    """Return the graph face -> drawn of one of a network's faces.

    face: N x 3 x side x side, RGB in 0..1. drawn: N x 4 x side x side: RGB, and the face's weight in 0..1.
    """
    graph, decoder = Graph(), network.decoders[whose]
    assert isinstance(decoder, Decoder)
    mean = graph.add("ReduceMean", "face", axes=[2, 3])
    centred = graph.add("Sub", "face", mean)
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=[1, 2, 3])
    spread = graph.add("Add", graph.add("Sqrt", variance), graph.value(np.array([LEAST_SPREAD], np.float32)))
    made = _decoded(graph, _encoded(graph, graph.add("Div", centred, spread), network.encoder), decoder)
    rgb = graph.add("Add", graph.add("Mul", _channels(graph, made, 0, 3), spread), mean)
    drawn = graph.add("Concat", rgb, graph.add("Sigmoid", _channels(graph, made, 3, 4)), axis=1)
    return graph.finish("own_swap", {"face": ["n", 3, side_px, side_px]}, {drawn: ["n", 4, side_px, side_px]})


def _encoded(graph: Graph, flow: str, encoder: Encoder) -> str:
    for layer in encoder.shrink:
        assert isinstance(layer, nn.Conv2d)
        flow = graph.add("LeakyRelu", _convolved(graph, flow, layer, stride=2), alpha=SLOPE)
    flow = graph.add("Reshape", flow, _sizes(graph, CHANNELS[-1] * encoder.small**2))
    for dense in (encoder.squeeze, encoder.spread):
        weights = (graph.value(one.detach().cpu().numpy()) for one in (dense.weight, dense.bias))
        flow = graph.add("Gemm", flow, *weights, transB=1)
    return graph.add("Reshape", flow, _sizes(graph, DECODED[0], encoder.small, encoder.small))


def _decoded(graph: Graph, flow: str, decoder: Decoder) -> str:
    for layer in decoder.grow:
        assert isinstance(layer, nn.Conv2d)
        flow = graph.add("DepthToSpace", _convolved(graph, flow, layer), blocksize=2, mode="CRD")
        flow = graph.add("LeakyRelu", flow, alpha=SLOPE)
    return _convolved(graph, flow, decoder.finish)


def _channels(graph: Graph, flow: str, first: int, end: int) -> str:
    ends = (graph.value(np.array([value], np.int64)) for value in (first, end, 1))
    return graph.add("Slice", flow, *ends)


def _convolved(graph: Graph, flow: str, layer: nn.Conv2d, stride: int = 1) -> str:
    side, values = layer.kernel_size[0], [layer.weight, layer.bias]
    weights = [graph.value(one.detach().cpu().numpy()) for one in values if one is not None]
    return graph.add(
        "Conv", flow, *weights, kernel_shape=[side] * 2, strides=[stride] * 2, pads=[side // 2] * 4
    )


def _sizes(graph: Graph, *sizes: int) -> str:
    return graph.value(np.array([-1, *sizes], np.int64))
