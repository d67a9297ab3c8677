"""The manifest as Excel and people save it: what is harmless is taken, what is wrong is one row's."""

import codecs
import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.demo.sample import COLUMNS
from tasks.files.errors import DocumentError
from tasks.ingest.manifest import read_handed_in, read_manifest

ROWS = [
    ["visit1/müller.mp4", "P-017", "s1", "gait", "yes", "2027-12-31", "", "line one\nline two, and more"],
    ["b.mp4", "P-018", "s1", "gait", "no", "", "keep", ""],
]
TEXT = "\r\n".join([",".join(COLUMNS), *(",".join(f'"{cell}"' for cell in row) for row in ROWS)]) + "\r\n"


def _read(folder, content):
    (folder / "manifest.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_handed_in(folder / "manifest.csv")


def _text(rows, columns=COLUMNS, delimiter=","):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows([columns, *rows])
    return stream.getvalue()


@pytest.mark.parametrize(("content", "told"), [
    (TEXT.encode(), ()),
    (codecs.BOM_UTF8 + TEXT.encode(), ()),
    (TEXT.replace("\r\n", "\n").encode(), ()),
    (TEXT.encode("utf-16"), ("is in UTF-16",)),
    (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), ("is in UTF-16",)),
    (TEXT.encode("cp1252"), ("is in Windows-1252",)),
    (_text(ROWS, delimiter=";").encode(), ("is separated by semicolons",)),
    (_text(ROWS, delimiter="\t").encode(), ("is separated by tabs",)),
    (b"sep=,\r\n" + TEXT.encode(), ()),
    (b"sep=;\r\n" + _text(ROWS, delimiter=";").encode(), ("is separated by semicolons",)),
    (b'"sep=|"\r\n' + _text(ROWS, delimiter="|").encode(), ("is separated by bars",)),
    (_text(ROWS, delimiter="|").encode(), ("is separated by bars",)),
    (b"sep=;;;;;;;;\r\n" + _text(ROWS, delimiter=";").encode(), ("is separated by semicolons",)),
    (b"sep= ;\r\n" + _text(ROWS, delimiter=";").encode(), ("is separated by semicolons",)),
    (b"sep=;,,,,,,,\r\n" + TEXT.encode(), ()),
    (TEXT.encode("utf-16-le"), ("is in UTF-16",)),
    (TEXT.encode("utf-16-be"), ("is in UTF-16",)),
    (_text([[*row, "", ""] for row in ROWS], [*COLUMNS, "", ""]).encode(),
     ("has columns without a name or a value",)),
    (_text([[], ROWS[0], ["", " "], ROWS[1], []]).encode(), ("has blank rows",)),
    (_text(ROWS, [name.upper().replace("_", " ") for name in COLUMNS]).encode(),
     ("spells names of columns otherwise",)),
    (_text([*ROWS, ROWS[0]]).encode(), ("has rows that are there twice",)),
    (_text([[*row[:4], f" {row[4].title()}", row[5], row[6].upper(), row[7]] for row in ROWS]).encode(), ()),
    (_text([[*row[:7]] if not row[7] else row for row in ROWS]).encode(), ()),
])  # fmt: skip
def test_what_is_harmless_is_taken_and_told(tmp_path, content, told):
    found = _read(tmp_path, content)
    assert found.wrong == ()
    assert [[cell or "" for cell in row] for row in found.rows.select(COLUMNS).rows()] == ROWS
    assert found.told == tuple(f"manifest.csv {what}" for what in told)
    assert read_manifest(tmp_path / "manifest.csv").equals(found.rows)


