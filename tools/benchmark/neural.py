"""Measure what surrounds a neural swap: decode, crop, paste and encode around a graph of chosen weight.

    python -m tools.benchmark.neural [--megabytes 0] [--provider cpu] [--decoder software] [--codec libx264]
                                     [--height 1080] [--frames 400]

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
from flows.demo.sample import CLIPS
from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import show_table
from flows.workspace.make import HERE
from tasks import models
from tasks.files.documents import read_params
from tasks.files.hashing import sha256_file
from tasks.models.fetch import fetch_member
from tools.benchmark.graph import scratch
from tools.benchmark.made_graphs import write_recogniser, write_swapper

SAMPLE_S = 0.2
# of the device, at most
MEMORY_MB = 40_000


def profile(
    folder: Path, provider: str, *, decoder: str = "software", codec: str = "libx264"
) -> dict[str, Any]:
    """Return the default parameters with a neural swap by the weights in a folder."""
    params = read_params(HERE).model_dump(mode="json", by_alias=True)
    for name in ("inswapper", "arcface"):
        params["models"][name] = {
            "source": f"file:{folder.resolve()}",
            "member": f"{name}.onnx",
            "sha256": sha256_file(folder / f"{name}.onnx"), "licence": "made", "licence_class": "permissive",
            "purpose": "stands in for insightface's",
        }  # fmt: skip
    params["inference"] = {"provider": provider, "memory_mb": MEMORY_MB, "decoder": decoder}
    params["encoding"]["codec"] = codec
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
        wanted = profile(weights, told.provider, decoder=told.decoder, codec=told.codec)
        (root / "params.yaml").write_text(yaml.safe_dump(wanted, sort_keys=False))
        params = read_params(root)
        for job in models.plan(root, params, ""):
            models.process(root, job)
        models.collect(root, params, "", [])
        clip = next(one for one in CLIPS if one.file == "cap12.mp4")
        source = root / clip.file
        shutil.copyfile(fetch_member(clip.source, clip.member, clip.sha256), source)
        with device_watched(told.provider) as busy:
            # a lent device may end before the last job
            measures = benchmark(root, [source], Options(told.height, told.frames, tell=print))
    render = next(one for one in measures if one.job == "render")
    return measures, busy[-round(render.seconds / SAMPLE_S) :]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=0)
    parser.add_argument("--provider", choices=["cpu", "cuda", "tensorrt"], default="cpu")
    parser.add_argument("--decoder", choices=["software", "nvdec"], default="software")
    parser.add_argument("--codec", choices=["libx264", "h264_nvenc"], default="libx264")
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
