"""What may be a face, and the line of corrections that answers it."""

from fractions import Fraction

import numpy as np
import pytest
from doubts_support import write_doubts
from tests_support import write_pictures, write_stream

from flows.review.doubts import read_doubts
from tasks.deidentify.corrections import Film, read_corrections
from tasks.files.clips import corrections_path, video_path

CLIP = f"clip-{3:016x}"


def _workspace(tmp_path, stretch=1):
    path = tmp_path / video_path("original", CLIP)
    path.parent.mkdir(parents=True)
    if stretch == 1:
        write_pictures(path, [np.zeros((48, 64, 3), np.uint8)] * 20)
    else:
        write_stream(path, pts=range(0, 20), pixel_aspect=Fraction(stretch))
    write_doubts(tmp_path, CLIP)
    return tmp_path


@pytest.mark.parametrize(("stretch", "lines"), [
    (1, ["5,7,10,12,40,44,remove,,", "12,14,20,23,30,33,add,pixelate,"]),
    (2, ["5,7,20,12,80,44,remove,,", "12,14,41,23,60,33,add,pixelate,"]),
])  # fmt: skip
def test_each_doubt_has_its_line_and_it_can_be_read(tmp_path, stretch, lines):
    root = _workspace(tmp_path, stretch)
    doubts = list(read_doubts(root, CLIP))
    assert [(one.belief, one.frame, one.line) for one in doubts] == [
        ("possible", 6, lines[0]), ("rejected", 12, lines[1]),
    ]  # fmt: skip
    assert [one.reason for one in doubts] == ["at best 0.40", "at best 0.10"]
    path = root / corrections_path(CLIP)
    path.parent.mkdir()
    path.write_text("\n".join(["first_frame,last_frame,x0,y0,x1,y1,action,method,uncovers_a_face", *lines]))
    told = read_corrections(root, CLIP, Film(20, (64, 48), float(stretch)))
    assert [(one.action, one.frames) for one in told] == [("remove", range(5, 8)), ("add", range(12, 15))]
    # in stored pixels again, whatever a player makes of them
    assert told[0].box_xyxy.tolist() == [10, 12, 40, 44]
