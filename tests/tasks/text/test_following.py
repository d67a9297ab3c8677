"""Lines of text are followed from look to look: on made pictures, where it is known what stands where."""

from functools import partial
from itertools import chain, repeat

import cv2
import numpy as np
import polars as pl
import pytest

from tasks.text.following import Texts
from tasks.text.lines import Line
from tasks.vision.regions import share_within

SIZE_WH, INTERVAL_S = (480, 270), 2.0
TEXT_WH = (120, 20)
WALL = cv2.GaussianBlur(np.random.default_rng(5).integers(60, 120, (270, 480, 3)).astype(np.uint8), (0, 0), 3)


def _words(number=0):
    """Return a picture of some bright strokes on the dark, which is not like another number's."""
    strokes = np.random.default_rng(number).random((5, 30)) < 0.45
    return np.kron(strokes, np.ones((4, 4)))[..., None].repeat(3, 2).astype(np.uint8) * 200 + 20


def _box(corner_xy):
    return np.array([*corner_xy, corner_xy[0] + TEXT_WH[0], corner_xy[1] + TEXT_WH[1]], np.float32)


def _picture(places, look_of=lambda number: number):
    rgb = WALL.copy()
    for number, (x, y) in places.items():
        left, top = round(x), round(y)
        rgb[top : top + TEXT_WH[1], left : left + TEXT_WH[0]] = _words(look_of(number))
    return rgb


def _follow(
    frames, *, fps=25, interval_s=INTERVAL_S, cuts=(), is_read=lambda frame, number: True,
    kind_of=lambda frame, number: "identifying", zoom=1, look_of=lambda frame, number: number,
):  # fmt: skip
    """Run over frames (number -> corner of each line in it); return the texts, and when one looked.

    zoom: how many times larger the pictures are than the places in them. look_of: which strokes a line has.
    """
    looks = []

    def look(rgb, thorough, within=None):
        frame = int(rgb[-1, -1, 0]) * 256 + int(rgb[-1, -1, 1])
        looks.append((frame, thorough))
        here = frames[frame]
        # what is kept of a large picture is smaller
        scale, small = (
            rgb.shape[1] / SIZE_WH[0],
            cv2.resize(rgb, SIZE_WH, interpolation=cv2.INTER_NEAREST),
        )
        seen = [n for n, corner in here.items() if _is_there(small, corner) and is_read(frame, n)]
        lines = [Line(_box(here[n]) * np.float32(scale), kind_of(frame, n)) for n in seen]
        return [line for line in lines if within is None or share_within(line.box_xyxy, within) > 0.95]

    texts = Texts(look, interval_s)
    for frame, places in enumerate(frames):
        rgb = _picture(places, partial(look_of, frame))
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / fps, rgb.repeat(zoom, 0).repeat(zoom, 1), cut=frame in cuts)
    table = texts.table()
    boxes = [(np.array(box) / zoom).tolist() for box in table["box_xyxy"]]
    return table.with_columns(box_xyxy=pl.Series(boxes, dtype=pl.Array(pl.Float32, 4))), looks


def _is_there(rgb, corner_xy):
    """Return whether a line was not filled."""
    x, y = (round(value) for value in corner_xy)
    return np.ptp(rgb[y + 2 : y + TEXT_WH[1] - 2, x + 2 : x + TEXT_WH[0] - 2]) > 90


def _uncovered(table, frames, kind="identifying"):
    """Return the frames in which a tenth of a line, or more, is in no box of a kind."""
    bare = set()
    for frame, places in enumerate(frames):
        here = table.filter(pl.col("first_frame") <= frame, pl.col("last_frame") >= frame, kind=kind)
        boxes = [np.array(box) for box in here["box_xyxy"]]
        for x, y in places.values():
            is_covered = np.zeros((TEXT_WH[1], TEXT_WH[0]), bool)
            for x0, y0, x1, y1 in (box - np.array([x, y, x, y]) for box in boxes):
                is_covered[max(0, round(y0)) : max(0, round(y1)), max(0, round(x0)) : max(0, round(x1))] = (
                    True
                )
            if is_covered.mean() < 0.9:
                bare.add(frame)
    return bare


def test_what_stands_still_is_one_run_however_often_one_looks():
    frames = [{0: (40, 30)}] * 160
    table, looks = _follow(frames)
    assert table.select("first_frame", "last_frame").rows() == [(0, 159)]
    assert looks == [(0, True), (50, False), (100, False), (150, False), (159, True)]


