"""Lines of text across the border of two parts: what is known on one side is covered on the other."""

import pytest

from schemas.texts import TEXTS
from tasks.files.tables import build_table
from tasks.text.borders import PartLines, join_lines

REACH = 20
HERE, THERE = [10.0, 10.0, 60.0, 20.0], [200.0, 10.0, 260.0, 20.0]


def _part(first, end, *lines):
    """lines: number, first and last frame, kind, box."""
    names = ("line", "first_frame", "last_frame", "kind", "box_xyxy")
    return PartLines(first, end, build_table([dict(zip(names, line, strict=True)) for line in lines], TEXTS))


def _told(*parts, reach=REACH):
    table = join_lines(parts, reach)
    return table.select("line", "first_frame", "last_frame").rows()


def test_lines_keep_numbers_of_their_own():
    parts = (
        _part(0, 100, (0, 3, 5, "other", HERE), (1, 7, 9, "word", HERE), (1, 10, 12, "word", THERE)),
        _part(100, 200),
        _part(200, 300, (0, 230, 240, "other", HERE), (1, 210, 220, "word", HERE)),
    )
    assert _told(*parts) == [(0, 3, 5), (1, 7, 9), (1, 10, 12), (2, 230, 240), (3, 210, 220)]


@pytest.mark.parametrize("kind", ["identifying", "word", "other"])
def test_a_line_that_goes_on_is_not_drawn_out(kind):
    parts = _part(0, 100, (0, 0, 99, kind, HERE)), _part(100, 200, (0, 100, 199, kind, HERE))
    assert _told(*parts) == [(0, 0, 99), (1, 100, 199)]


@pytest.mark.parametrize("kind", ["identifying", "word", "other"])
@pytest.mark.parametrize("after", [(), ((0, 100, 199, "identifying", THERE),)])
def test_a_line_that_cannot_be_read_beyond_the_border_goes_on_until_it_was_looked_for(kind, after):
    told = _told(_part(0, 100, (0, 40, 99, kind, HERE)), _part(100, 200, *after))
    assert (0, 100, 119) in told
    assert (0, 40, 99) in told


@pytest.mark.parametrize(("kind", "is_covered"), [("identifying", True), ("word", False), ("other", False)])
def test_what_may_identify_was_there_since_the_look_before(kind, is_covered):
    told = _told(_part(0, 100), _part(100, 200, (0, 100, 150, kind, HERE)))
    assert ((0, 80, 99) in told) == is_covered


def test_what_ended_before_the_border_or_began_after_it_stays_as_it_is():
    parts = (
        _part(0, 100, (0, 40, 98, "identifying", HERE)),
        _part(100, 200, (0, 101, 150, "identifying", HERE)),
    )
    assert _told(*parts) == [(0, 40, 98), (1, 101, 150)]


def test_nothing_reaches_beyond_the_clip():
    parts = _part(0, 10, (0, 0, 9, "word", HERE)), _part(10, 18, (0, 10, 17, "identifying", THERE))
    assert _told(*parts) == [(0, 0, 9), (0, 10, 17), (1, 0, 9), (1, 10, 17)]
