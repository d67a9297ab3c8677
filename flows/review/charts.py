"""Figures as SVG, without a script (pure)."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from flows.review.contents import Clip

WIDTH, HEIGHT = 1000, 60
STRIP = 14  # height of the strip of flags
METHODS_SIZE, MARGIN = (720, 320), 46
LEAST, TICKS = 0.01, (0.01, 0.03, 0.1, 0.3, 1.0)  # of the keypoint error
ANOTHER_PERSON, FARTHEST = 0.6, 1.2  # dlib's threshold; the top of the strip
SHOWN = {"control": "re-encoded only", "released": "released"}
LETTER, LINE = 6.5, 14  # of what is written, in the figure's units
Point = tuple[float, float]
Box = tuple[float, float, float, float]


def methods_figure(methods: pl.DataFrame) -> str:
    """Draw identity over keypoint error: a point a method, its 95 % intervals over people as a cross."""
    width, height = METHODS_SIZE
    ends = [row["dlib_distance_high"] or row["dlib_distance"] or 0 for row in methods.iter_rows(named=True)]
    most = 1.15 * max([ANOTHER_PERSON, *ends])

    def at(error: float | None, distance: float) -> Point:
        # a method whose heads nobody finds stands at the right edge
        share = 1.0 if error is None else math.log(max(error, LEAST) / LEAST) / math.log(1 / LEAST)
        across = MARGIN + (width - 2 * MARGIN) * min(share, 1.0)
        return round(across, 1), round(height - MARGIN - (height - 2 * MARGIN) * distance / most, 1)

    (x0, y0), (x1, y1) = at(LEAST, 0), at(1, most)
    drawn = [_line((x0, y0), (x1, y0), "axis"), _line((x0, y0), (x0, y1), "axis")]
    drawn += [_text(at(tick, 0)[0], y0 + 16, f"{tick:g}", "middle") for tick in TICKS]
    drawn += [_text((x0 + x1) / 2, height - 8, "keypoint error of the head (NME, logarithmic)", "middle")]
    drawn += [_text(8, 16, f"distance to the original (dlib), 0 to {most:.2f}", "start")]
    limit = at(1, ANOTHER_PERSON)
    drawn += [
        _line((x0, limit[1]), limit, "limit"),
        _text(x0 + 8, limit[1] + 16, "above: another person", "start"),
    ]
    rows = [row for row in methods.iter_rows(named=True) if row["dlib_distance"] is not None]
    taken = [_around(at(row["head_nme"], row["dlib_distance"])) for row in rows]
    for row in rows:
        drawn += _method(row, at, taken)
    says = "Methods: distance to the original over keypoint error"
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{says}">{"".join(drawn)}</svg>'


def _around(point: Point) -> Box:
    return point[0] - 6, point[1] - 6, point[0] + 6, point[1] + 6


def _beside(point: Point, words: str, taken: list[Box]) -> tuple[float, float, str]:
    """Return where words stand near a point, over nothing that is there, and how; the place is taken."""
    (x, y), wide = point, LETTER * len(words)
    at, anchor = (x - 9, "end") if x > METHODS_SIZE[0] / 2 else (x + 9, "start")
    left = at - wide if anchor == "end" else at
    for away in sorted((LINE * step for step in range(-8, 9)), key=abs):
        box = left, y - 9 + away - LINE + 3, left + wide, y - 9 + away + 3
        if not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return at, y - 9 + away, anchor
    return at, y - 9, anchor


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _method(row: dict[str, Any], at: Callable[[float | None, float], Point], taken: list[Box]) -> list[str]:
    error, distance = row["head_nme"], row["dlib_distance"]
    across = row["head_nme_low"], row["head_nme_high"]
    along = row["dlib_distance_low"], row["dlib_distance_high"]
    drawn = [] if None in across else [_line(at(across[0], distance), at(across[1], distance), "interval")]
    drawn += [] if None in along else [_line(at(error, along[0]), at(error, along[1]), "interval")]
    (x, y), kind = at(error, distance), "point released" if row["method"] == "released" else "point"
    name = SHOWN.get(row["method"], row["method"]) + ("" if error is not None else ", no head found")
    x_words, y_words, anchor = _beside((x, y), name, taken)
    return [
        *drawn,
        f'<circle class="{kind}" cx="{x}" cy="{y}" r="6"/>',
        _text(x_words, round(y_words, 1), name, anchor),
    ]


def flag_strip(clip: "Clip") -> str:
    """Draw where frames need eyes, along the clip's frames."""
    frames = max(1, len(clip.time_s))
    marks = [
        f'<rect class="{flag.finding}" data-frame="{flag.first}" x="{WIDTH * flag.first / frames:.2f}" y="0" '
        f'width="{max(2.0, WIDTH * (flag.last - flag.first + 1) / frames):.2f}" height="{STRIP}">'
        f"<title>frames {flag.first} to {flag.last}: {flag.says}</title></rect>"
        for flag in clip.flags
    ]
    return _strip("".join(marks), STRIP)


