"""The methods' figure: whatever the figures are, no name lies on another one, or on a point."""

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.review.charts import LETTER, LINE, methods_figure
from schemas.evidence import METHODS
from tasks.files.tables import build_table

NAMES = ("control", "released", "blur", "pixelate", "mask")


def _methods(figures):
    columns = dict.fromkeys(METHODS.columns)
    rows = [
        columns | {"method": name, "clips": 1, "head_nme": error, "dlib_distance": distance}
        for name, (error, distance) in zip(NAMES, figures, strict=False)
    ]
    return build_table(rows, METHODS)


def _boxes(figure):
    labels = re.findall(r'<text x="([-\d.]+)" y="([-\d.]+)" text-anchor="(\w+)">([^<]+)</text>', figure)
    names = [(float(x), float(y), anchor, words) for x, y, anchor, words in labels][-5:]
    words = [
        (x - LETTER * len(said) * (anchor == "end"), y - LINE + 3, LETTER * len(said), LINE)
        for x, y, anchor, said in names
    ]
    circles = re.findall(r'cx="([-\d.]+)" cy="([-\d.]+)"', figure)
    return [(x, y, x + wide, y + high) for x, y, wide, high in words], [
        (float(x) - 6, float(y) - 6, float(x) + 6, float(y) + 6) for x, y in circles
    ]


def _on_each_other(one, other):
    slack = 0.2
    return (
        one[0] + slack < other[2]
        and other[0] + slack < one[2]
        and one[1] + slack < other[3]
        and other[1] + slack < one[3]
    )


ERROR, DISTANCE = st.one_of(st.none(), st.floats(0, 2)), st.floats(0, 1.2)


@given(st.lists(st.tuples(ERROR, DISTANCE), min_size=5, max_size=5))
def test_no_name_lies_on_another(figures):
    names, points = _boxes(methods_figure(_methods(figures)))
    assert len(names) == len(points) == 5
    assert not any(_on_each_other(one, other) for one, other in combinations(names, 2))
    assert not any(_on_each_other(one, other) for one in names for other in points)


@pytest.mark.parametrize("figure", [(None, 0.7), (0.02, 0.1)])
def test_methods_that_are_alike_are_all_named(figure):
    told = methods_figure(_methods([figure] * 5))
    for name in ("re-encoded only", "released", "blur", "pixelate", "mask"):
        assert told.count(f">{name}") == 1
