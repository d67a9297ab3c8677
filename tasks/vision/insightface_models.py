"""insightface's models: its own classes on a session of ours, no download, nothing printed."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from tasks.files.errors import ModelError
from tasks.vision.providers import check_provider, open_session, session_settings
from tasks.vision.sessions import Weights, input_shapes, load_graph

LATENT, SWAP_PX = 512, 128


def zoo_model(weights: Weights, name: str, kind: str) -> Any:
    """Open a weight by insightface's own model zoo, once per thread.

    kind: the class that it must turn out to be. Raises ModelError for another one, or another provider.
    """
    return weights.once(f"zoo {name}", lambda: _open(weights, name, kind))


def _open(weights: Weights, name: str, kind: str) -> Any:
    path = weights.path(name)
    load_graph(name, path)
    settings = session_settings(weights.inference)
    with quiet_zoo() as zoo:
        try:
            model = zoo.get_model(str(path), **settings)
        except Exception as error:  # asserts, protobuf, the runtime
            raise ModelError(f"model {name} is nothing that insightface opens") from error
    if type(model).__name__ != kind:
        raise ModelError(f"model {name} is no {kind} of insightface, but {type(model).__name__}")
    check_provider(name, model.session, weights.inference)
    return model


def swapper(weights: Weights, name: str) -> Any:
    """Open insightface's INSwapper for any number of faces at a time, once per thread.

    Raises ModelError where its inputs or its embedding map are not the swapper's.
    """
    return weights.once(f"swapper {name}", lambda: _open_swapper(weights, name))


def _open_swapper(weights: Weights, name: str) -> Any:
    path = weights.path(name)
    graph = load_graph(name, path)
    shapes = [shape[1:] for shape in input_shapes(graph)]
    if shapes != [[3, SWAP_PX, SWAP_PX], [LATENT]]:
        raise ModelError(
            f"model {name} takes {shapes}: a swapper takes a face of 3 x 128 x 128 and a latent of 512"
        )
    maps = [list(tensor.dims) for tensor in graph.graph.initializer[-1:]]
    if maps != [[LATENT, LATENT]]:
        raise ModelError(
            f"model {name} ends with {maps[0] if maps else 'nothing'} instead of its embedding map of "
            "512 x 512: a re-exported file gives a wrong identity, bring the original"
        )
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "faces"
    session = open_session(name, graph.SerializeToString(), weights.inference, exact=False)
    with quiet_zoo() as zoo:
        return zoo.model_zoo.INSwapper(model_file=str(path), session=session)


@contextmanager
def quiet_zoo() -> Iterator[Any]:
    """Give the block insightface's model zoo, silent. Raises ModelError where it is not installed."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from insightface import model_zoo
        except ImportError:
            raise ModelError("insightface is not installed: see docs/gpu.md") from None
        yield model_zoo