@pytest.mark.parametrize("step_xy", [(1.5, 0.7), (-2.5, 0.0), (0.3, 0.2), (0.0, 3.0)])
def test_what_moves_is_covered_in_every_frame(step_xy):
    start = (300, 30) if step_xy[0] < 0 else (20, 30)
    frames = [{0: (start[0] + step_xy[0] * n, start[1] + step_xy[1] * n)} for n in range(60)]
    assert _uncovered(_follow(frames)[0], frames) == set()


@pytest.mark.parametrize(("first", "last"), [(17, 140), (1, 60), (49, 99)])
@pytest.mark.parametrize("step_xy", [(0, 0), (0.8, 0.3)])
def test_what_comes_and_goes_between_two_looks_is_covered_over_its_whole_stay(first, last, step_xy):
    frames = [
        {0: (40 + step_xy[0] * n, 30 + step_xy[1] * n)} if first <= n <= last else {} for n in range(160)
    ]
    table, _ = _follow(frames)
    assert _uncovered(table, frames) == set()
    # and not for ever
    assert table["last_frame"].max() <= last + 2 * INTERVAL_S * 25


@pytest.mark.parametrize(("first", "count"), [(20, 45), (52, 62), (61, 62)])
def test_what_comes_late_in_a_scene_is_found_at_its_end(first, count):
    frames = [{0: (40 + n, 30)} if n >= first else {} for n in range(count)]
    assert _uncovered(_follow(frames)[0], frames) == set()


@pytest.mark.parametrize("step_xy", [(0, 0), (1.5, 0.7), (-2, 0.5)])
@pytest.mark.parametrize(("comes", "count"), [(8, 110), (31, 60)])
def test_what_comes_late_and_cannot_be_read_when_one_looks_is_read_where_it_was(step_xy, comes, count):
    """Beside a line that is read whenever one looks, one that a bright ground hides then."""
    start = (300 if step_xy[0] < 0 else 20, 30)
    corners = [(start[0] + step_xy[0] * n, start[1] + step_xy[1] * n) for n in range(count)]
    frames = [{0: (x, y), 1: (x, y + 60)} if n >= comes else {} for n, (x, y) in enumerate(corners)]
    table, _ = _follow(frames, is_read=lambda frame, number: number == 0 or frame not in (50, 59))
    assert _uncovered(table, frames) == set()


@pytest.mark.parametrize(
    ("kind", "start", "step_xy"),
    [
        ("identifying", (20, 30), (1.5, 0.7)),
        ("identifying", (300, 30), (-2, 0.5)),
        ("identifying", (20, 30), (0, 2)),
        ("identifying", (340, 230), (-1.5, -0.7)),
        ("word", (20, 30), (1.5, 0.7)),
        ("word", (340, 230), (-1.5, -0.7)),
    ],
)
@pytest.mark.parametrize("zoom", [1, 5])
def test_what_comes_late_and_looks_different_all_the_time_is_read_where_it_was(start, step_xy, zoom, kind):
    """What is seen through the letters changes more than they do."""
    corners = [(start[0] + step_xy[0] * n, start[1] + step_xy[1] * n) for n in range(60)]
    frames = [{0: corner} if n >= 13 else {} for n, corner in enumerate(corners)]
    table, _ = _follow(
        frames, zoom=zoom, look_of=lambda frame, number: frame, kind_of=lambda frame, number: kind
    )
    # a word was not there before a picture in which it is seen
    assert _uncovered(table, frames, kind) <= (set(range(13, 20)) if kind == "word" else set())


@pytest.mark.parametrize(("comes", "count"), [(20, 215), (60, 215), (110, 140), (160, 190)])
@pytest.mark.parametrize("height_px", [20, 60])
def test_small_letters_are_covered_since_all_small_letters_were_looked_for(comes, count, height_px):
    """They are seen by one look of four, and at a scene's end; large ones would have been seen before."""
    box = np.array([40, 30, 400, 30 + height_px], np.float32)

    def look(rgb, thorough, within=None):
        is_there = int(rgb[-1, -1, 0]) * 256 + int(rgb[-1, -1, 1]) >= comes
        return [Line(box, "identifying")] if is_there and thorough and np.ptp(rgb[32:48, 45:390]) > 90 else []

    texts = Texts(look, INTERVAL_S)
    for frame in range(count):
        rgb = WALL.repeat(4, 1)[:120].copy()
        if frame >= comes:
            rgb[30:50, 40:400] = _words().repeat(3, 1)
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    table = texts.table()
    assert table["last_frame"].max() == count - 1
    assert (table["first_frame"].min() <= comes) == (height_px == 20 or comes > 100)


