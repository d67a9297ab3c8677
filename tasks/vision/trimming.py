"""Leave out of a LiteRT model what only outputs need that nobody reads."""


def trimmed(content: bytes, outputs: int) -> bytes:
    """Return a LiteRT model with its first so many outputs only, which stay the same to the last bit."""
    from ai_edge_litert.tools.flatbuffer_utils import convert_object_to_bytearray, read_model_from_bytearray

    model = read_model_from_bytearray(content)
    (graph,) = model.subgraphs
    graph.outputs = graph.outputs[:outputs]
    needed, kept = set(graph.outputs), []
    for step in reversed(graph.operators):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs)
            kept.append(step)
    graph.operators = kept[::-1]
    model.signatureDefs = []  # they name outputs that are gone
    return bytes(convert_object_to_bytearray(model))
