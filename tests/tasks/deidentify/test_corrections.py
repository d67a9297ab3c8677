"""What a person writes down is checked, row by row."""

import pytest

from tasks.deidentify.reading import check_corrections, read_corrections
from tasks.errors import DocumentError

CLIP = "clip-0123456789abcdef"
HEADER = "first_frame,last_frame,x0,y0,x1,y1,action,method\n"


def _read(tmp_path, text):
    path = tmp_path / f"data/corrections/{CLIP}.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return read_corrections(tmp_path, CLIP, 50)


def test_rows_become_corrections(tmp_path):
    first, second = _read(tmp_path, HEADER + "0,9,1,2,30,40,add,mask\n5,5,0,0,10,10,remove,\n")
    assert (first.frames, first.action, first.method) == (range(10), "add", "mask")
    assert first.box_xyxy.tolist() == [1, 2, 30, 40]
    assert (second.frames, second.action, second.method) == (range(5, 6), "remove", None)


def test_no_file_is_no_correction(tmp_path):
    assert read_corrections(tmp_path, CLIP, 50) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("0,50,0,0,9,9,add,mask", "row 1: frames go from 0 to 49"),
        ("9,0,0,0,9,9,add,mask", "row 1: frames go from 0 to 49"),
        ("0,9,9,0,9,9,add,mask", "row 1: x1 must lie right of x0"),
        ("0,9,0,0,9,9,hide,mask", "column action row 1"),
        ("0,9,0,0,9,9,add,mesh_swap", "column method row 1"),
        ("0,9,0,0,9,9,method,", "row 1: the action method needs a method"),
        ("-1,9,0,0,9,9,add,mask", "column first_frame row 1"),
        ("a,9,0,0,9,9,add,mask", "cannot be read: it needs the columns first_frame"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, says):
    with pytest.raises(DocumentError, match=says):
        _read(tmp_path, HEADER + row + "\n")


def test_a_file_that_names_no_clip_is_refused(tmp_path):
    _read(tmp_path, HEADER)
    check_corrections(tmp_path, [CLIP])
    with pytest.raises(DocumentError, match="names no admitted clip"):
        check_corrections(tmp_path, ["clip-ffffffffffffffff"])
