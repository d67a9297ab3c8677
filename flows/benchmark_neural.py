"""Measure what surrounds a neural swap: decode, crop, paste and encode around a graph of chosen weight.

    python -m flows.benchmark_neural [--megabytes 0] [--provider cpu] [--height 1080] [--frames 400]

The graph has the real swapper's inputs and outputs; without megabytes it costs nothing, with about 550 it
weighs and computes what the real one does. With a device, its busy share over the render pass is printed.
"""

import argparse
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from flows.benchmark import Measure, Options, benchmark
from flows.benchmark_graph import scratch
from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.sample import CLIPS
from flows.screen import show_table
from flows.workspace import HERE
from tasks import models
from tasks.documents import read_params
from tasks.hashing import sha256_file
from tasks.models.fetch import fetch_member

LATENT, SIDE_PX, CHANNELS = 512, 128, 1024
BLOCK_MB = CHANNELS * CHANNELS * 9 * 4 / (1 << 20)
SAMPLE_S = 0.2


def write_swapper(
    path: Path, *, megabytes: int = 0, keep: float = 0.0, embedding_map: Any = None, seed: int = 0
) -> Any:
    """Write a graph with insightface's swapper's inputs, outputs and last initializer; return its colours.

    It lays one colour over the whole face: sigmoid(latent @ colours), colours being 512 x 3. keep: share of
    the face that shines through. megabytes: of convolutions as the real one's, whose result is discarded.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

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
    nodes = [
        helper.make_node("MatMul", ["source", "colours"], ["mixed"]),
        helper.make_node("Sigmoid", ["mixed"], ["colour"]),
        helper.make_node("Unsqueeze", ["colour", "axes"], ["flat"]),
        helper.make_node("Mul", ["target", "below"], ["face"]),
        helper.make_node("Mul", ["flat", "above"], ["coat"]),
        helper.make_node("Add", ["face", "coat"], ["painted"]),
    ]
    last = "painted"
    if megabytes:
        more, weights, last = _convolutions(round(megabytes / BLOCK_MB), rng)
        nodes, values = nodes + more, values | weights
    nodes.append(helper.make_node("Identity", [last], ["output"]))
    inputs = [
        helper.make_tensor_value_info("target", TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX]),
        helper.make_tensor_value_info("source", TensorProto.FLOAT, [1, LATENT]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])
    tensors = [numpy_helper.from_array(value, name) for name, value in {**values, "emap": emap}.items()]
    graph = helper.make_graph(nodes, "made", inputs, [output], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return colours


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
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    grid = 7 * 7 * 3
    turned = np.linalg.qr(np.random.default_rng(seed).normal(size=(LATENT, grid)))[0].T.astype(np.float32)
    centred = np.eye(grid, dtype=np.float32) - np.float32(1 / grid)
    picture = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [None, 3, 112, 112])
    vector = helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, LATENT])
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["coarse"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["coarse"], ["row"]),
        helper.make_node("MatMul", ["row", "turned"], ["683"]),
    ]
    tensors = [numpy_helper.from_array(np.asarray(centred @ turned, np.float32), "turned")]
    graph = helper.make_graph(nodes, "made", [picture], [vector], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def profile(folder: Path, provider: str, memory_mb: int = 40_000) -> dict[str, Any]:
    """Return the default parameters with a neural swap by the weights in a folder."""
    params = read_params(HERE).model_dump(mode="json", by_alias=True)
    for name in ("inswapper", "arcface"):
        params["models"][name] = {
            "source": f"file:{folder.resolve()}",
            "member": f"{name}.onnx",
            "sha256": sha256_file(folder / f"{name}.onnx"), "licence": "made", "licence_class": "permissive",
            "purpose": "stands in for insightface's",
        }  # fmt: skip
    params["inference"] = {"provider": provider, "memory_mb": memory_mb}
    params["deidentify"] |= {"method": "inswapper", "method_of_others": "inswapper"}
    params["deidentify"]["targets"]["chooser"] = "arcface"
    # what the made recogniser tells apart is not what a real one does
    params["deidentify"]["inswapper"] |= {"nearest_donor": 1.0, "nearest_subject": 1.0}
    return params


@contextmanager
def device_watched(provider: str) -> Iterator[list[int]]:
    """Collect the device's busy share in percent while the block runs; nothing on the CPU."""
    busy: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        while not ended.wait(SAMPLE_S):
            busy.append(int(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu))

    thread = threading.Thread(target=watch, daemon=True)
    if provider != "cpu":
        thread.start()
    try:
        yield busy
    finally:
        ended.set()


def measure(told: argparse.Namespace) -> tuple[list[Measure], list[int]]:
    """Measure one clip under the profile; the device's busy shares are of the render pass, the last."""
    with scratch() as root:
        weights = root / "weights"
        weights.mkdir()
        write_swapper(weights / "inswapper.onnx", megabytes=told.megabytes)
        write_recogniser(weights / "arcface.onnx")
        for name in ("params", "params.yaml"):
            (root / name).unlink()
        (root / "params.yaml").write_text(yaml.safe_dump(profile(weights, told.provider), sort_keys=False))
        params = read_params(root)
        for job in models.plan(root, params, ""):
            models.process(root, job)
        models.collect(root, params, "", [])
        clip = next(one for one in CLIPS if one.file == "cap12.mp4")
        source = root / clip.file
        shutil.copyfile(fetch_member(clip.source, clip.member, clip.sha256), source)
        with device_watched(told.provider) as busy:
            measures = benchmark(root, [source], Options(told.height, told.frames))
    render = next(one for one in measures if one.job == "render")
    return measures, busy[-round(render.seconds / SAMPLE_S) :]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=0)
    parser.add_argument("--provider", choices=["cpu", "cuda", "tensorrt"], default="cpu")
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--frames", type=int, default=400)
    told = parser.parse_args(words)
    keep_to_ourselves()
    measures, busy = measure(told)
    rows = [
        [one.job, f"{one.seconds:.1f}", f"{one.frames_per_s:.1f}", f"{one.peak_mb:.0f}", f"{one.ratio or ''}"]
        for one in measures
    ]
    show_table("Around a neural swap", ["job", "seconds", "frames/s", "MB", "of the codec's speed"], rows)
    if busy:
        name = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], text=True,
                              capture_output=True, check=False).stdout.strip()  # fmt: skip
        print(f"{name}: busy {np.mean(busy):.0f} % over the render pass")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
