"""A video that no MP4 can hold as it is, rewritten without loss."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from schemas.params.video import Encoding
from tasks.files.errors import VideoError
from tasks.files.hashing import sha256_bytes
from tasks.video.info import StreamInfo
from tasks.video.planes import planes_of
from tasks.video.reader import Frame, read_frames
from tasks.video.writer import VideoWriter

FAST = Encoding(codec="libx264", crf=0, preset="veryfast", threads=1)


def rewrite(frames: Iterable[Frame], target: Path, info: StreamInfo) -> None:
    """Write frames, upright, as H.264 without loss into an MP4 that carries nothing else; time starts at 0.

    Raises VideoError where what is read back is not every picture, to the sample, at its time.
    """
    written: list[tuple[int, str]] = []
    with VideoWriter(target, info, FAST, is_lossless=True) as writer:
        start = None
        for frame in frames:
            start = frame.pts if start is None else start
            moved = replace(frame, pts=frame.pts - start)
            writer.write(moved)
            written.append(_print(moved))
    if [_print(frame) for frame in read_frames(target)] != written:
        target.unlink()
        raise VideoError("its pictures cannot be rewritten without loss")


def _print(frame: Frame) -> tuple[int, str]:
    """Return when a frame is shown, and the digest of its samples."""
    return frame.pts, sha256_bytes(b"".join(plane.tobytes() for plane in planes_of(frame.picture.frame)))
