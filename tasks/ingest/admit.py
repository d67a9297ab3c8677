"""Open one raw video and admit it, or say why not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from schemas.params.video import Ingest
from tasks.files.errors import ClipRefusedError, EmptyVideoError, VideoError
from tasks.video import StreamInfo, copy_streams, read_frames, read_info

Facts = dict[str, Any]
SLACK_S = 0.5
NOT_KEPT = "stream cannot be kept"
UNKNOWN = "unknown"  # a pixel format, where not one picture can be read


def admit(source: Path, target: Path, settings: Ingest, audio_policy: str) -> Facts:
    """Copy the video bitstream into a container without metadata and describe it.

    Raises ClipRefusedError with a reason of `schemas.clips.REASONS`, then what was seen.
    """
    info = _described(source)
    if info.codec not in settings.codecs:
        raise ClipRefusedError("unsupported codec", info.codec)
    if info.container not in settings.containers:
        raise ClipRefusedError(NOT_KEPT, f"container {info.container}")
    if info.pix_fmt != UNKNOWN:
        _check_format(info, settings)
    pts = list(_timestamps(source, info))
    _check_end(info, pts)
    keeps_audio = info.has_audio and audio_policy == "keep"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        copy_streams(source, target, keep_audio=keeps_audio)
        copied = read_info(target)
        copied_pts = list(_timestamps(target, copied))
        _check_copy(info, pts, copied, copied_pts)
    except VideoError as error:
        raise ClipRefusedError(NOT_KEPT, str(error)) from None
    except ClipRefusedError:
        target.unlink()
        raise
    # sound that ends before the first picture stays behind
    return _facts(copied, copied_pts, info.has_audio, keeps_audio and copied.has_audio)


def _described(source: Path) -> StreamInfo:
    try:
        return read_info(source)
    except EmptyVideoError as error:
        raise ClipRefusedError("zero frames", str(error)) from None
    except VideoError as error:
        raise ClipRefusedError("unreadable video", str(error)) from None


def _check_format(info: StreamInfo, settings: Ingest) -> None:
    if info.pix_fmt not in settings.pixel_formats:
        raise ClipRefusedError(NOT_KEPT, f"pixel format {info.pix_fmt}")
    try:
        info.check_keepable()
    except VideoError as error:
        raise ClipRefusedError(NOT_KEPT, str(error)) from None


def _timestamps(source: Path, info: StreamInfo) -> Iterator[int]:
    declared, is_interlaced = info.frame_count, info.first_field is not None
    count, previous = 0, None
    try:
        for frame in read_frames(source):
            if frame.interlaced != is_interlaced:
                raise ClipRefusedError(NOT_KEPT, "interlaced pictures of unclear field order")
            if previous is not None and frame.pts <= previous:
                raise ClipRefusedError("unreadable video", "timestamps do not increase")
            if (frame.size_wh, frame.pix_fmt) != (info.shown_size_wh, info.encoded_format):
                raise ClipRefusedError(NOT_KEPT, "the picture changes its size or format")
            yield frame.pts
            count, previous = count + 1, frame.pts
    except VideoError as error:
        raise ClipRefusedError("truncated video" if count else "unreadable video", str(error)) from None
    if count == 0:
        reason = "truncated video" if declared else "zero frames"
        raise ClipRefusedError(reason, f"0 of {declared} frames" if declared else "no picture")
    if count < declared:
        raise ClipRefusedError("truncated video", f"{count} of {declared} frames")


def _check_end(info: StreamInfo, pts: list[int]) -> None:
    # a container that does not count its frames says when they end; half a second is its own slack
    last_s = float(pts[-1] * info.time_base)
    if not info.frame_count and (info.end_s is None or last_s < info.end_s - SLACK_S):
        seen = "no length" if info.end_s is None else f"{last_s:.1f} of {info.end_s:.1f} s"
        raise ClipRefusedError("truncated video", seen)


def _check_copy(info: StreamInfo, pts: list[int], copied: StreamInfo, copied_pts: list[int]) -> None:
    # the copy counts from its first picture on
    times, kept = (
        [(value - ticks[0]) * base for value in ticks]
        for ticks, base in ((pts, info.time_base), (copied_pts, copied.time_base))
    )
    if kept != times:
        raise ClipRefusedError("unreadable video", "its timestamps cannot be kept")
    if copied.rotation_deg != info.rotation_deg or copied.size_wh != info.size_wh:
        raise ClipRefusedError("unreadable video", "its size or rotation cannot be kept")


def _facts(info: StreamInfo, pts: list[int], has_audio: bool, keeps_audio: bool) -> Facts:
    steps = np.diff(pts)
    last_s = float(steps[-1] * info.time_base) if len(steps) else float(1 / info.frame_rate)
    return {
        "width": info.shown_size_wh[0],
        "height": info.shown_size_wh[1],
        "rotation": info.rotation_deg,
        "time_base": str(info.time_base),
        "frame_count": len(pts),
        "duration_s": float((pts[-1] - pts[0]) * info.time_base) + last_s,
        "is_vfr": len(set(steps.tolist())) > 1,
        "codec": info.codec,
        "pix_fmt": info.pix_fmt,
        "color_space": info.color_space,
        "color_range": info.color_range,
        "color_primaries": info.color_primaries,
        "color_transfer": info.color_transfer,
        "has_audio": has_audio,
        "audio": ("kept" if keeps_audio else "dropped") if has_audio else "none",
    }