MOVES = [((0, 2), (0, -2)), ((0, 0), (0, 2)), ((2, 0), (-2, 1)), ((1.5, 0.7), (1.5, 0.7)), ((0, 4), (0, 4))]


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize(("step_xy", "other_xy"), MOVES)
def test_lines_that_come_late_move_each_in_its_own_way(step_xy, other_xy, changes):
    def at(start, step, n):
        return start[0] + step[0] * (n - 49), start[1] + step[1] * (n - 49)

    starts = (120, 170), (280, 170 if other_xy[1] > 0 else 60)
    frames = [
        {0: at(starts[0], step_xy, n), 1: at(starts[1], other_xy, n)} if n >= 13 else {} for n in range(50)
    ]
    table, _ = _follow(frames, look_of=lambda frame, number: number + 2 * frame * changes)
    assert _uncovered(table, frames) == set()


@pytest.mark.parametrize("count", [52, 53, 55, 59, 62])
def test_what_comes_late_is_covered_where_it_could_not_be_read_once_or_twice(count):
    """The pictures that are kept are not evenly spread before the last look."""
    frames = [{0: (20 + 2 * n, 20 + n)} if n >= 13 else {} for n in range(count)]
    table, _ = _follow(
        frames, look_of=lambda frame, number: frame, is_read=lambda frame, number: frame not in (20, 42)
    )
    assert _uncovered(table, frames) == set()


@pytest.mark.parametrize("known", [False, True])
def test_what_was_a_name_in_an_earlier_picture_is_one(known):
    """Beside a line that comes late; it was plain words when it was read last."""
    first = 0 if known else 13
    frames = [
        ({0: (40 + n, 150)} if n >= 13 else {}) | ({1: (40 + n * (not known), 190)} if n >= first else {})
        for n in range(60)
    ]
    table, _ = _follow(
        frames, kind_of=lambda frame, number: "identifying" if number == 0 or 13 <= frame < 35 else "other"
    )
    assert _uncovered(table, [places if 13 <= n < 35 else {} for n, places in enumerate(frames)]) == set()


@pytest.mark.parametrize("kind", ["word", "identifying"])
def test_only_what_may_identify_grows_by_what_was_read_of_it_before(kind):
    """Letters that a hand sets down were read with the hand; of a name more may have been seen."""
    wide = _box((40, 30)) + np.array([0, 0, 60, 0], np.float32)

    def look(rgb, thorough, within=None):
        frame = int(rgb[-1, -1, 1])
        return [Line(wide if frame < 40 else _box((40, 30)), kind)] if frame >= 13 else []

    texts = Texts(look, INTERVAL_S)
    for frame in range(60):
        rgb = _picture({0: (40, 30)} if frame >= 13 else {})
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    right = texts.table()["box_xyxy"].arr.get(2).max()
    assert right >= 220 if kind == "identifying" else right < 170


def test_what_was_gone_before_one_looked_is_not_covered_for_ever():
    """It is looked for in vain; where it stood is wall."""
    frames = [{0: (40, 30)} if 13 <= n <= 30 else {} for n in range(600)]
    frames = [places | ({1: (40, 90)} if n >= 35 else {}) for n, places in enumerate(frames)]
    table, _ = _follow(frames)
    assert _uncovered(table, frames) == set()
    first = table.filter(pl.col("box_xyxy").arr.get(1) < 60)
    assert 30 <= first["last_frame"].max() < 250


def test_what_is_known_is_not_found_anew_where_it_was():
    """A line that stands there, when another one comes: no third is told."""
    frames = [{0: (20, 30)} | ({1: (200 + n, 150)} if n >= 13 else {}) for n in range(60)]
    table, _ = _follow(frames)
    assert table["line"].n_unique() == 2
    assert _uncovered(table, frames) == set()


