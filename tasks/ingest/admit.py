"""Open one raw video and admit it, or say why not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.params.video import Ingest
from tasks.files.errors import ClipRefusedError, EmptyVideoError, TurnedVideoError, UncopiedError, VideoError
from tasks.video import (
    Frame,
    StreamInfo,
    copy_streams,
    ends_whole,
    hides_pixels,
    indexed_bytes,
    last_packet_s,
    pts_before_key,
    read_frames,
    read_info,
    rewrite,
)

Facts = dict[str, Any]
SLACK_S = 0.5
NOT_KEPT, UNREADABLE = "stream cannot be kept", "unreadable video"
FINE_TICKS = 3
SLACK_TICKS = 1e-6  # of floating point
ROUNDING_TICKS = 1.0  # both ends and the stamp itself are rounded to half of one
UNKNOWN = "unknown"  # a pixel format, where not one picture can be read
INDEXED = "mov"
BOUNDLESS = ("mpeg", INDEXED)  # of a broadcast, or in fragments; where they end nothing says
HDR = {16: "PQ", 18: "HLG"}  # transfer functions of ISO/IEC 23091-2
# which an MP4 holds as they are
COPIED = ("h264", "hevc", "mpeg4", "vp9", "av1", "mjpeg")


def admit(source: Path, target: Path, settings: Ingest, audio_policy: str) -> Facts:
    """Copy the video bitstream into a container without metadata, or rewrite it without loss; describe it.

    Raises ClipRefusedError with a reason of `schemas.clips.REASONS`, then what was seen.
    """
    info = _described(source)
    if info.codec not in settings.codecs:
        raise ClipRefusedError("unsupported codec", f"{info.codec}: save it as MP4")
    if info.container not in settings.containers:
        raise ClipRefusedError(NOT_KEPT, f"container {info.container}")
    if info.came_as != UNKNOWN:
        _check_format(info, settings)
    ends = ends_whole(source, info.container)
    needed = indexed_bytes(source) if info.container.startswith(INDEXED) else None
    if ends is False or (needed or 0) > source.stat().st_size:
        raise ClipRefusedError("truncated video", "its last part is not all there")
    shown = _look(source, info)
    _check_end(source, info, shown.pts)
    keeps_audio = info.has_audio and audio_policy == "keep"
    target.parent.mkdir(parents=True, exist_ok=True)
    is_copied = info.codec in COPIED and info.came_as == info.pix_fmt and not shown.skipped
    keep = partial(_keep, source, target, info, shown)
    try:
        copied, copied_pts = keep(is_copied=is_copied, keeps_audio=keeps_audio)
    except UncopiedError as error:
        if not is_copied or keeps_audio or (info.container.startswith(INDEXED) and hides_pixels(source)):
            raise ClipRefusedError(NOT_KEPT, f"{error}: cut it again, and save it as MP4") from None
        is_copied = False
        copied, copied_pts = keep(is_copied=False, keeps_audio=False)
    # sound that ends before the first picture stays behind
    facts = _facts(copied, copied_pts, info.has_audio, keeps_audio and copied.has_audio)
    is_boundless = ends is None and info.container.startswith(BOUNDLESS)
    return facts | {"told": _told(info, shown, is_copied=is_copied, is_boundless=is_boundless)}


def _keep(
    source: Path, target: Path, info: StreamInfo, shown: "Shown", *, is_copied: bool, keeps_audio: bool
) -> tuple[StreamInfo, list[int]]:
    """Copy or rewrite a video; return what came of it, and when its pictures are shown.

    Raises UncopiedError where a copy cannot be made, or shows its pictures at other times.
    """
    try:
        if is_copied:
            copy_streams(source, target, keep_audio=keeps_audio)
        else:
            _rewrite(source, target, info, shown, keeps_audio=keeps_audio)
        copied = read_info(target)
        copied_pts = list(_timestamps(read_frames(target), copied))
        _check_copy(info, shown.pts, copied, copied_pts, is_copied=is_copied)
    except (UncopiedError, ClipRefusedError) as error:
        target.unlink(missing_ok=True)
        if is_copied or isinstance(error, ClipRefusedError):
            raise
        raise ClipRefusedError(NOT_KEPT, str(error)) from None
    except VideoError as error:
        raise ClipRefusedError(NOT_KEPT, str(error)) from None
    return copied, copied_pts


@dataclass(frozen=True)
class Shown:
    """When the pictures that a player shows are shown, in ticks, and how many before them it does not.

    is_checked: whether they were looked at for damage.
    """

    pts: list[int]
    skipped: int = 0
    is_checked: bool = True

    def frames(self, source: Path) -> Iterator[Frame]:
        return read_frames(source, from_key=self.skipped > 0, forgive=not self.is_checked)


def _look(source: Path, info: StreamInfo) -> Shown:
    """Return what is shown of a video. A cut may have parted its first pictures from what they refer to."""
    try:
        early = pts_before_key(source)
    except VideoError:
        early = set()
    try:
        shown = list(_timestamps(read_frames(source), info))
        if early <= set(shown):
            return Shown(shown)
    except ClipRefusedError:
        if not early:
            raise
    return _look_from_key(
        source, replace(info, frame_count=max(0, info.frame_count - len(early))), len(early)
    )


def _look_from_key(source: Path, info: StreamInfo, skipped: int) -> Shown:
    try:
        return Shown(list(_timestamps(read_frames(source, from_key=True), info)), skipped)
    except ClipRefusedError as refusal:
        # an error after a picture was shown is damage; before, H.264 may speak of what was cut off
        if refusal.args[0] != UNREADABLE:
            raise
    frames = read_frames(source, from_key=True, forgive=True)
    return Shown(list(_timestamps(frames, info)), skipped, is_checked=False)


def _rewrite(source: Path, target: Path, info: StreamInfo, shown: Shown, *, keeps_audio: bool) -> None:
    if keeps_audio:
        raise ClipRefusedError(
            NOT_KEPT,
            f"sound beside {info.codec}, whose pictures are rewritten: save it as MP4, or drop the sound",
        )
    rewrite(shown.frames(source), target, info)


def _told(info: StreamInfo, shown: Shown, *, is_copied: bool, is_boundless: bool) -> list[str]:
    """Return what a person should know of how a video was admitted."""
    others = ", ".join(f"{width} x {height}" for width, height in info.others)
    told = {
        f"one of its videos was taken, those of {others} pixels were left out": info.others,
        f"what it holds beside video and sound was left out: {', '.join(info.asides)}": info.asides,
        "it is shown mirrored, and so are its clips": info.is_mirrored,
        f"{info.codec} in {info.came_as} was rewritten without loss": not is_copied,
        "a cut parted it from what it refers to: it could not be looked at for damage": not shown.is_checked,
        f"first pictures that no player shows were left out: {shown.skipped}": shown.skipped,
        "its container does not say whether it is whole": is_boundless,
    }
    return [sentence for sentence, holds in told.items() if holds]


def _described(source: Path) -> StreamInfo:
    try:
        return read_info(source)
    except EmptyVideoError as error:
        raise ClipRefusedError("zero frames", str(error)) from None
    except TurnedVideoError as error:
        raise ClipRefusedError(NOT_KEPT, str(error)) from None
    except VideoError as error:
        raise ClipRefusedError(UNREADABLE, str(error)) from None


def _check_format(info: StreamInfo, settings: Ingest) -> None:
    if info.came_as not in settings.pixel_formats:
        raise ClipRefusedError(NOT_KEPT, f"pixel format {info.came_as}: save it as MP4")
    if info.color_transfer in HDR:
        told = f"high dynamic range ({HDR[info.color_transfer]}), where a drawn face stands out"
        raise ClipRefusedError(NOT_KEPT, f"{told}: save it as SDR")
    try:
        info.check_keepable()
    except VideoError as error:
        raise ClipRefusedError(NOT_KEPT, str(error)) from None


def _timestamps(frames: Iterable[Frame], info: StreamInfo) -> Iterator[int]:
    declared, is_interlaced = info.frame_count, info.first_field is not None
    count, previous = 0, None
    try:
        for frame in frames:
            if frame.interlaced != is_interlaced:
                raise ClipRefusedError(NOT_KEPT, "interlaced pictures of unclear field order")
            if previous is not None and frame.pts <= previous:
                raise ClipRefusedError(
                    NOT_KEPT, "its pictures do not say when they are shown: save it as MP4"
                )
            if (frame.size_wh, frame.pix_fmt) != (info.shown_size_wh, info.encoded_format):
                raise ClipRefusedError(NOT_KEPT, "the picture changes its size or format")
            yield frame.pts
            count, previous = count + 1, frame.pts
    except VideoError as error:
        raise ClipRefusedError("truncated video" if count else UNREADABLE, str(error)) from None
    if count == 0:
        reason = "truncated video" if declared else "zero frames"
        raise ClipRefusedError(reason, f"0 of {declared} frames" if declared else "no picture")
    if count < declared:
        raise ClipRefusedError("truncated video", f"{count} of {declared} frames")


def _check_end(source: Path, info: StreamInfo, pts: list[int]) -> None:
    if info.frame_count or (info.end_s is None and ends_whole(source, info.container)):
        return
    # a container that does not count its frames says when they end; half a second is its own slack
    last_s = float(pts[-1] * info.time_base)
    if info.end_s is not None and info.end_is_files and info.has_audio:
        # the picture may be over before the sound is, where all of the file is there
        last_s = max(last_s, last_packet_s(source))
    if info.end_s is None or last_s < info.end_s - SLACK_S:
        seen = "no length" if info.end_s is None else f"{last_s:.1f} of {info.end_s:.1f} s"
        raise ClipRefusedError("truncated video", seen)


def _check_copy(
    info: StreamInfo, pts: list[int], copied: StreamInfo, copied_pts: list[int], *, is_copied: bool
) -> None:
    # the copy counts from its first picture on
    times, kept = (
        [(value - ticks[0]) * base for value in ticks]
        for ticks, base in ((pts, info.time_base), (copied_pts, copied.time_base))
    )
    if kept != times:
        raise UncopiedError("its timestamps cannot be kept")
    if copied.shown_size_wh != info.shown_size_wh or (
        is_copied and (copied.rotation_deg, copied.is_mirrored) != (info.rotation_deg, info.is_mirrored)
    ):
        raise ClipRefusedError(NOT_KEPT, "its size or rotation cannot be kept: save it as MP4")


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
        "is_vfr": is_variable(np.array(pts)),
        "codec": info.codec,
        "pix_fmt": info.pix_fmt,
        "color_space": info.color_space,
        "color_range": info.color_range,
        "color_primaries": info.color_primaries,
        "color_transfer": info.color_transfer,
        "has_audio": has_audio,
        "audio": ("kept" if keeps_audio else "dropped") if has_audio else "none",
    }


def is_variable(pts: NDArray[np.int64]) -> bool:
    """Return whether the steps between timestamps differ by more than their rounding to ticks."""
    if len(pts) < 3:
        return False
    steps, constant = np.diff(pts), np.linspace(pts[0], pts[-1], len(pts))
    # where a tick is about as long as a picture, nothing was rounded
    rounding = ROUNDING_TICKS if np.median(steps) >= FINE_TICKS else 0
    return bool(np.abs(pts - constant).max() > rounding + SLACK_TICKS)
