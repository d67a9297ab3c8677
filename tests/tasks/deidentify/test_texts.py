"""Which lines of text are covered, and that they are."""

import numpy as np
import polars as pl
import pytest

from schemas.texts import COVERED_TEXTS, TEXTS
from tasks.deidentify.correcting import Correction
from tasks.deidentify.render import cover_texts
from tasks.deidentify.texts import choose_texts, texts_table
from tasks.files.tables import build_table, check_table
from tasks.video import Frame
from tasks.video.pictures import Picture

SIZE_WH = (100, 48)
NAME, SIGN = (10.0, 10.0, 50.0, 20.0), (60.0, 30.0, 90.0, 38.0)


def _texts(*rows):
    """Rows: line, first frame, last frame, kind, box."""
    names = ("line", "first_frame", "last_frame", "kind", "box_xyxy")
    return build_table([dict(zip(names, row, strict=True)) for row in rows], TEXTS)


BOTH = _texts((0, 0, 9, "identifying", list(NAME)), (1, 2, 5, "other", list(SIGN)))


def test_a_word_that_may_be_a_name_is_covered_too():
    assert [
        text.covered for text in choose_texts(_texts((0, 0, 9, "word", list(NAME))), "cover", [], SIZE_WH)
    ] == [True]


@pytest.mark.parametrize(
    ("rule", "covered"), [("cover", [True, False]), ("flag", [False, False]), ("keep", [False, False])]
)
def test_what_may_identify_is_covered_where_the_rule_says_so(rule, covered):
    assert [text.covered for text in choose_texts(BOTH, rule, [], SIZE_WH)] == covered


def _remove(frames, box, to=None):
    to_xyxy = None if to is None else np.array(to, np.float32)
    return Correction(frames, np.array(box, np.float32), "remove", to_xyxy=to_xyxy)


def test_a_person_takes_a_cover_away_in_some_frames():
    texts = choose_texts(BOTH, "cover", [_remove(range(3, 6), (0, 0, 60, 30))], SIZE_WH)
    told = [(text.first_frame, text.last_frame, text.covered) for text in texts if text.line == 0]
    assert told == [(0, 2, True), (3, 5, False), (6, 9, True)]


def test_a_box_that_moves_uncovers_only_where_it_lies_over_the_line():
    texts = choose_texts(BOTH, "cover", [_remove(range(10), (0, 0, 60, 30), (200, 200, 260, 230))], SIZE_WH)
    assert [text.covered for text in texts if text.line == 0] == [False, True]


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (60, 30, 90, 38)])
def test_a_box_that_holds_less_than_the_line_or_another_one_uncovers_nothing(box):
    assert [text.covered for text in choose_texts(BOTH, "cover", [_remove(range(10), box)], SIZE_WH)] == [
        True,
        False,
    ]


def _frames(count):
    rng = np.random.default_rng(0)
    for index in range(count):
        rgb = rng.integers(0, 255, (48, 100, 3)).astype(np.uint8)
        yield Frame(index=index, pts=index, timestamp_s=index / 25, picture=Picture.from_rgb(rgb))


@pytest.mark.parametrize("first", [0, 4])
def test_exactly_the_covered_boxes_are_filled_in_their_frames(first):
    texts = choose_texts(
        _texts(
            (0, 3, 6, "identifying", list(NAME)), (1, 0, 9, "other", list(SIGN)),
            (2, 6, 6, "identifying", list(SIGN)),
        ),
        "cover", [], SIZE_WH,
    )  # fmt: skip
    frames = [frame for frame in _frames(10) if frame.index >= first]
    for frame in cover_texts(iter(frames), texts):
        changed = (frame.rgb != frame.picture.original).any(axis=2)
        expected = {"name": 3 <= frame.index <= 6, "sign": frame.index == 6}
        for name, (x0, y0, x1, y1) in (("name", NAME), ("sign", SIGN)):
            inside = frame.rgb[int(y0) : int(y1), int(x0) : int(x1)]
            assert (len(np.unique(inside.reshape(-1, 3), axis=0)) == 1) is expected[name], (frame.index, name)
            changed[int(y0) : int(y1), int(x0) : int(x1)] = False
        assert not changed.any()


def test_the_table_of_what_became_of_each_line_keeps_its_schema():
    for table in (texts_table(choose_texts(BOTH, "cover", [], SIZE_WH)), texts_table([])):
        check_table(table, COVERED_TEXTS, "texts")
    assert isinstance(texts_table([]), pl.DataFrame)