@pytest.mark.parametrize("comes", [8, 30, 46])
@pytest.mark.parametrize("zoom", [1, 3])
def test_what_was_in_its_place_before_it_came_is_not_covered(comes, zoom):
    """A hand that sets letters down; it was filled since the look before."""
    frames = [{0: (40, 30)} if n >= comes else {} for n in range(48)]
    table, _ = _follow(frames, zoom=zoom, kind_of=lambda frame, number: "word")
    assert _uncovered(table, frames, "word") == set()
    assert table["first_frame"].min() == comes
    # a name is rather covered too long: over a moving ground it may have looked like nothing
    assert _follow(frames, zoom=zoom)[0]["first_frame"].min() == 0


@pytest.mark.parametrize("zoom", [1, 3])
@pytest.mark.parametrize(("kind", "faint"), [("word", 0), ("word", 14), ("identifying", 0)])
@pytest.mark.parametrize(("place", "later"), [((40, 30), slice(60, 120)), ((300, 200), slice(0, 40))])
def test_a_word_is_covered_as_far_as_its_letters_are_there(place, later, kind, faint, zoom):
    """A hand sets the others down. Where they are not surely the same, all of their place is covered."""
    texts = Texts(
        lambda rgb, thorough, within=None: (
            [Line(_box(place) * np.float32(zoom), kind)] if rgb[-1, -1, 1] > 40 and within is None else []
        ),
        INTERVAL_S,
    )
    (x, y), random = place, np.random.default_rng(3)
    for frame in range(60):
        rgb = _picture({0: place} if frame >= 8 else {})
        if frame < 30:
            rgb[y : y + TEXT_WH[1], x + later.start : x + later.stop] = (200, 150, 120)
        noise = random.normal(0, faint, (TEXT_WH[1], TEXT_WH[0], 1))
        at = slice(y, y + TEXT_WH[1]), slice(x, x + TEXT_WH[0])
        rgb[at] = np.clip(rgb[at] * (0.3 if faint else 1) + noise, 0, 255)
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb.repeat(zoom, 0).repeat(zoom, 1))
    table = texts.table()
    hand = np.array([x + later.start + 2, y, x + later.stop - 2, y + TEXT_WH[1]], np.float32) * zoom
    covers = [
        row["first_frame"] <= 20 <= row["last_frame"]
        and share_within(hand, np.array(row["box_xyxy"], np.float32)) > 0.2
        for row in table.iter_rows(named=True)
    ]
    assert any(covers) == (kind == "identifying" or faint > 0)
    # what is there is covered whenever it is
    there = [{0: place} if frame >= 30 else {} for frame in range(60)]
    scaled = table.with_columns(
        box_xyxy=pl.Series(
            [(np.array(box) / zoom).tolist() for box in table["box_xyxy"]], dtype=pl.Array(pl.Float32, 4)
        )
    )
    assert _uncovered(scaled, there, kind) == set()
    assert table["first_frame"].min() == (0 if kind == "identifying" else 8)


@pytest.mark.parametrize("frame", [15, 25, 47])
def test_a_letter_that_is_not_seen_for_a_moment_is_covered_all_the_same(frame):
    texts = Texts(
        lambda rgb, thorough, within=None: (
            [Line(_box((40, 30)), "word")] if rgb[-1, -1, 1] > 48 and within is None else []
        ),
        INTERVAL_S,
    )
    for number in range(60):
        rgb = _picture({0: (40, 30)} if number >= 8 else {})
        if number == frame:
            rgb[30:50, 100:160] = (200, 150, 120)
        rgb[-1, -1, :2] = divmod(number, 256)
        texts.step(number, number / 25, rgb)
    there = [{0: (40, 30)} if number >= 8 else {} for number in range(60)]
    assert _uncovered(texts.table(), there, "word") == set()


@pytest.mark.parametrize("hidden_px", [40, 60, 80])
def test_what_is_half_hidden_before_it_is_read_is_covered(hidden_px):
    """Nothing is read behind a hand, and what looks out is covered all the same."""
    texts = Texts(
        lambda rgb, thorough, within=None: (
            [Line(_box((40, 30)), "identifying")] if rgb[-1, -1, 1] > 40 else []
        ),
        INTERVAL_S,
    )
    for frame in range(60):
        rgb = _picture({0: (40, 30)})
        if frame < 40:
            rgb[20:60, 40 : 40 + hidden_px] = WALL[100:140, 200 : 200 + hidden_px]
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    assert texts.table()["first_frame"].min() == 0


