"""What may be a face, and the line of corrections that answers it."""

from fractions import Fraction

import numpy as np
import pytest
from doubts_support import write_doubts
from tests_support import write_pictures, write_stream

from flows.review.doubts import read_doubts
from flows.review.texts import left_in, read_texts
from schemas.texts import CLIP_TEXTS, COVERED_TEXTS
from tasks.deidentify.corrections import Film, read_corrections
from tasks.files.clips import corrections_path, covered_texts_path, video_path
from tasks.files.documents import write_table
from tasks.files.tables import build_table

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


def _run(line, frames, box, *, kind="identifying", covered=True):
    return {
        "line": line, "first_frame": frames[0], "last_frame": frames[1], "kind": kind,
        "box_xyxy": [float(side) for side in box], "covered": covered,
    }  # fmt: skip


def test_each_line_of_text_has_the_line_that_says_otherwise_and_it_can_be_read(tmp_path):
    root = _workspace(tmp_path)
    path = root / covered_texts_path("released", CLIP)
    path.parent.mkdir(parents=True)
    rows = [
        _run(0, (0, 9), (4.5, 3, 30, 8)), _run(0, (10, 19), (6, 5, 32.2, 10)),
        _run(1, (3, 7), (10, 30, 40, 36), kind="other", covered=False),
    ]  # fmt: skip
    write_table(build_table(rows, COVERED_TEXTS), COVERED_TEXTS, path)
    texts = list(read_texts(root, CLIP))
    assert [(one.first, one.last, one.kind, one.covered) for one in texts] == [
        (0, 19, "identifying", True), (3, 7, "other", False),
    ]  # fmt: skip
    lines = [one.line for one in texts]
    assert lines == ["0,19,4,3,33,10,remove,,", "3,7,10,30,40,36,add,mask,"]
    path = root / corrections_path(CLIP)
    path.parent.mkdir()
    path.write_text("\n".join(["first_frame,last_frame,x0,y0,x1,y1,action,method,uncovers_a_face", *lines]))
    assert len(read_corrections(root, CLIP, Film(20, (64, 48), 1.0))) == 2


def test_frames_of_the_release_in_which_something_is_read_are_told():
    rows = [
        {"clip_id": CLIP, "arm": arm, "first_frame": n, "last_frame": n, "kind": "other",
         "box_xyxy": [0.0] * 4, "covered": False}
        for arm, n in (("original", 3), ("released", 9), ("released", 4), ("released", 9))
    ]  # fmt: skip
    assert left_in(build_table(rows, CLIP_TEXTS)) == [4, 9]