@pytest.mark.parametrize(("written", "read"), [
    ("2027-12-31", "2027-12-31"), ("31/12/2027", "2027-12-31"), ("12/31/2027", "2027-12-31"),
    ("31.12.2027", "2027-12-31"), ("2027/1/5", "2027-01-05"), ("5.5.2027", "2027-05-05"), ("", None),
    ("03/04/2027", "one of two"), ("3.4.27", "one of two"), ("31/31/2027", "one of two|no such day"),
    ("2027-02-30", "no such day"), ("30/02/2027", "no such day"), ("tomorrow", "one of two"),
    ("46022", "one of two"),
])  # fmt: skip
def test_a_day_is_read_in_one_way_or_not_at_all(tmp_path, written, read):
    found = _read(tmp_path, _text([["a.mp4", "P1", "s1", "gait", "yes", written, "", ""], ROWS[1]]))
    if read is None or read[:1].isdigit():
        assert found.wrong == ()
        assert found.rows["consent_expires"][0] == read
    else:
        (wrong,) = found.wrong
        assert (wrong.row, wrong.file) == (2, "a.mp4")
        assert any(said in wrong.detail for said in read.split("|"))
        assert not written or written not in wrong.detail
        assert found.rows["file"].to_list() == ["b.mp4"]


@pytest.mark.parametrize(("change", "said"), [
    ({"consent_release": "perhaps"}, "consent_release: write yes or no"),
    ({"consent_release": ""}, "consent_release: it is empty"),
    ({"subject_id": ""}, "subject_id: it is empty"),
    ({"subject_id": "\u200b"}, "subject_id: it holds nothing that can be seen"),
    ({"session": "visit 1"}, "session: write letters"),
    ({"task": "P-018"}, "task: a label is published"),
    ({"audio_policy": "mute"}, "audio_policy: write drop, keep or nothing"),
    ({"file": "x" * 201}, "file: write 1 to 200 characters"),
    ({"file": ""}, "file: it is empty"),
    ({"file": "b.mp4"}, "file: another row names it, too, and is not the same: leave one of them"),
    ({"notes": "a", "more": "b"}, "more cells than the header"),
])  # fmt: skip
def test_a_wrong_row_is_refused_with_the_number_that_a_spreadsheet_shows(tmp_path, change, said):
    row = list((dict(zip(COLUMNS, ROWS[0], strict=True)) | change).values())
    others = [["c.mp4", "P-019", "s1", "gait", "yes", "", "", ""], [], ROWS[1]]
    found = _read(tmp_path, _text([*others, row]))
    assert {one.row for one in found.wrong} - {4} == {5}
    assert said in found.wrong[-1].detail
    assert "c.mp4" in found.rows["file"].to_list()
    with pytest.raises(DocumentError, match=r"manifest\.csv row [45]: "):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize(("content", "said"), [
    (b"", "is empty"), (b"\n\n", "is empty"), (b"\x81\x8d", "is no text"), (b"\xff\xfea", "is no text"),
    (TEXT.replace("session,", ""), "lacks the column session: its first row names file, subject_id, "),
    (TEXT.replace("subject_id", "subject"), "lacks the column subject_id: its first row names file, subj"),
    (TEXT.replace("notes", "notes,notes"), "has the column notes twice"),
    (TEXT.replace("notes", "notes,diagnosis"), "has 1 columns that are not known"),
    (TEXT.replace('"P-017"', '"P-017'), "not a readable CSV table"),
    (TEXT + '"and then', "not a readable CSV table"),
])  # fmt: skip
def test_what_is_no_manifest_is_one_sentence(tmp_path, content, said):
    with pytest.raises(DocumentError, match=said):
        _read(tmp_path, content)


@pytest.mark.parametrize("before", ["", "\r\n", " ,,\r\n\r\n"])
def test_rows_are_counted_as_a_spreadsheet_does_whatever_stands_above(tmp_path, before):
    """A cell of two lines is one row, a blank line is one, too."""
    content = before + _text([ROWS[0], [], ["c.mp4", "P-019", "s1", "gait", "mabye", "", "", ""]])
    (wrong,) = _read(tmp_path, content).wrong
    assert wrong.row == 4 + before.count("\n")