def test_what_is_too_faint_to_be_known_again_is_covered_since_the_look_before():
    texts = Texts(
        lambda rgb, thorough, within=None: (
            [Line(_box((40, 30)), "identifying")] if rgb[-1, -1, 1] > 40 else []
        ),
        INTERVAL_S,
    )
    for frame in range(60):
        rgb = np.full_like(WALL, 90)
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    assert texts.table()["first_frame"].min() == 0


@pytest.mark.parametrize("zoom", [1, 3])
@pytest.mark.parametrize("step", [4, 6, -6])
def test_what_came_between_two_looks_and_moves_is_followed_back(step, zoom):
    frames = [
        {0: (20 + step * (n - 20) + (170 if step < 0 else 0), 30)} if n >= 20 else {} for n in range(48)
    ]
    assert _uncovered(_follow(frames, zoom=zoom)[0], frames) == set()


def test_looks_may_be_closer_than_a_line_that_is_lost_waits():
    """Half a second between looks at 240 frames a second, another line lost meanwhile."""
    frames = [{1: (300, 200)} if n < 20 else {} for n in range(130)] + [{0: (40, 30)}] * 120
    table, _ = _follow(frames, fps=240, interval_s=0.5)
    assert _uncovered(table, frames) == set()


def test_a_line_that_is_lost_and_one_that_is_new_in_the_last_frame_leave_no_empty_run():
    frames = [{0: (40, 30)}] * 50 + [{1: (300, 200)}]
    table, _ = _follow(frames)
    assert (table["first_frame"] <= table["last_frame"]).all()
    assert _uncovered(table, frames) == set()


def test_what_comes_beside_a_label_is_as_bad_as_the_label():
    frames = [{0: (40, 30)}] * 25 + [{0: (40, 30), 1: (190, 30)}] * 60
    table, _ = _follow(frames, kind_of=lambda frame, number: ("identifying", "other")[number])
    assert set(table["kind"]) == {"identifying"}
    assert _uncovered(table, frames) == set()


def test_a_name_inside_the_box_of_a_sign_that_leans_is_seen_later():
    sign = np.array([10, 10, 470, 260], np.float32)
    frames = [{}] * 25 + [{0: (200, 120)}] * 60

    def look(rgb, thorough, within=None):
        frame = int(rgb[-1, -1, 0]) * 256 + int(rgb[-1, -1, 1])
        names = [
            Line(_box(corner), "identifying") for corner in frames[frame].values() if _is_there(rgb, corner)
        ]
        return [Line(sign, "other"), *names]

    texts = Texts(look, INTERVAL_S)
    for frame, places in enumerate(frames):
        rgb = _picture(places)
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    table = texts.table()
    assert _uncovered(table.filter(table["kind"] == "identifying"), frames) == set()


def test_what_is_there_for_less_than_two_looks_may_be_missed_and_then_nothing_is_covered():
    frames = [{0: (40, 30)} if 10 <= n <= 20 else {} for n in range(60)]
    assert len(_follow(frames)[0]) == 0


def test_a_cut_ends_every_line_and_is_looked_at_at_once():
    frames = [{0: (40, 30)}] * 30 + [{1: (200, 150)}] * 30
    table, looks = _follow(frames, cuts={30})
    assert table.select("line", "first_frame", "last_frame").rows() == [(0, 0, 29), (1, 30, 59)]
    assert looks == [(0, True), (29, False), (30, True), (59, False)]


def test_what_jumps_is_looked_for_soon_and_stays_covered_where_it_was():
    frames = [{0: (40, 30)}] * 40 + [{0: (40, 200)}] * 60
    table, looks = _follow(frames)
    # lost in frame 40; a second after the look at 0 has long passed, so that one looks at once
    assert [frame for frame, _ in looks][:2] == [0, 40]
    assert _uncovered(table, frames) == set()


def test_what_cannot_be_read_for_a_while_stays_covered():
    """Something passes in front: the line is lost, and not read until it is gone."""
    still = {0: (40, 30)}
    frames = [still] * 25 + [{0: (40, 30), 1: (60, 30)}] * 20 + [still] * 55
    table, _ = _follow(frames, is_read=lambda frame, number: number == 0 and not 25 <= frame < 45)
    bare = _uncovered(table, [{0: (40, 30)}] * 100)
    assert bare == set()


