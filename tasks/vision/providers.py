"""Execution providers of ONNX Runtime: the one that was asked for, or an error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.params.inference import Inference
from tasks.files.errors import InputError, ModelError

Array = NDArray[Any]
PROVIDERS = {
    "cpu": ("CPUExecutionProvider", "onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "tensorrt": ("TensorrtExecutionProvider", "onnxruntime-gpu and TensorRT"),
}
# where the providers' memory is
DEVICES = {"cpu": "cpu", "cuda": "cuda", "tensorrt": "cuda"}
# what providers say where memory does not suffice
OUT_OF_MEMORY = (
    "failed to allocate",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "smaller than requested",
)


def require_provider(provider: str) -> None:
    """Raise InputError where ONNX Runtime does not have the execution provider."""
    import onnxruntime

    name, package = PROVIDERS[provider]
    installed = onnxruntime.get_available_providers()
    if name not in installed:
        raise InputError(
            f"the provider {provider} is not here (installed: {', '.join(installed)}): install {package}, "
            "or ask for another one"
        )


def session_settings(inference: Inference, *, exact: bool = True, arena: bool = False) -> dict[str, Any]:
    """Return what an ONNX Runtime session is opened with.

    exact: full float32, so that scores are what the CPU gives; pictures may do with a device's short float,
    without which its convolutions take whole gigabytes. arena: the CPU's memory is kept from run to run.
    Raises InputError without the provider.
    """
    import onnxruntime

    require_provider(inference.provider)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    name, _ = PROVIDERS[inference.provider]
    if inference.provider == "cpu":
        # pictures come in many sizes: a plan for one is no use to the next, and memory seldom
        options.enable_cpu_mem_arena, options.enable_mem_pattern = arena, False
        return {"sess_options": options, "providers": [name]}
    onnxruntime.preload_dlls()
    limits = {
        # no search for the fastest way at every size of picture, whose outcome is chance
        "cuda": {
            "gpu_mem_limit": inference.memory_mb << 20,
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",
            "use_tf32": int(not exact),
        },
        "tensorrt": {"trt_max_workspace_size": inference.memory_mb << 20},
    }
    return {"sess_options": options, "providers": [(name, limits[inference.provider])]}


def open_session(
    name: str, graph: bytes, inference: Inference, *, exact: bool = True, arena: bool = False
) -> Any:
    """Open an ONNX graph. Raises ModelError where it is none, or runs on another provider than asked for."""
    import onnxruntime

    settings = session_settings(inference, exact=exact, arena=arena)
    try:
        session = onnxruntime.InferenceSession(graph, **settings)
    except Exception as error:  # the runtime raises what it likes
        raise ModelError(f"model {name} cannot be opened on {inference.provider}: {_first(error)}") from None
    check_provider(name, session, inference)
    return session


def check_provider(name: str, session: Any, inference: Inference) -> None:
    """Raise ModelError where a session runs on another provider than asked for."""
    wanted, used = PROVIDERS[inference.provider][0], session.get_providers()
    if not used or used[0] != wanted:
        raise ModelError(
            f"model {name} runs on {', '.join(used)} instead of {wanted}: see that its libraries are there"
        )


class Batches:
    """A graph over rows of any number, run in padded batches of one size whose memory stays bound.

    Where the device's memory does not hold a batch, it is halved; where it does not hold one row,
    ModelError is raised.
    """

    def __init__(self, name: str, session: Any, inference: Inference, size: int) -> None:
        self._name, self._session, self._device = name, session, DEVICES[inference.provider]
        self._inputs = [one.name for one in session.get_inputs()]
        self._output = session.get_outputs()[0].name
        self._size = size
        self._bound: tuple[Any, list[tuple[Any, Array]]] | None = None

    @property
    def size(self) -> int:
        return self._size

    def __call__(self, *rows: Array) -> Array:
        """Return the first output for N rows of every input."""
        found: list[Array] = []
        done = 0
        while done < len(rows[0]):
            try:
                found.append(self._run([column[done : done + self._size] for column in rows]))
                done += len(found[-1])
            except Exception as error:  # the runtime raises what it likes
                self._shrink(error)
        return np.concatenate(found) if found else np.empty((0,), np.float32)

    def _run(self, columns: list[Array]) -> Array:
        if self._bound is None:
            self._bound = self._bind(columns)
        binding, buffers = self._bound
        count = len(columns[0])
        for (value, buffer), column in zip(buffers, columns, strict=True):
            buffer[:count] = column
            value.update_inplace(buffer)
        self._session.run_with_iobinding(binding)
        return np.asarray(binding.copy_outputs_to_cpu()[0][:count])

    def _bind(self, columns: list[Array]) -> tuple[Any, list[tuple[Any, Array]]]:
        import onnxruntime

        binding, buffers = self._session.io_binding(), []
        for name, column in zip(self._inputs, columns, strict=True):
            buffer = np.zeros((self._size, *column.shape[1:]), column.dtype)
            value = onnxruntime.OrtValue.ortvalue_from_numpy(buffer, self._device, 0)
            binding.bind_ortvalue_input(name, value)
            buffers.append((value, buffer))
        binding.bind_output(self._output, self._device, 0)
        return binding, buffers

    def _shrink(self, error: Exception) -> None:
        said = str(error).lower()
        if not any(words in said for words in OUT_OF_MEMORY):
            raise ModelError(f"model {self._name} failed: {_first(error)}") from None
        if self._size == 1:
            raise ModelError(
                f"model {self._name} does not fit the device's memory, even for one face: raise "
                "inference.memory_mb, or use a larger device"
            ) from None
        self._size //= 2
        self._bound = None


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