def error_strip(clip: "Clip", column: str) -> str:
    """Draw the keypoint error of released and control, frame by frame; 1 is the strip's height."""
    values = {
        arm: clip.tables["timeline"].filter(arm=arm).sort("frame")[column].to_list()
        for arm in ("control", "released")
    }
    most = highest_error(clip, column)
    lines = "".join(
        f'<polyline class="{arm}" points="{" ".join(points)}"/>'
        for arm, series in values.items()
        for points in _lines([None if value is None else value / most for value in series])
    )
    return _strip(lines, HEIGHT)


def identity_strip(clip: "Clip") -> str:
    """Draw how far each sampled face is from its original, dlib; the line is where it says another person."""
    rows = clip.tables["identity_frames"].filter(arm="released", recogniser="dlib")
    frames = max(1, len(clip.time_s))
    dots = "".join(
        f'<circle class="{"seen" if row["found"] else "unseen"}" data-frame="{row["frame"]}" r="4" '
        f'cx="{WIDTH * (row["frame"] + 0.5) / frames:.1f}" '
        f'cy="{HEIGHT * (1 - min(row["distance"] / FARTHEST, 1)):.1f}">'
        f"<title>frame {row['frame']}: {row['distance']:.3f}</title></circle>"
        for row in rows.iter_rows(named=True)
    )
    y = HEIGHT * (1 - ANOTHER_PERSON / FARTHEST)
    return _strip(_line((0, y), (WIDTH, y), "limit") + dots, HEIGHT)


def highest_error(clip: "Clip", column: str) -> float:
    """Return the top of a strip: the highest error of released and control."""
    return float(clip.tables["timeline"][column].drop_nulls().to_numpy().max(initial=0.0)) or 1.0


def _lines(shares: Sequence[float | None]) -> Iterator[list[str]]:
    """Yield runs of points; of many frames at one place the worst one is drawn."""
    places = max(1, len(shares))
    columns: dict[int, float | None] = {}
    for frame, share in enumerate(shares):
        column = WIDTH * frame // places
        known = [value for value in (columns.get(column), share) if value is not None]
        columns[column] = max(known, default=None)
    for is_known, run in groupby(sorted(columns.items()), key=lambda item: item[1] is not None):
        if is_known:
            points = [(x, HEIGHT * (1 - (share or 0))) for x, share in run]
            # a single point would not be seen
            ends = [*points, (points[-1][0] + 1, points[-1][1])]
            yield [f"{x},{y:.1f}" for x, y in ends]


def _strip(inside: str, height: int) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" aria-hidden="true">{inside}</svg>'


def _line(first: Point, second: Point, kind: str) -> str:
    return f'<line class="{kind}" x1="{first[0]}" y1="{first[1]}" x2="{second[0]}" y2="{second[1]}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'
