"""Model sessions, opened only by verified SHA-256, one per thread."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from schemas.params.inference import Inference
from schemas.registry import Registry
from tasks.files.documents import read_document
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_file
from tasks.vision.dlib_network import onnx_from_dlib
from tasks.vision.providers import open_session, require_provider
from tasks.vision.simplifying import simplified
from tasks.vision.trimming import trimmed

Tensor = NDArray[np.float32]
Session = Callable[[Tensor], list[Tensor]]
REGISTRY_PATH = Path("data/models/registry.json")
_quiet = threading.Lock()


class Weights:
    """The registered weights of a workspace; sessions stay open per thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._registry = read_document(root / REGISTRY_PATH, Registry)
        self._local = threading.local()
        self._shared: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    @property
    def inference(self) -> Inference:
        """On what graphs run."""
        return self._registry.inference

    def digest(self, name: str) -> str:
        """Return the SHA-256 that a weight is registered with. Raises ModelError if it is not."""
        try:
            return self._registry.models[name].sha256
        except KeyError:
            raise ModelError(f"no model named {name}: add it to params/models.yaml") from None

    def has(self, name: str) -> bool:
        """Return whether a weight is registered: some are brought by the user."""
        return name in self._registry.models

    def path(self, name: str) -> Path:
        """Return a weight's file once its content is what the registry declares."""
        digest = self.digest(name)
        path = self._root / self._registry.models[name].path
        if not path.is_file() or sha256_file(path) != digest:
            raise ModelError(f"model {name} is missing or altered: run `guise run models` again")
        return path

    def once(self, key: str, build: Callable[[], Any]) -> Any:
        """Return what `build` made for this thread, building it on first use."""
        if not hasattr(self._local, key):
            setattr(self._local, key, build())
        return getattr(self._local, key)

    def shared(self, key: str, build: Callable[[], Any]) -> Any:
        """Return what `build` made for all threads of this process, building it on first use.

        Who asks meanwhile waits for it; what could not be built is tried anew by the next one.
        """
        with self._lock:
            is_first = key not in self._shared
            made = self._shared.setdefault(key, Future())
        if is_first:
            try:
                made.set_result(build())
            except BaseException as error:
                del self._shared[key]
                made.set_exception(error)
        return made.result()

    def tflite(self, name: str, outputs: int | None = None) -> Session:
        """Open a LiteRT model: one float32 input, outputs in the file's own order.

        outputs: how many are read; what only the others need is not done. All, unless told.
        """
        key = f"{name} {outputs or 'whole'}"

        def read() -> bytes:
            content = self.path(name).read_bytes()
            return trimmed(content, outputs) if outputs else content

        session: Session = self.once(key, lambda: _open_tflite(self.shared(key, read)))
        return session

    def onnx(self, name: str, size_wh: tuple[int, int]) -> Session:
        """Open an ONNX graph of one picture, N x 3 x height x width in -1..1.

        Raises ModelError for another one.
        """
        session: Session = self.once(name, lambda: _open_onnx(name, self.path(name), size_wh, self.inference))
        return session

    def dlib(self, name: str) -> Session:
        """Open dlib's face network: N x 150 x 150 x 3 chips, RGB of 0 to 255, in; N x 128 out."""
        graph = self.shared(f"{name} graph", lambda: onnx_from_dlib(self.path(name).read_bytes()))
        session: Session = self.once(name, lambda: _run_onnx(name, graph, self.inference))
        return session

    def free_onnx(self, name: str) -> Session:
        """Open an ONNX graph of one picture of any size, 1 x 3 x height x width in -1..1, on the CPU."""
        session: Session = self.shared(
            name, lambda: _open_free(name, self.path(name), _on_cpu(self.inference))
        )
        return session

    def note(self, name: str, key: str) -> str:
        """Return what an ONNX file says of itself. Raises ModelError where it says nothing of that."""
        notes: dict[str, str] = self.shared(f"{name} notes", lambda: _notes(name, self.path(name)))
        if key not in notes:
            raise ModelError(f"model {name} does not say what its {key} is: bring another one")
        return notes[key]

    def centerface(self, name: str) -> Session:
        """Open CenterFace's ONNX graph with free input and output sizes, on the CPU."""
        session: Session = self.once(
            name, lambda: _open_centerface(name, self.path(name), _on_cpu(self.inference))
        )
        return session