def test_one_file_in_two_compositions_is_one_file(tmp_path):
    names = ["Zo\u00eb.mp4", "Zoe\u0308.mp4"]
    found = _read(tmp_path, _text([*ROWS, *([name, *ROWS[1][1:]] for name in names)]))
    assert [(one.row, one.file) for one in found.wrong] == [(4, names[0]), (5, names[1])]
    assert len(found.rows) == len(ROWS)


@pytest.mark.parametrize("names", [("a.mp4", "./a.mp4"), ("a.mp4", "a.mp4 "), ("v/a.mp4", "v\\a.mp4"),
                                   ("./Zo\u00eb.mp4", "Zoe\u0308.mp4")])  # fmt: skip
def test_rows_that_disagree_on_one_file_however_it_is_spelt_are_both_wrong(tmp_path, names):
    rows = [[name, *ROWS[1][1:4], said, "", "", ""] for name, said in zip(names, ("no", "yes"), strict=True)]
    found = _read(tmp_path, _text([ROWS[0], *rows]))
    assert [one.row for one in found.wrong] == [3, 4]
    assert found.rows["file"].to_list() == [ROWS[0][0]]


@pytest.mark.parametrize("slipped", [
    ["P-019", "s1", "gait", "yes"],
    ["c.mp4", "s1", "gait", "walks", "2027-12-31", "", ""],
])  # fmt: skip
def test_a_row_whose_cells_have_slipped_is_wrong_alone(tmp_path, slipped):
    """What stands under subject_id there is somebody's session or task."""
    found = _read(tmp_path, _text([*ROWS, slipped]))
    assert [one.row for one in found.wrong] == [4]
    assert len(found.rows) == len(ROWS)


@pytest.mark.parametrize("others", [1, 2, 3])
def test_a_name_in_labels_is_refused_there_however_many_hold_it(tmp_path, others):
    rows = [[f"{n}.mp4", f"P-{n}", "s1", "Meier", "yes", "", "", ""] for n in range(others)]
    found = _read(tmp_path, _text([*rows, ["m.mp4", "meier", "s1", "gait", "yes", "", "", ""]]))
    assert [one.row for one in found.wrong] == list(range(2, 2 + others))


@pytest.mark.parametrize("slip", [
    {"consent_release": "mabye"}, {"consent_release": ""}, {"consent_release": "ja"},
    {"audio_policy": "loud"}, {"consent_expires": "03/04/2027"}, {"session": ""},
])  # fmt: skip
def test_whose_row_is_wrong_is_named_in_no_label_either(tmp_path, slip):
    wrong = dict(zip(COLUMNS, ["c.mp4", "Meier", "s1", "gait", "yes", "", "", ""], strict=True)) | slip
    named = ["d.mp4", "P-020", "s1", "meier walks", "yes", "", "", ""]
    found = _read(tmp_path, _text([*ROWS, [wrong[name] for name in COLUMNS], named]))
    assert [one.row for one in found.wrong] == [4, 5]
    assert "holds a subject's id" in found.wrong[1].detail


@pytest.mark.parametrize("notes", ['"urgent" today', 'he said "no" "twice"', '5" off', "x" * 200_000])
def test_what_stands_in_notes_stops_nobody(tmp_path, notes):
    rows = [[*ROWS[0][:7], "plain"], [*ROWS[1][:7], "plain"]]
    lines = _text(rows).split("\r\n")
    lines[1] = lines[1].removesuffix("plain") + notes
    found = _read(tmp_path, "\r\n".join(lines))
    assert found.wrong == ()
    assert found.rows["file"].to_list() == [row[0] for row in ROWS]
    assert found.rows["notes"][0].replace('"', "") == notes.replace('"', "")


def test_a_quote_that_swallows_other_rows_is_refused(tmp_path):
    """Whose they are nobody would know."""
    lines = _text([[*row[:7], "plain"] for row in (*ROWS, ["c.mp4", *ROWS[1][1:]])]).split("\r\n")
    lines[1] = lines[1].removesuffix("plain") + '"urgent'
    with pytest.raises(DocumentError, match="not a readable CSV table"):
        _read(tmp_path, "\r\n".join(lines))


