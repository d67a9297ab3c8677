"""Whether a file ends where its container says, for containers that do not count their pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tasks.video.boxes import HEAD, outer_boxes

# elements of Matroska that hold others; a browser writes them without a length
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675
MEDIA, BOUNDS = (b"moof", b"mdat"), {b"mfra", b"sidx"}  # boxes of an MP4
PACKETS = {"mpegts": (188, 192)}  # bytes
PICTURES = {"dv": (120_000, 144_000)}  # of 525 lines, of 625


def ends_whole(path: Path, container: str) -> bool | None:
    """Return whether a file's last part is all there; None where its container does not say.

    container: FFmpeg's name of it.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        if container.startswith("matroska"):
            return all(end <= size for end in _matroska_ends(stream, size))
        if container == "avi":
            return all(end <= size for end in _riff_ends(stream, size))
        if container.startswith("mov"):
            return _is_whole_mp4(stream, size)
        if container == "dv":
            return size % PICTURES["dv"][bool(stream.read(4)[3:4] >= b"\x80")] == 0
    if container in PACKETS:
        return None if any(size % length == 0 for length in PACKETS[container]) else False
    return None


def _riff_ends(stream: BinaryIO, size: int) -> Iterator[int]:
    """Yield where each chunk of an AVI ends: one, and more where it is larger than a gigabyte."""
    place = 0
    while place < size:
        stream.seek(place)
        head = stream.read(8)
        if not place or head[:4] == b"RIFF":
            place += 8 + int.from_bytes(head[4:8], "little")
            # a recorder that was switched off writes no length
            yield place if int.from_bytes(head[4:8], "little") else size + 1
        else:
            return  # what others append


def _is_whole_mp4(stream: BinaryIO, size: int) -> bool | None:
    """Return whether an MP4's last fragment is all there; None where nothing says that it is the last."""
    boxes = list(outer_boxes(stream, size))
    kinds = {box.kind for box in boxes}
    if b"moof" not in kinds:
        return True  # its index says where the pictures are
    last = boxes[-1]
    if (last.end > size and last.kind in MEDIA) or last.kind == b"moof":
        return False
    if kinds & BOUNDS:
        return True  # or its length says that something is missing
    # less than a box's head is one that was begun
    return False if 0 < size - last.end < HEAD else None


def _matroska_ends(stream: BinaryIO, size: int) -> Iterator[int]:
    """Yield where each element of Matroska ends, those in its segment and its clusters too."""
    place, limit = 0, size
    while place < limit:
        stream.seek(place)
        kind, kind_length = _number(stream, keep_marker=True)
        length, length_length = _number(stream)
        body = place + kind_length + length_length
        if not kind_length or not length_length:
            yield size + 1
            return
        is_open = length == (1 << 7 * length_length) - 1
        if kind in (SEGMENT, CLUSTER):
            yield body if is_open else body + length
            # what others append to the segment is not looked at
            limit = min(limit, body + length) if kind == SEGMENT and not is_open else limit
            place = body
        else:
            yield size + 1 if is_open else body + length
            place = body + length


def _number(stream: BinaryIO, *, keep_marker: bool = False) -> tuple[int, int]:
    """Return a number of Matroska's and how many bytes it takes, 0 where the file ends in it."""
    first = stream.read(1)
    if not first or not first[0]:
        return 0, 0
    length = 9 - first[0].bit_length()
    rest = stream.read(length - 1)
    if len(rest) < length - 1:
        return 0, 0
    value = first[0] if keep_marker else first[0] & ((1 << (8 - length)) - 1)
    return int.from_bytes(bytes([value]) + rest, "big"), length
