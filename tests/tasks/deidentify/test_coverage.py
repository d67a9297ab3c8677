"""Whatever was observed, no frame of a track goes without a region, and no frame without an answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.params.deidentify import SWAPS
from tasks.deidentify.correcting import Correction, CorrectionError
from tasks.deidentify.coverage import cover
from tasks.deidentify.face_regions import Clip
from tasks.tracks.beliefs import Opinion
from tasks.tracks.joining import join_tracks
from tasks.tracks.sightings import Head, Observation

SIZE_WH = (320, 240)


def _seen(frame, track=0, x=50.0, y=50.0, *, mesh=True, trusted=True, size=40.0, score=0.9, eyes=False):
    box = np.array([x, y, x + size, y + size], np.float32)
    points = np.float32([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6]]) * size + (x, y) if eyes else None
    return Observation(frame, track, track, box, score, mesh, mesh and trusted, eyes_nose_xy=points)


def _cover(
    seen,
    params,
    *,
    frames=20,
    heads=(),
    cuts=(),
    rule=None,
    corrections=(),
    subject=None,
    crowd=(),
    beliefs=(),
):
    scenes = [sum(frame >= cut for cut in cuts) for frame in range(frames)]
    said = {key: Opinion(belief, "as the test says") for key, belief in dict(beliefs).items()}
    clip, rule = Clip(scenes, SIZE_WH, subject, frozenset(crowd), said), rule or params.deidentify
    return cover(join_tracks(seen, scenes, rule.reach), list(heads), clip, rule, corrections)


def observations(frame_count):
    return st.lists(
        st.builds(
            lambda frame, track, x, y, mesh, trusted, score, size, eyes: _seen(
                frame, track, x, y, mesh=mesh, trusted=trusted, score=score, size=size, eyes=eyes
            ),
            st.integers(0, frame_count - 1),
            st.integers(0, 2),
            st.floats(-30, 310),
            st.floats(-30, 230),
            st.booleans(),
            st.booleans(),
            st.floats(0.4, 1),
            st.floats(4, 200),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda seen: (seen.frame, seen.track),
    )


def bodies(frame_count):
    """Heads of bodies, some of which show their back."""
    return st.lists(
        st.builds(
            lambda frame, track, x, y, size, back: Head(
                frame, track, None if back else np.array([x, y, x + size, y + size], np.float32)
            ),
            st.integers(0, frame_count - 1),
            st.integers(0, 3),
            st.floats(-30, 310),
            st.floats(-30, 230),
            st.floats(4, 200),
            st.booleans(),
        ),
        max_size=12,
        unique_by=lambda head: (head.frame, head.track),
    )


CUTS = st.lists(st.integers(1, 39), max_size=2).map(tuple)


@settings(max_examples=200)
@given(st.data(), st.integers(1, 40), CUTS)
def test_no_frame_inside_a_track_lacks_a_region(params, data, frame_count, cuts):
    seen, heads = data.draw(observations(frame_count)), data.draw(bodies(frame_count))
    regions = _cover(seen, params, frames=frame_count, cuts=cuts, heads=heads)
    covered = {(region.frame, region.track) for region in regions}
    scenes = [sum(frame >= cut for cut in cuts) for frame in range(frame_count)]
    for (track, _), part in join_tracks(seen, scenes, params.deidentify.reach).items():
        for frame in range(part[0].frame, part[-1].frame + 1):
            assert (frame, track) in covered


@settings(max_examples=200)
@given(st.data(), st.integers(1, 40), CUTS)
def test_a_frame_in_which_nobody_was_located_is_masked_whole_or_told(params, data, frame_count, cuts):
    seen, heads = data.draw(observations(frame_count)), data.draw(bodies(frame_count))
    # a back is believed after `reach` frames without a gap of more than `max_gap`: four can last so long
    assume(
        sum(head.box_xyxy is None for head in heads) <= params.deidentify.reach // params.deidentify.max_gap
    )
    regions = _cover(seen, params, frames=frame_count, cuts=cuts, heads=heads)
    for frame in range(frame_count):
        here = [region for region in regions if region.frame == frame]
        assert here
        sources = {region.source for region in here}
        assert bool(sources & {"detected", "interpolated", "head_region"}) != bool(
            sources & {"whole_frame", "nobody"}
        )
        # somebody who must be there is never told as nobody
        assert not {"extended", "nobody"} <= sources
        assert all(region.flagged for region in here if region.source in ("whole_frame", "nobody"))


@settings(max_examples=200)
@given(st.data())
def test_a_region_holds_every_face_that_was_seen_in_its_frame(params, data):
    seen = data.draw(observations(20))
    regions = _cover(seen, params, heads=data.draw(bodies(20)))
    for observation in seen:
        inside = observation.box_xyxy.reshape(2, 2).clip(0, np.array(SIZE_WH))
        assert any(
            (region.box_xyxy[:2] <= inside[0] + 1e-3).all()
            and (inside[1] - 1e-3 <= region.box_xyxy[2:]).all()
            for region in regions
            if region.frame == observation.frame
        )


@settings(max_examples=200)
@given(st.data(), CUTS)
def test_what_was_not_seen_is_covered_and_flagged_and_black_is_a_whole_frame(params, data, cuts):
    rule = params.deidentify
    seen, heads = data.draw(observations(40)), data.draw(bodies(40))
    for region in _cover(seen, params, frames=40, cuts=cuts, heads=heads):
        assert (region.method == "mask") == (region.source == "whole_frame")
        if region.source in ("extended", "head_region"):
            assert (region.method, region.flagged) == (rule.unresolved, True)
        if region.source == "interpolated" and region.method not in SWAPS:
            assert (region.method, region.flagged) == (rule.unresolved, True)


def test_a_clip_in_which_nobody_was_found_stays_and_every_frame_is_flagged(params):
    regions = _cover([], params, frames=3)
    assert [(one.source, one.method, one.flagged) for one in regions] == [("nobody", "none", True)] * 3
    assert all(tuple(region.box_xyxy) == (0, 0, *SIZE_WH) for region in regions)


POSSIBLE = {(0, 0): "possible"}


@pytest.mark.parametrize("frames", [(20,), (3, 9), (0, 1, 2, 30)])
def test_a_possible_face_is_covered_softly_where_it_was_seen_and_asked_about(params, frames):
    seen = [_seen(frame, x=60) for frame in frames]
    regions = _cover(seen, params, frames=40, beliefs=POSSIBLE)
    mine = [region for region in regions if region.track == 0]
    assert {one.frame for one in mine} == set(range(frames[0], frames[-1] + 1))
    assert {one.method for one in mine} == {params.deidentify.fallback}
    assert all(one.flagged for one in mine)
    rest = {one.frame: one.source for one in regions if one.track != 0}
    assert rest == {frame: "nobody" for frame in range(40) if not frames[0] <= frame <= frames[-1]}


def test_a_possible_face_does_not_stand_for_the_patient_who_is_lost(params):
    patient = [_seen(frame, 1, x=200) for frame in range(10)]
    regions = _cover([*patient, _seen(15, 0)], params, beliefs=POSSIBLE)
    assert {one.source for one in regions if one.frame == 15} == {"extended", "detected", "whole_frame"}


def test_a_possible_face_half_outside_is_covered_on(params):
    seen = _half_out("top", [(frame, 40) for frame in range(10, 15)])
    covered = {one.frame for one in _cover(seen, params, frames=60, beliefs=POSSIBLE) if one.track == 0}
    assert covered == set(range(60))


def test_a_followed_face_is_located_and_asks_nobody(params):
    seen = [_seen(frame) for frame in range(10)]
    seen += [replace(_seen(frame, mesh=False), followed=True) for frame in range(10, 20)]
    after = [one for one in _cover(seen, params) if one.frame >= 10]
    assert {(one.source, one.method, one.flagged) for one in after} == {
        ("followed", params.deidentify.fallback, False)
    }


@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
def test_a_body_that_is_seen_mostly_is_somebody_and_one_seen_now_and_then_is_not(params, share):
    box = np.array([200, 60, 240, 100], np.float32)
    heads = [Head(frame, 3, box) for frame in range(int(60 * share))]
    sources = [{one.source for one in _cover([], params, heads=heads, frames=60) if one.frame == 59}]
    assert sources == [{"nobody"} if share < 0.6 else {"whole_frame"} if share < 1 else {"head_region"}]


@pytest.mark.parametrize("at", [0, 20, 79])
def test_a_frame_long_after_a_glimpse_of_a_face_is_black_and_not_nobodys(params, at):
    """A face is there until it goes out, however briefly it was seen."""
    sources = {one.frame: one.source for one in _cover([_seen(at, mesh=False)], params, frames=80)}
    far = [frame for frame in range(80) if abs(frame - at) > params.deidentify.reach]
    assert {sources[frame] for frame in far} == {"whole_frame"}
    possible = _cover([_seen(at, mesh=False)], params, frames=80, beliefs=POSSIBLE)
    assert {one.source for one in possible if one.frame in far} == {"nobody"}


def test_a_head_between_two_that_were_seen_is_covered(params):
    boxes = {frame: np.array([200 + frame, 60, 240 + frame, 100], np.float32) for frame in (5, 15)}
    heads = [Head(frame, 3, box) for frame, box in boxes.items()]
    (between,) = [one for one in _cover([], params, heads=heads) if one.frame == 10]
    assert (between.source, between.flagged) == ("head_region", True)
    assert between.box_xyxy[0] <= 205 and between.box_xyxy[2] >= 255


def test_one_line_takes_a_possible_face_away(params):
    line = _line("remove", range(20), (0, 0, 320, 240))
    seen = [_seen(frame, mesh=False) for frame in range(5)]
    assert {one.method for one in _cover(seen, params, corrections=[line], beliefs=POSSIBLE)} == {"none"}
    with pytest.raises(CorrectionError):
        _cover(seen, params, corrections=[line])


def test_a_short_gap_is_swapped_and_a_long_one_is_pixelated_and_flagged(params):
    seen = [_seen(frame) for frame in (*range(8), *range(11, 20), *range(30, 40))]
    by_frame = {region.frame: region for region in _cover(seen, params, frames=40) if region.track == 0}
    assert (by_frame[9].source, by_frame[9].method, by_frame[9].flagged) == (
        "interpolated",
        "mesh_swap",
        False,
    )
    assert (by_frame[25].source, by_frame[25].method, by_frame[25].flagged) == (
        "interpolated",
        "pixelate",
        True,
    )


def test_a_track_reaches_to_the_cut_and_not_beyond(params):
    regions = _cover([_seen(frame) for frame in range(8, 12)], params, frames=30, cuts=(5, 20))
    mine = {region.frame for region in regions if region.track == 0}
    assert mine == set(range(5, 20))
    whole = {region.frame for region in regions if region.source == "whole_frame"}
    assert whole == set(range(5, 20)) - set(range(8, 12))
    assert {region.frame for region in regions if region.source == "nobody"} == {*range(5), *range(20, 30)}


def test_a_face_that_left_over_the_edge_is_not_covered_for_ever(params):
    seen = [_seen(frame, x=150 + 14 * frame) for frame in range(10)]
    mine = {region.frame for region in _cover(seen, params, frames=60) if region.track == 0}
    assert mine == set(range(10 + params.deidentify.reach))


def _half_out(edge, insides, side=80):
    """Return sightings of a face of which so many pixels are inside an edge, (frame, pixels) each."""
    found = []
    for frame, inside in insides:
        x, y = {
            "left": (inside - side, 100), "right": (SIZE_WH[0] - inside, 100),
            "top": (150, inside - side), "bottom": (150, SIZE_WH[1] - inside),
        }[edge]  # fmt: skip
        box = np.array([x, y, x + side, y + side], np.float32).clip(0, [*SIZE_WH, *SIZE_WH])
        found.append(replace(_seen(frame), box_xyxy=box.astype(np.float32)))
    return found


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("sway", [0, 1.5])
def test_who_stays_half_out_of_the_picture_is_covered_on(params, edge, sway):
    """Seen no more since half a face is hard to see, and still there, beside somebody who is seen."""
    seen = _half_out(edge, [(frame, 40 + sway * np.sin(frame)) for frame in range(20, 35)])
    beside = [_seen(frame, 7, x=140) for frame in range(90)]
    covered = {region.frame for region in _cover([*seen, *beside], params, frames=90) if region.track == 0}
    assert covered == set(range(90))


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("a_frame", [2, 6, 14])
def test_who_walks_out_is_covered_until_they_must_be_gone(params, edge, a_frame):
    last = range(10, 10 + 48 // a_frame)
    seen = _half_out(edge, [(frame, 80 - a_frame * (frame - 10)) for frame in last])
    covered = {region.frame for region in _cover(seen, params, frames=150) if region.track == 0}
    left = (80 - a_frame * (last[-1] - 10)) / a_frame
    assert max(covered) >= last[-1] + max(left, params.deidentify.reach)
    assert max(covered) <= last[-1] + max(2 * left + 1, params.deidentify.reach)


def test_a_doubtful_face_is_covered_steadily_around_its_sightings(params):
    seen = [_seen(frame, mesh=False, score=0.5) for frame in (20, 24)]
    regions = [region for region in _cover(seen, params, frames=60) if region.track == 0]
    reach = params.deidentify.reach
    assert {region.frame for region in regions} == set(range(20 - reach, 25 + reach))


def test_a_face_found_again_nearby_goes_on_as_the_same_track(params):
    seen = [_seen(frame, 0) for frame in range(5)] + [_seen(frame, 7, x=60) for frame in range(15, 20)]
    assert {region.track for region in _cover(seen, params) if region.track >= 0} == {0}
    apart = [_seen(frame, 0) for frame in range(5)] + [_seen(frame, 7, x=250) for frame in range(15, 20)]
    assert {region.track for region in _cover(apart, params) if region.track >= 0} == {0, 7}


def test_methods_do_not_alternate_for_a_few_frames(params):
    rule = params.deidentify
    seen = [_seen(frame, trusted=frame % 10 < rule.settle - 1) for frame in range(40)]
    rule = rule.model_copy(update={"max_gap_s": 2 / 30})
    methods = [region.method for region in _cover(seen, params, frames=40, rule=rule) if region.track == 0]
    assert set(methods) == {rule.fallback}
    steady = [_seen(frame, trusted=frame < 20) for frame in range(40)]
    methods = [region.method for region in _cover(steady, params, frames=40) if region.track == 0]
    assert methods == ["mesh_swap"] * 20 + [rule.fallback] * 20


def test_a_small_face_without_a_mesh_is_swapped_by_its_eyes_and_nose_in_all_frames(params):
    seen = [_seen(frame, mesh=False, eyes=True) for frame in (0, 1, 4, 5, 6)]
    regions = _cover(seen, params, frames=7)
    assert [region.method for region in regions] == ["point_swap"] * 7
    assert not any(region.flagged for region in regions)


@pytest.mark.parametrize("trusted", [(2, 3), (0, 5), (3,), (1, 3, 5)])
def test_where_a_mesh_is_not_trusted_for_long_enough_eyes_and_nose_stand_in(params, trusted):
    seen = [_seen(frame, trusted=frame in trusted, eyes=True) for frame in range(7)]
    assert {region.method for region in _cover(seen, params, frames=7)} <= {"point_swap", "mesh_swap"}


@pytest.mark.parametrize(
    ("change", "said", "asked"),
    [
        ({}, {(0, 0): "possible"}, "pixelate"),
        ({"method": "inswapper"}, {}, "pixelate"),
        ({"method": "blur"}, {}, "blur"),
    ],
)
def test_a_possible_face_is_not_swapped_nor_one_that_is_covered_otherwise(params, change, said, asked):
    seen = [_seen(frame, mesh=False, eyes=True) for frame in range(5)]
    rule = params.deidentify.model_copy(update=change)
    regions = _cover(seen, params, frames=5, rule=rule, beliefs=said.items())
    assert {region.method for region in regions} == {asked}


def test_a_line_that_would_uncover_a_face_swapped_by_its_eyes_is_refused(params):
    seen = [_seen(frame, mesh=False, eyes=True) for frame in range(5)]
    line = Correction(range(5), np.float32([0, 0, 320, 240]), "remove")
    with pytest.raises(CorrectionError, match="would uncover a face"):
        _cover(seen, params, frames=5, corrections=[line], subject=frozenset({7}))


def test_a_body_says_where_the_head_is_unless_it_shows_its_back(params):
    seen = [_seen(frame) for frame in range(10)]
    box = np.array([200, 60, 240, 100], np.float32)
    heads = [Head(frame, 0, box) for frame in range(10, 15)] + [
        Head(frame, 0, None) for frame in range(15, 40)
    ]
    regions = _cover(seen, params, heads=heads, frames=40)
    (head,) = [region for region in regions if region.frame == 12]
    assert (head.source, head.method, head.flagged) == ("head_region", "pixelate", True)
    assert head.box_xyxy[0] <= 200
    assert not any(region.frame == 17 for region in regions)


def test_a_body_that_is_taken_for_a_back_for_a_moment_uncovers_nobody(params):
    """Also where a second face, of whom nothing was seen, is in the picture."""
    seen = [_seen(frame) for frame in range(10)]
    glimpse = [Head(frame, 0, None) for frame in range(12, 12 + params.deidentify.reach)]
    regions = _cover(seen, params, heads=glimpse, frames=40)
    for frame in range(10, 40):
        here = [region for region in regions if region.frame == frame]
        assert {region.source for region in here} == {"extended", "whole_frame"}


def test_whoever_comes_to_where_a_face_was_lost_does_not_take_its_cover_away(params):
    lost = [_seen(frame, 0) for frame in range(10)]
    comes = [_seen(frame, 7, x=85) for frame in range(10 + 2 * params.deidentify.reach, 60)]
    regions = _cover(lost + comes, params, frames=60)
    assert all(any((r.frame, r.track) == (frame, 0) for r in regions) for frame in range(60))


def test_a_head_cheek_to_cheek_with_another_face_is_covered(params):
    mother = [_seen(frame, 0) for frame in range(20)]
    infant = [Head(frame, 3, np.array([86, 50, 122, 86], np.float32)) for frame in range(20)]
    regions = _cover(mother, params, heads=infant)
    assert {region.source for region in regions if region.frame == 5} == {"detected", "head_region"}


def test_a_face_that_jerks_away_is_covered_where_it_was_seen(params):
    """No mesh is drawn between two others while the face is elsewhere."""
    seen = [_seen(frame, x=130 if frame == 10 else 50, trusted=frame != 10) for frame in range(20)]
    (jerked,) = [region for region in _cover(seen, params) if region.frame == 10]
    assert jerked.method == params.deidentify.fallback
    assert jerked.box_xyxy[0] <= 130 < 170 <= jerked.box_xyxy[2]


@pytest.mark.parametrize(
    ("astray", "is_drawn"), [(0, True), (5, True), (9, False), (18, False), (-12, False)]
)
def test_a_mesh_is_drawn_between_two_others_only_where_no_side_of_the_face_would_be_bare(
    astray, is_drawn, params
):
    """As in a crowd: somebody in profile walked faster than the meshes before and after said."""
    seen = [
        _seen(frame, x=50.0 + 4 * frame + (astray if 9 <= frame <= 11 else 0), trusted=not 9 <= frame <= 11)
        for frame in range(20)
    ]
    methods = {region.method for region in _cover(seen, params) if 9 <= region.frame <= 11}
    assert methods == {"mesh_swap" if is_drawn else params.deidentify.fallback}


def test_frames_with_more_people_than_are_followed_are_masked_whole_and_flagged(params):
    seen = [_seen(frame) for frame in range(60)]
    regions = _cover(seen, params, frames=60, crowd=[30], cuts=(35,))
    masked = [region for region in regions if region.source == "whole_frame"]
    assert [region.frame for region in masked] == list(range(30 - params.deidentify.reach, 35))
    assert all(region.flagged and region.method == "mask" for region in masked)
    assert [region.source for region in regions if region.frame == 30] == ["detected", "whole_frame"]


def test_a_body_whose_head_is_elsewhere_than_its_face_has_both_covered(params):
    """Whoever took over the track of a lost face must not take its cover away."""
    seen = [_seen(frame) for frame in range(20)]
    box = np.array([200, 60, 240, 100], np.float32)
    regions = [r for r in _cover(seen, params, heads=[Head(5, 0, box)]) if r.frame == 5]
    assert {region.source for region in regions} == {"detected", "head_region"}


def test_two_people_seen_side_by_side_do_not_stand_for_each_other(params):
    both = [_seen(frame, track, x=50 + 34 * track) for frame in range(10) for track in (0, 1)]
    alone = [_seen(frame, 1, x=84) for frame in range(10, 20)]
    regions = _cover(both + alone, params)
    assert any((region.frame, region.track) == (15, 0) for region in regions)


def test_others_may_be_covered_in_another_way(params):
    rule = params.deidentify.model_copy(update={"method_of_others": "pixelate"})
    seen = [_seen(f, 0) for f in range(10)] + [_seen(f, 1, x=200) for f in range(10)]
    regions = _cover(seen, params, frames=10, rule=rule, subject=frozenset({1}))
    assert {region.track: region.method for region in regions} == {0: "pixelate", 1: "mesh_swap"}


def test_a_guessed_box_is_not_drawn_over_a_swapped_face(params):
    lost = [_seen(0, 0, x=80)]
    found = [_seen(frame, 1, x=50, y=90) for frame in range(12)]
    here = [region for region in _cover(lost + found, params, frames=12) if region.frame == 0]
    assert here[-1].method == "mesh_swap"


def _line(action, frames=range(5), box=(0, 0, 320, 240), method=None, *, uncovers=False):
    return Correction(frames, np.array(box, np.float32), action, method, uncovers)


@pytest.mark.parametrize("action", ["remove", "method"])
@pytest.mark.parametrize(("track", "frames"), [(7, range(30)), (1, range(30)), (0, range(20, 24)), (0, [29])])
def test_a_track_of_which_nothing_is_covered_is_told(params, action, track, frames):
    """Numbers change when a clip is extracted anew: a line must not wait for somebody else."""
    seen = [_seen(frame) for frame in range(20)]
    line = Correction(
        range(frames[0], frames[-1] + 1), None, action, "blur", uncovers=True, track=track, row=5
    )
    with pytest.raises(CorrectionError, match=f"row 5 names track {track}, of which nothing is covered"):
        _cover(seen, params, frames=30, cuts=[20], corrections=[line])


def test_a_track_that_is_swapped_is_uncovered_only_where_it_says_so(params):
    seen = [_seen(frame) for frame in range(20)]
    line = Correction(range(20), None, "remove", track=0)
    with pytest.raises(CorrectionError, match="would uncover a face"):
        _cover(seen, params, frames=20, corrections=[line])
    meant = replace(line, uncovers=True)
    left = _cover(seen, params, frames=20, corrections=[meant])
    assert {one.method for one in left if one.track == 0} == {"none"}


def test_a_person_adds_a_region(params):
    seen = [_seen(frame) for frame in range(20)]
    regions = _cover(seen, params, corrections=[_line("add", box=(200, 10, 260, 70))])
    added = [region for region in regions if region.source == "corrected"]
    assert [(region.frame, region.method) for region in added] == [(frame, "mask") for frame in range(5)]
    assert not any(region.flagged for region in added)


def test_a_person_removes_a_false_alarm_and_the_table_keeps_it(params):
    seen = [_seen(f, 0) for f in range(10)] + [_seen(f, 1, x=200) for f in range(10)]
    line = _line("remove", range(10), (150, 0, 320, 240), uncovers=True)
    regions = _cover(seen, params, frames=10, corrections=[line])
    assert {(r.track, r.method, r.source) for r in regions} == {
        (0, "mesh_swap", "detected"),
        (1, "none", "corrected"),
    }


def test_a_frame_whose_only_face_was_removed_is_masked_whole_until_a_person_says_so(params):
    seen = [_seen(frame) for frame in range(5)]
    near = _line("remove", box=(30, 30, 110, 110), uncovers=True)
    regions = _cover(seen, params, frames=5, corrections=[near])
    assert {region.method for region in regions if region.source == "whole_frame"} == {"mask"}
    regions = _cover(seen, params, frames=5, corrections=[near, _line("remove", uncovers=True)])
    assert {region.method for region in regions} == {"none"}


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("first", [0, 7, 23])
def test_a_line_that_would_uncover_a_face_is_refused_until_it_says_so(params, wide, first):
    seen = [_seen(frame) for frame in range(30)]
    box = (0, 0, 320, 240) if wide else (30, 30, 110, 110)
    line = replace(_line("remove", range(first, first + 2), box), row=7)
    with pytest.raises(CorrectionError, match=f"row 7 would uncover a face that is known in frame {first}"):
        _cover(seen, params, frames=30, corrections=[_line("add", box=(200, 10, 260, 70)), line])
    told = _line("remove", range(first, first + 2), box, uncovers=True)
    bared = {r.frame for r in _cover(seen, params, frames=30, corrections=[told]) if r.method == "none"}
    assert bared == {first, first + 1}


def test_the_subjects_track_is_refused_also_where_nothing_was_swapped(params):
    """A face that was seen badly is pixelated or masked: it is the subject's all the same."""
    seen = [_seen(frame, trusted=False) for frame in range(10)]
    line = _line("remove", range(3, 5))
    with pytest.raises(CorrectionError, match="known in frame 3"):
        _cover(seen, params, frames=10, corrections=[line], subject=frozenset({0}))
    # somebody else's cover that carries no face may be a false alarm
    regions = _cover(seen, params, frames=10, corrections=[line], subject=frozenset({5}))
    assert {region.frame for region in regions if region.method == "none"} == {3, 4}


def test_a_person_chooses_another_method(params):
    seen = [_seen(frame) for frame in range(10)]
    regions = _cover(seen, params, frames=10, corrections=[_line("method", range(3, 6), method="blur")])
    methods = [region.method for region in regions]
    assert methods == ["mesh_swap"] * 3 + ["blur"] * 3 + ["mesh_swap"] * 4


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_very_short_clip_is_swapped(params, frames):
    regions = _cover([_seen(frame) for frame in range(frames)], params, frames=frames)
    assert [region.method for region in regions] == ["mesh_swap"] * frames