@pytest.mark.parametrize("change", [
    lambda text: text.replace("\r\n", "\r"),
    lambda text: "sep=,\r" + text.replace("\r\n", "\r"),
    lambda text: "\ufeff\ufeff" + text,
    lambda text: "sep=,\r\n\ufeff" + text,
    lambda text: text.replace("subject_id", "subject_\u200bid", 1),
])  # fmt: skip
def test_what_cannot_be_seen_and_other_ends_of_lines_do_no_harm(tmp_path, change):
    rows = [[*row[:7], "one; two; three; four; five; six"] for row in ROWS]
    found = _read(tmp_path, change(_text(rows)).encode())
    assert found.wrong == ()
    assert found.rows["file"].to_list() == [row[0] for row in ROWS]


@pytest.mark.parametrize(("title", "delimiter"), [
    ("# made by Ada", ","), ("# made by Ada", ";"), ("Gait laboratory;;;", ","), ("Gait laboratory", "\t"),
    ("Cohort of 2026,,,,,,,", ","),
])  # fmt: skip
def test_a_title_above_the_names_of_the_columns_is_told(tmp_path, title, delimiter):
    found = _read(tmp_path, f"{title}\r\n\r\n{_text(ROWS, delimiter=delimiter)}")
    assert found.rows["file"].to_list() == [row[0] for row in ROWS]
    assert (found.wrong, found.told[-1]) == ((), "manifest.csv has a title above the names of its columns")


def test_a_row_above_the_names_of_the_columns_is_not_read_and_not_forgotten(tmp_path):
    """As where somebody sorted the table with its first row."""
    lines = _text(ROWS).split("\r\n")
    found = _read(tmp_path, "\r\n".join([lines[1], lines[0], *lines[2:]]))
    (wrong,) = found.wrong
    assert (wrong.row, wrong.cells[0]) == (1, ROWS[0][0])
    assert found.rows["file"].to_list() == [row[0] for row in ROWS[1:]]


@pytest.mark.parametrize("begin", [0, 1, 7])
def test_a_column_that_counts_the_rows_is_left_out(tmp_path, begin):
    header, *lines = _text(ROWS).split("\r\n")
    counted = [f"{number},{line}" for number, line in enumerate(lines, begin) if line]
    found = _read(tmp_path, "\r\n".join([f",{header}", *counted]))
    assert len(found.rows) == (len(ROWS) if begin < 2 else 0)
    assert len(found.wrong) == (0 if begin < 2 else len(ROWS))


def test_a_cell_that_no_table_holds_is_one_sentence(tmp_path):
    with pytest.raises(DocumentError, match="not a readable CSV table"):
        _read(tmp_path, _text([*ROWS, ["x" * 10_000_001, *ROWS[0][1:]]]))


CELLS = st.one_of(
    st.sampled_from(
        [*ROWS[0], *ROWS[1], "Yes", "31/12/2027", ";", '"', "\t", "a\r\nb", "\u00a0", "=1+1", "\x00"]
    ),
    st.text(max_size=12),
)
# whose labels no id of the others can stand in
SOUND = ["sound.mp4", "Sound Person", "q", "q", "yes", "", "", ""]