def test_many_frames_a_second_are_looked_back_through_as_well():
    frames = [{0: (40 + n / 10, 30)} if n >= 100 else {} for n in range(600)]
    table, _ = _follow(frames, fps=240)
    assert _uncovered(table, frames) == set()


def test_a_line_that_identified_once_does_so_in_all_its_frames():
    """Something passes in front; afterwards more of it is read."""
    still, hidden = {0: (40, 30)}, {0: (40, 30), 1: (60, 30)}
    frames = [still] * 20 + [hidden] * 12 + [still] * 20
    read = chain(["other"], repeat("identifying"))
    table, _ = _follow(
        frames, kind_of=lambda frame, number: next(read), is_read=lambda frame, number: number == 0
    )
    assert set(table.select("line", "kind").rows()) == {(0, "identifying")}


@pytest.mark.parametrize("step_xy", [(2, 0), (3, 1), (-2, 1)])
@pytest.mark.parametrize("shown", [5, 20, 40])
def test_what_is_read_of_a_moving_line_later_was_there_before(step_xy, shown):
    """Dark letters whose beginning is seen once they stand before something bright."""
    frames = [{0: (200 + step_xy[0] * n, 30 + step_xy[1] * n)} for n in range(50)]

    def look(rgb, thorough, within=None):
        frame = int(rgb[-1, -1, 1])
        whole = _box(frames[frame][0])
        if frame == 0:
            return [Line(whole + np.array([50, 0, 0, 0], np.float32), "identifying")]
        is_shown = within is not None and frame >= shown
        return [Line(whole - np.array([0, 0, 75, 0], np.float32), "other")] if is_shown else []

    texts = Texts(look, INTERVAL_S)
    for frame, places in enumerate(frames):
        rgb = _picture(places)
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    assert _uncovered(texts.table(), frames) == set()


def test_more_than_one_line_is_kept_apart():
    frames = [{0: (40 + n, 30), 1: (300 - n, 120), 2: (200, 200)} for n in range(60)]
    kinds = ("identifying", "other", "identifying")
    table, _ = _follow(frames, kind_of=lambda frame, number: kinds[number])
    named = [{number: at for number, at in places.items() if number != 1} for places in frames]
    assert _uncovered(table, named) == set()
    assert _uncovered(table, [{1: places[1]} for places in frames], "other") == set()
    assert dict(table.select("line", "kind").unique().rows()) == {
        0: "identifying",
        1: "other",
        2: "identifying",
    }


def test_a_line_that_leaves_over_the_edge_is_covered_as_long_as_it_is_seen():
    frames = [{0: (350 + 4 * n, 30)} for n in range(30)]
    wide = np.pad(WALL, ((0, 0), (0, 300), (0, 0)), mode="reflect")
    texts = Texts(lambda rgb, thorough, within=None: [Line(_box((350, 30)), "identifying")], INTERVAL_S)
    for frame, places in enumerate(frames):
        (x, y) = places[0]
        rgb = wide.copy()
        rgb[y : y + TEXT_WH[1], x : x + TEXT_WH[0]] = _words()
        texts.step(frame, frame / 25, np.ascontiguousarray(rgb[:, : SIZE_WH[0]]))
    assert (
        _uncovered(texts.table(), [{0: places[0]} if places[0][0] < 400 else {} for places in frames])
        == set()
    )


def test_a_line_that_grows_is_covered_as_long_as_it_is_since_the_look_before():
    """A few plain words, after which a name is written."""
    short, whole = np.array([40, 30, 100, 50], np.float32), _box((40, 30))
    frames = [{0: (40, 30)}] * 100

    def look(rgb, thorough, within=None):
        has_grown = int(rgb[-1, -1, 1]) >= 30
        return [Line(whole, "identifying") if has_grown else Line(short, "other")]

    texts = Texts(look, INTERVAL_S)
    for frame in range(100):
        rgb = _picture({0: (40, 30)} if frame >= 30 else {})
        if frame < 30:
            rgb[30:50, 40:100] = _words()[:, :60]
        rgb[-1, -1, :2] = divmod(frame, 256)
        texts.step(frame, frame / 25, rgb)
    table = texts.table()
    assert _uncovered(table, [{}] * 30 + frames[30:]) == set()
    assert set(table["kind"]) == {"identifying"}
