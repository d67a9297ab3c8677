"""What several tests make: files to hand in, and a user's environment."""

import os
from pathlib import Path

import av
import numpy as np

REPO = Path(__file__).resolve().parent.parent


def command_environment() -> dict[str, str]:
    """Return a user's environment: what this test session set for itself is not in it."""
    ours = ("PREFECT_", "AWS_", "PYTHONWARNINGS", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONPATH": str(REPO)}


def write_video(path, frames, *, rate=25, codec="libx264", pix_fmt="yuv420p", size_wh=(64, 48), options=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size_wh
        stream.pix_fmt = pix_fmt
        stream.codec_context.options = options or {}
        container.start_encoding()
        for index in range(frames):
            rgb = np.full((size_wh[1], size_wh[0], 3), 40 + index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def with_metadata(source, target, text):
    """Copy a video into a container that tells who is in it."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        writer.metadata.update({"title": text, "comment": text})
        copy = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(reader.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    assert text.encode() in Path(target).read_bytes()
