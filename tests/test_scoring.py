"""What a run covered against marked heads: made cases with known answers."""

import numpy as np
import pytest

from tools.benchmark.heads import read_truth
from tools.benchmark.scoring import Head, Region, score


def box(*values):
    return np.array(values, np.float64)


FACE = Head("face", box(0.4, 0.4, 0.6, 0.6))
BACK = Head("back", box(0.1, 0.1, 0.2, 0.2))
ON_FACE = Region(0, box(0.42, 0.42, 0.58, 0.58), "mesh_swap")
FAR = Region(1, box(0.8, 0.8, 0.9, 0.9), "pixelate")


def test_a_covered_face_is_right_and_changes_nothing_outside():
    found = score({0: [FACE]}, {0: [ON_FACE]})
    assert (found.covered, found.heads, found.false_tracks, found.outside, found.black) == (1, 1, 0, 0, 0)
    assert (found.recall, found.precision, found.missed) == (1, 1, ())


@pytest.mark.parametrize("regions", [[], [FAR], [Region(0, FACE.box, "none")],
                                     [Region(0, box(0.5, 0.58, 0.9, 0.9), "mesh_swap")]])  # fmt: skip
def test_a_face_that_is_bare_is_missed_in_its_frame(regions):
    found = score({0: [FACE], 15: [FACE]}, {0: [ON_FACE], 15: regions})
    assert found.recall == 0.5
    assert found.missed == (15,)


def test_a_false_track_is_counted_once_and_its_area_too():
    found = score({0: [FACE], 15: [FACE]}, {frame: [ON_FACE, FAR] for frame in (0, 7, 15)})
    assert found.false_tracks == 1
    assert found.precision == 0.5
    assert found.outside == pytest.approx(0.01, rel=0.02)
    # a track that lies on a head in one marked frame is somebody's
    found = score({0: [FACE], 15: [FACE]}, {0: [ON_FACE], 15: [Region(0, FAR.box, "mesh_swap")]})
    assert found.false_tracks == 0


def test_a_back_may_be_covered_and_need_not():
    for regions in ([], [Region(3, BACK.box, "blur")]):
        found = score({0: [BACK]}, {0: regions})
        assert (found.recall, found.false_tracks, found.outside) == (1, 0, 0)


def test_what_is_black_is_told_and_a_whole_frame_is_nobodys_track():
    found = score({0: []}, {0: [Region(-1, box(0, 0, 1, 1), "mask")]})
    assert (found.black, found.outside, found.false_tracks, found.regions) == (1, 1, 0, 0)


def test_marked_heads_lie_in_their_pictures():
    truth = read_truth()
    assert len(truth) == 18
    for name, frames in truth.values():
        assert sorted(frames) == list(range(0, len(frames) * 15, 15)), name
        for heads in frames.values():
            for head in heads:
                assert (head.box[:2] < head.box[2:]).all()
                assert head.box.min() >= 0
                assert head.box.max() <= 1
