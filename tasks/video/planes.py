"""The planes of a frame as arrays."""

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]


def planes_of(frame: av.VideoFrame) -> list[Plane]:
    """Return views of the frame's samples, a plane each, rows x columns."""
    kind = np.dtype(np.uint16 if frame.format.name.endswith("10le") else np.uint8)
    lines = [np.frombuffer(memoryview(plane), kind) for plane in frame.planes]
    shapes = [(plane.height, plane.line_size // kind.itemsize) for plane in frame.planes]
    return [
        line[: height * pitch].reshape(height, pitch)[:, : plane.width]
        for line, (height, pitch), plane in zip(lines, shapes, frame.planes, strict=True)
    ]


def new_frame(planes: list[Plane], name: str) -> av.VideoFrame:
    """Return a frame of a format that holds these samples."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, name)
    for target, plane in zip(planes_of(frame), planes, strict=True):
        target[:] = plane
    return frame