def shared_weights(root: Path) -> Weights:
    """Return the one set of sessions that this process keeps for a workspace as its registry stands."""
    registry = (root / REGISTRY_PATH).resolve()
    if not registry.is_file():
        return Weights(root)
    # workspaces may link to the same weights
    return _weights(registry.parents[2], sha256_file(registry))


@cache
def _weights(root: Path, registry_sha256: str) -> Weights:
    return Weights(root)


def _open_tflite(graph: bytes) -> Session:
    with _quiet, _no_native_chatter():
        interpreter = Interpreter(model_content=graph, num_threads=1)
        interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    outputs = [detail["index"] for detail in interpreter.get_output_details()]

    def run(tensor: Tensor) -> list[Tensor]:
        interpreter.set_tensor(source, tensor)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    return run


def _open_centerface(name: str, path: Path, inference: Inference) -> Session:
    import onnx

    graph = onnx.load(str(path))
    initialisers = {tensor.name for tensor in graph.graph.initializer}
    inputs = [value for value in graph.graph.input if value.name not in initialisers]
    del graph.graph.input[:]
    graph.graph.input.extend(inputs)
    for value in [*graph.graph.input, *graph.graph.output]:
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    # most runs are on a clip's whole pictures: asking the system anew for memory took a third of their time
    return _run_onnx(name, graph.SerializeToString(), inference, arena=True)


def load_graph(name: str, path: Path) -> Any:
    """Read an ONNX file. Raises ModelError where it is none."""
    import onnx

    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf raises what it likes
        raise ModelError(f"model {name} is no ONNX graph") from error


def _notes(name: str, path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in load_graph(name, path).metadata_props}


def input_shapes(graph: Any) -> list[list[int]]:
    """Return the shape of every input of a graph, 0 where an axis is free."""
    initialisers = {tensor.name for tensor in graph.graph.initializer}
    inputs = [value for value in graph.graph.input if value.name not in initialisers]
    return [[axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in inputs]


def _open_onnx(name: str, path: Path, size_wh: tuple[int, int], inference: Inference) -> Session:
    graph = load_graph(name, path)
    shapes = input_shapes(graph)
    if len(shapes) != 1 or shapes[0][1:] != [3, size_wh[1], size_wh[0]]:
        raise ModelError(f"model {name} takes {shapes}, not one picture of 3 x {size_wh[1]} x {size_wh[0]}")
    if {"Sub", "Mul"} <= {node.op_type for node in graph.graph.node[:8]}:
        raise ModelError(f"model {name} scales its pictures by itself: bring one that takes -1 to 1")
    return _run_onnx(name, graph.SerializeToString(), inference)


def _open_free(name: str, path: Path, inference: Inference) -> Session:
    return _run_onnx(name, simplified(load_graph(name, path)), inference)


def _on_cpu(inference: Inference) -> Inference:
    # a device plans anew for each size of picture, a second each: docs/gpu.md
    require_provider(inference.provider)
    return inference.model_copy(update={"provider": "cpu"})


def _run_onnx(name: str, graph: bytes, inference: Inference, *, arena: bool = False) -> Session:
    session = open_session(name, graph, inference, arena=arena)
    source = session.get_inputs()[0].name
    return lambda tensor: session.run(None, {source: tensor})


@contextmanager
def _no_native_chatter() -> Iterator[None]:
    # LiteRT greets on file descriptor 2 and offers no switch for it
    kept = os.dup(2)
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
