"""Whatever was observed, no frame goes without a region."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.deidentify.coverage import Observation, cover
from tasks.regions import bounding_box

SIZE_WH = (320, 240)


def _mesh(x, y, size=40.0):
    unit = np.random.default_rng(0).random((468, 2))
    return (unit * size + [x, y]).astype(np.float32)


def _seen(frame, track, x, y, with_mesh=True):
    mesh = _mesh(x, y)
    return Observation(frame, track, bounding_box(mesh), mesh if with_mesh else None)


def observations(frame_count):
    return st.lists(
        st.builds(
            _seen,
            st.integers(0, frame_count - 1),
            st.integers(0, 2),
            st.floats(-30, 310),
            st.floats(-30, 230),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda seen: (seen.frame, seen.track),
    )


@settings(max_examples=200)
@given(st.data(), st.integers(1, 40))
def test_every_frame_of_every_track_has_a_region(params, data, frame_count):
    seen = data.draw(observations(frame_count))
    regions = cover(seen, frame_count, SIZE_WH, params.deidentify)
    tracks = {observation.track for observation in seen}
    assert {(region.frame, region.track) for region in regions if region.track >= 0} == {
        (frame, track) for frame in range(frame_count) for track in tracks
    }


@settings(max_examples=200)
@given(st.data(), st.integers(1, 40))
def test_a_frame_in_which_no_face_was_located_is_masked_whole(params, data, frame_count):
    regions = cover(data.draw(observations(frame_count)), frame_count, SIZE_WH, params.deidentify)
    for frame in range(frame_count):
        here = [region for region in regions if region.frame == frame]
        located = any(region.source == "detected" or region.mesh_xy is not None for region in here)
        assert located != any(region.source == "whole_frame" for region in here)


@settings(max_examples=200)
@given(st.data())
def test_a_region_holds_every_face_that_was_seen_in_its_frame(params, data):
    seen = data.draw(observations(20))
    by_place = {(r.frame, r.track): r for r in cover(seen, 20, SIZE_WH, params.deidentify)}
    for observation in seen:
        box = by_place[observation.frame, observation.track].box_xyxy
        inside = observation.box_xyxy.reshape(2, 2).clip(0, np.array(SIZE_WH))
        assert (box[:2] <= inside.min(0) + 1e-3).all()
        assert (inside.max(0) - 1e-3 <= box[2:]).all()


@settings(max_examples=200)
@given(st.data())
def test_a_method_that_needs_a_mesh_has_one_and_what_was_guessed_is_flagged(params, data):
    for region in cover(data.draw(observations(20)), 20, SIZE_WH, params.deidentify):
        if region.method == "mesh_swap":
            assert region.mesh_xy is not None
        assert region.flagged == (region.source != "detected" or region.mesh_xy is None)
        if region.source in ("extended", "whole_frame"):
            assert region.method != "mesh_swap"


def test_a_clip_without_any_face_is_masked_whole(params):
    regions = cover([], 3, SIZE_WH, params.deidentify)
    assert [region.method for region in regions] == ["mask"] * 3
    assert all(tuple(region.box_xyxy) == (0, 0, *SIZE_WH) for region in regions)


def test_a_short_gap_is_interpolated_and_a_long_one_is_flagged(params):
    rule = params.deidentify.model_copy(update={"max_gap": 3})
    seen = [_seen(0, 0, 0, 0), _seen(4, 0, 40, 0), _seen(10, 0, 40, 0)]
    regions = cover(seen, 11, SIZE_WH, rule)
    by_frame = {region.frame: region for region in regions if region.track == 0}
    middle = by_frame[2]
    assert (middle.source, middle.method, middle.flagged) == ("interpolated", "mesh_swap", True)
    np.testing.assert_allclose(middle.mesh_xy, _mesh(20, 0), atol=1e-4)
    lost = by_frame[6]
    assert (lost.source, lost.method, lost.flagged) == ("interpolated", rule.fallback, True)


def test_one_frame_is_enough_for_a_clip(params):
    regions = cover([_seen(5, 0, 10, 10)], 10, SIZE_WH, params.deidentify)
    mine = [region.source for region in regions if region.track == 0]
    assert mine == ["extended"] * 5 + ["detected"] + ["extended"] * 4


def test_a_guessed_box_is_not_drawn_over_a_swapped_face(params):
    lost, found = _seen(0, 0, 50, 50), [_seen(frame, 1, 52, 50) for frame in range(1, 5)]
    regions = cover([lost, *found], 5, SIZE_WH, params.deidentify)
    assert [region.method for region in regions if region.frame == 3] == ["pixelate", "mesh_swap"]
    swapped = [region for region in regions if region.frame == 0]
    assert swapped[-1].method == "mesh_swap"