@settings(max_examples=800)
@given(st.lists(st.lists(CELLS, max_size=10), max_size=5), st.sampled_from(",;\t|"), st.sampled_from(COLUMNS))
@example([["b.mp4", "P", "s1", "gait", "yes", "0001-01-01", "", ""]], ",", "file")
@example([["b.mp4", "q"]], ",", "file")
def test_whatever_is_typed_no_other_clip_is_lost(tmp_path_factory, rows, delimiter, column):
    """Whoever is named goes on or is refused by the number of the row, and a sound row always goes on."""
    rows = [row for row in rows if not {*row} & {SOUND[0], "q"}]
    folder, place = tmp_path_factory.getbasetemp(), COLUMNS.index(column)
    content = _text([SOUND[place:] + SOUND[:place], *rows], [*COLUMNS[place:], *COLUMNS[:place]], delimiter)
    separator = "" if delimiter != "|" else "sep=|\r\n"
    found = _read(folder, (separator + content).encode("utf-8", "replace"))
    assert "sound.mp4" in found.rows["file"].to_list()
    told = sum(any(cell.strip() for cell in row) for row in [SOUND, *rows])
    twice = any("there twice" in one for one in found.told)
    assert len(found.rows) + len(found.wrong) == told or (twice and len(found.rows) + len(found.wrong) < told)


def _told(folder, rows):
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return read_handed_in(folder / "manifest.csv")


@pytest.mark.parametrize(
    ("word", "kept"), [("yes", "yes"), ("Yes", "yes"), ("no", "no"), ("", None), (None, None)]
)
def test_who_may_be_mixed_is_said_in_a_column_that_need_not_be_there(tmp_path, word, kept):
    columns = COLUMNS if word is None else [*COLUMNS, "consent_mix"]
    rows = [[*row, *([] if word is None else [word])] for row in ROWS]
    found = _told(tmp_path, [columns, *rows])
    assert not found.wrong
    assert set(found.rows["consent_mix"]) == {kept}


def test_a_word_that_is_neither_yes_nor_no_is_refused(tmp_path):
    rows = [[*ROWS[0], "maybe"], [*ROWS[1], "yes"]]
    (wrong,) = _told(tmp_path, [[*COLUMNS, "consent_mix"], *rows]).wrong
    assert wrong.detail == "consent_mix: write yes or no"


def test_notes_need_not_be_there(tmp_path):
    at = COLUMNS.index("notes")
    without = [[cell for place, cell in enumerate(row) if place != at] for row in [COLUMNS, *ROWS]]
    (tmp_path / "manifest.csv").write_text("\n".join(",".join(row) for row in without))
    rows = read_manifest(tmp_path / "manifest.csv")
    assert rows["file"].to_list() == [row[0] for row in ROWS]
    assert rows["notes"].is_null().all()


@pytest.mark.parametrize(("names", "cells"), [(",", ";"), (",", "\t"), (";", ","), (";", "|")])
def test_a_row_that_is_separated_otherwise_is_told_as_that_and_no_more(tmp_path, names, cells):
    """Its cells were told as empty, one by one."""
    whole = _text([ROWS[1], ROWS[1]], delimiter=names).splitlines()
    other = _text([[*ROWS[0][:-1], "no line break"]], delimiter=cells).splitlines()[1]
    found = _read(tmp_path, "\n".join([whole[0], whole[1], other]) + "\n")
    assert found.rows["file"].to_list() == ["b.mp4"]
    (one,) = found.wrong
    assert (one.row, one.detail.count(";"), "separated otherwise" in one.detail) == (3, 0, True)
    assert {"P-017", "visit1/müller.mp4"} <= {*one.cells}  # whom it speaks of is not lost


def test_a_comma_in_the_notes_of_such_a_row_changes_nothing(tmp_path):
    (one,) = _read(tmp_path, f"{','.join(COLUMNS)}\nb.mp4;P-018;s1;gait;yes;;;one, two\n").wrong
    assert "separated otherwise" in one.detail


@pytest.mark.parametrize(
    "row", ['"a.mp4,P-1,s1,gait,yes,2099-01-01,,"', '"note: a, b, c, d, e",,,,', '"a,b,c,d,e.mp4"',
            "a;b;c;d;e.mp4,P-1,s1,gait,maybe,,,"],
)  # fmt: skip
def test_a_row_of_the_same_signs_is_told_what_it_lacks(tmp_path, row):
    (one,) = _read(tmp_path, f"{','.join(COLUMNS)}\n{row}\n").wrong
    assert "separated otherwise" not in one.detail
