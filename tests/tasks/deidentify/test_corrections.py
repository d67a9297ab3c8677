"""What a person writes down is checked, row by row."""

import pytest

from tasks.deidentify.corrections import Film, check_corrections, read_corrections
from tasks.files.errors import DocumentError

CLIP = "clip-0123456789abcdef"
HEADER = "first_frame,last_frame,x0,y0,x1,y1,action,method\n"
FILM = Film(50, (64, 48))


def _read(tmp_path, text, film=FILM):
    path = tmp_path / f"data/corrections/{CLIP}.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return read_corrections(tmp_path, CLIP, film)


def test_rows_become_corrections(tmp_path):
    first, second = _read(tmp_path, HEADER + "0,9,1,2,30,40,add,mask\n5,5,0,0,10,10,remove,\n")
    assert (first.frames, first.action, first.method) == (range(10), "add", "mask")
    assert first.box_xyxy.tolist() == [1, 2, 30, 40]
    assert (second.frames, second.action, second.method) == (range(5, 6), "remove", None)


def test_no_file_is_no_correction(tmp_path):
    assert read_corrections(tmp_path, CLIP, FILM) == []


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
        (
            "0,9,64,0,90,9,add,mask",
            "row 1: the box lies outside of the picture, which is 64 x 48 pixels",
        ),
        ("0,9,0,48,9,99,add,mask", "row 1: the box lies outside of the picture"),
        ("0,9,63.5,0,70,9,add,mask", "row 1: the box lies outside of the picture"),
        ("a,9,0,0,9,9,add,mask", "cannot be read: it needs the columns first_frame"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, says):
    with pytest.raises(DocumentError, match=says):
        _read(tmp_path, HEADER + row + "\n")


@pytest.mark.parametrize(
    ("aspect", "shown", "stored"),
    [
        (16 / 11, (46, 10, 91, 20), (46 * 11 / 16, 10, 91 * 11 / 16, 20)),
        (2.0, (100, 0, 128, 48), (50, 0, 64, 48)),
        (0.5, (10, 80, 20, 96), (10, 40, 20, 48)),
        (1.0, (10, 20, 20, 40), (10, 20, 20, 40)),
    ],
)
def test_a_box_is_where_a_player_shows_it(tmp_path, aspect, shown, stored):
    row = "0,9," + ",".join(map(str, shown)) + ",add,mask\n"
    (found,) = _read(tmp_path, HEADER + row, Film(50, (64, 48), aspect))
    assert found.box_xyxy.tolist() == pytest.approx(stored, rel=1e-5)


def test_a_row_says_that_it_uncovers_a_face(tmp_path):
    header = HEADER.replace("method\n", "method,uncovers_a_face\n")
    first, second = _read(tmp_path, header + "0,9,1,2,30,40,remove,,yes\n5,5,0,0,10,10,remove,,\n")
    assert (first.uncovers, second.uncovers) == (True, False)


def test_it_says_so_with_yes_and_nothing_else(tmp_path):
    header = HEADER.replace("method\n", "method,uncovers_a_face\n")
    with pytest.raises(DocumentError, match="column uncovers_a_face row 1"):
        _read(tmp_path, header + "0,9,1,2,30,40,remove,,no\n")


def test_a_file_that_names_no_clip_is_refused(tmp_path):
    _read(tmp_path, HEADER)
    check_corrections(tmp_path, [CLIP])
    with pytest.raises(DocumentError, match="belong to no admitted clip"):
        check_corrections(tmp_path, ["clip-ffffffffffffffff"])


@pytest.mark.parametrize("name", ["Mueller.png", "Mueller.csv", "notes.txt", ".hidden", "folder"])
def test_a_strange_file_among_the_corrections_is_told_without_its_name(tmp_path, name):
    _read(tmp_path, HEADER)
    path = tmp_path / "data/corrections" / name
    path.mkdir() if name == "folder" else path.write_text("")
    with pytest.raises(DocumentError, match=r"holds 1 file") as told:
        check_corrections(tmp_path, [CLIP])
    assert name not in str(told.value)


@pytest.mark.parametrize("ending", [".CSV", ".csv.txt", ".Csv"])
def test_a_misspelt_ending_is_named(tmp_path, ending):
    _read(tmp_path, HEADER)
    (tmp_path / f"data/corrections/{CLIP}{ending}").write_text(HEADER)
    with pytest.raises(DocumentError, match=f"{CLIP}{ending}"):
        check_corrections(tmp_path, [CLIP])
