"""What a person writes down is checked, row by row."""

import numpy as np
import pytest

from tasks.deidentify.correcting import correct
from tasks.deidentify.corrections import Film, check_corrections, read_corrections
from tasks.deidentify.face_regions import FaceRegion
from tasks.files.clips import corrections_path
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
        ("0,50,0,0,9,9,add,mask", "row 2: frames go from 0 to 49"),
        ("9,0,0,0,9,9,add,mask", "row 2: frames go from 0 to 49"),
        ("0,9,9,0,9,9,add,mask", "row 2: x1 must lie right of x0"),
        ("0,9,0,0,9,9,hide,mask", "column action row 2: write add, remove or method"),
        ("0,9,0,0,9,9,add,mesh_swap", "column method row 2: write blur, pixelate or mask, or nothing"),
        ("0,9,0,0,9,9,method,", "row 2: the action method needs a method"),
        ("-1,9,0,0,9,9,add,mask", "column first_frame row 2: write no number below 0"),
        (
            "0,9,64,0,90,9,add,mask",
            "row 2: the box lies outside of the picture, which is 64 x 48 pixels",
        ),
        ("0,9,0,48,9,99,add,mask", "row 2: the box lies outside of the picture"),
        ("0,9,63.5,0,70,9,add,mask", "row 2: the box lies outside of the picture"),
        ("a,9,0,0,9,9,add,mask", "row 2: first_frame is no number"),
        ("0,9,nan,0,9,9,add,mask", "row 2: x0 is no number"),
        ("0,9,0,0,inf,9,add,mask", "row 2: x1 is no number"),
        ("0.5,9,0,0,9,9,add,mask", "row 2: first_frame is no number"),
        ("\n\n0,9,0,0,9,9,add,mosaic", "column method row 4"),
        ("0,9,0,0,9,9,add,mask\n0,9,0,0,9,9,add,mask,,4", "row 3: it has more cells than the header"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, says):
    with pytest.raises(DocumentError, match=says):
        _read(tmp_path, HEADER + row + "\n")


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + "0,9,1.5,2,30,40,add,mask\n").encode("utf-16"),
        (HEADER + "0.0,9.00,1.5,2,30,40,add,mask\n").encode(),
        (HEADER + "\n0,9,1.5,2,30,40, Add ,MASK\n,,,,,,,\n").encode("utf-8-sig"),
        (HEADER + "0,9,1.5,2,30,40,add,mask\n").replace(",", ";").replace(".", ",").encode(),
        ("sep=;\r\n" + HEADER.upper() + "0,9,1.5,2,30,40,add,mask\n").replace(",", ";").encode(),
        (HEADER + "0,9,1.5,2,30,40,add,mask\n").replace(",", "\t").encode(),
        (HEADER.replace("\n", ",,\n") + "0,9,1.5,2,30,40,add,mask,,\n").encode(),
    ],
)
def test_rows_may_be_saved_as_spreadsheets_do(tmp_path, content):
    _read(tmp_path, HEADER)
    (tmp_path / corrections_path(CLIP)).write_bytes(content)
    (found,) = read_corrections(tmp_path, CLIP, FILM)
    assert (found.frames, found.action, found.method) == (range(10), "add", "mask")
    assert found.box_xyxy.tolist() == [1.5, 2, 30, 40]


@pytest.mark.parametrize(
    "columns", ["first_frame,last_frame", HEADER.strip() + ",name", HEADER.strip() + ",x0"]
)
def test_columns_that_are_missing_unknown_or_there_twice_are_told(tmp_path, columns):
    with pytest.raises(DocumentError, match="cannot be read: it needs the columns first_frame"):
        _read(tmp_path, columns + "\n" + ",".join("1" * (columns.count(",") + 1)) + "\n")


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
    with pytest.raises(DocumentError, match="column uncovers_a_face row 2"):
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


MORE = "to_x0,to_y0,to_x1,to_y1,track"


def _written(
    tmp_path, *rows, header=f"first_frame,last_frame,x0,y0,x1,y1,action,method,uncovers_a_face,{MORE}"
):
    path = tmp_path / corrections_path(CLIP)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")
    return read_corrections(tmp_path, CLIP, FILM)


def test_two_boxes_follow_somebody_who_walks_through(tmp_path):
    (line,) = _written(tmp_path, "2,6,0,0,10,10,add,pixelate,,40,20,60,40,")
    assert [line.box_in(frame).tolist() for frame in (2, 4, 6)] == [
        [0, 0, 10, 10], [20, 10, 35, 25], [40, 20, 60, 40],
    ]  # fmt: skip
    regions = correct([], [line])
    assert [region.frame for region in regions] == [2, 3, 4, 5, 6]
    assert regions[2].box_xyxy.tolist() == [20, 10, 35, 25]
    (still,) = _written(tmp_path, "2,6,0,0,10,10,add,pixelate,,,,,,")
    assert {tuple(still.box_in(frame)) for frame in still.frames} == {(0, 0, 10, 10)}


@pytest.mark.parametrize("track", [3, 4])
@pytest.mark.parametrize(("frames", "told"), [("1,2", {1, 2}), (",", {0, 1, 2, 3})])
def test_a_track_is_followed_wherever_it_goes(tmp_path, track, frames, told):
    (line,) = _written(tmp_path, f"{frames},,,,,method,mask,,,,,,{track}")
    seen = [
        FaceRegion(frame, one, "tracked", np.array([frame * 9, 0, frame * 9 + 5, 5], np.float32), "mesh_swap")
        for frame in range(4)
        for one in (3, 4)
    ]
    changed = {(one.frame, one.track) for one in correct(seen, [line]) if one.method == "mask"}
    assert changed == {(frame, track) for frame in told}


def test_what_is_new_may_be_left_out_and_stand_in_any_order(tmp_path):
    header = "action,track,method,first_frame,last_frame,x0,y0,x1,y1"
    (line,) = _written(tmp_path, "method,2,blur,,,,,,", header=header)
    assert (line.track, line.method, line.box_xyxy) == (2, "blur", None)
    assert line.frames == range(FILM.frame_count)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0,1,,,,,add,mask,,,,,,3", "write a box, or"),
        ("0,1,0,0,9,9,remove,,,,,,,3", "write a box, or"),
        ("0,1,,,,,remove,,,,,,,", "write a box, or"),
        ("0,,0,0,9,9,remove,,,,,,,", "first before last"),
        ("0,1,0,0,9,,remove,,,,,,,", "a box has four numbers"),
        ("0,1,0,0,9,9,add,,,1,1,9,,", "a box has four numbers"),
        ("0,1,0,0,9,9,add,,,9,1,1,9,", "to_x1 must lie right of to_x0"),
        ("0,1,0,0,9,9,add,,,9000,0,9999,9,", "lies outside of the picture"),
        ("0,1,,,,,remove,,,,,,,-1", "track"),
    ],
)
def test_what_cannot_be_followed_is_one_sentence(tmp_path, row, said):
    with pytest.raises(DocumentError, match=said):
        _written(tmp_path, row)
