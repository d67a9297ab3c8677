"""The outer boxes of an MP4 or MOV (ISO/IEC 14496-12)."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

HEAD, LONG_HEAD = 8, 16  # bytes
# what else stands beside them is no part of the video
KINDS = (
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"free", b"skip", b"wide",
    b"uuid", b"meta", b"emsg", b"prft", b"pdin", b"udta",
)  # fmt: skip


class Box(NamedTuple):
    """A box: its kind, and the bytes where its content begins and where it ends, if it is all there."""

    kind: bytes
    body: int
    end: int


def outer_boxes(stream: BinaryIO, size: int) -> Iterator[Box]:
    """Yield the boxes of a file of so many bytes, up to the first that is none."""
    place = 0
    while place + HEAD <= size:
        stream.seek(place)
        head = stream.read(LONG_HEAD)
        length, kind = int.from_bytes(head[:4]), head[4:HEAD]
        if kind not in KINDS:
            return
        body = place + (LONG_HEAD if length == 1 else HEAD)
        if length == 1:
            length = int.from_bytes(head[HEAD:])
        end = size if length == 0 else place + length
        if end < body:
            return
        yield Box(kind, body, end)
        place = end
