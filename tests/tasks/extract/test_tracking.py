"""Tracks and people on made observations: no model is needed to follow a box."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.extract.people import People, people_in
from tasks.extract.scenes import SceneCutter
from tasks.extract.tracking import Located, PartModel, Tracked, Tracker
from tasks.video import read_frames
from tasks.vision.detectors import Detection, View
from tasks.vision.keypoints import Part
from tasks.vision.regions import Region

BLANK = View(*[np.zeros((4, 4, 3), np.uint8)] * 2)


def _located(x, y=0.0, size=10.0, points=None):
    xy = np.array([[x, y], [x + size, y + size]], np.float32) if points is None else points
    box = np.array([x, y, x + size, y + size], np.float32)
    return Located(Part(xy, np.ones(len(xy), np.float32), 1.0, box), Region((x, y), size))


def assign_people(frames):
    people = People()
    for parts in frames:
        people.meet(parts)
    return [people_in(parts, people.numbers()) for parts in frames]


def _box(x):
    return np.array([x, 0, x + 10, 10], np.float32)


class Scene:
    """Faces at given places per frame; remembers how the detector was asked to look."""

    def __init__(self, frames):
        self.frames, self.frame, self.looks = frames, -1, []

    def find(self, rgb, look):
        self.looks.append((self.frame, look))
        return [Detection(_box(x), np.zeros((2, 2), np.float32), 0.9) for x in self.frames[self.frame]]

    def meet(self, rgb, found):
        return _located(float(found.box_xyxy[0]))

    def follow(self, rgb, region):
        near = [x for x in self.frames[self.frame] if abs(x - region.center_xy[0]) < 5]
        return _located(near[0]) if near else None

    def run(self, *, cuts=(), hidden=False, same_box=False, **options):
        model = PartModel(self.find, self.meet, self.follow, same_box=same_box)
        tracker = Tracker(model, overlap=0.3, **{"interval": 10, "limit": 4, **options})
        seen = []
        for number in range(len(self.frames)):
            self.frame = number
            parts = tracker.step(BLANK, cut=number in cuts, hidden=hidden)
            seen.append({t.track: t.located.part.box_xyxy[0] for t in parts})
        return seen


def test_two_faces_keep_their_numbers_while_they_move():
    seen = Scene([[i, 100 - i] for i in range(30)]).run()
    assert all(frame == {0: i, 1: 100 - i} for i, frame in enumerate(seen))


def test_a_face_that_is_found_again_keeps_its_number():
    seen = Scene([[5], [], [], [6], [7]]).run(interval=1)
    assert seen == [{0: 5}, {}, {}, {0: 6}, {0: 7}]


def test_with_an_interval_of_one_a_face_of_a_single_frame_is_seen():
    assert Scene([[5], [5], [5, 60], [5]]).run(interval=1)[2] == {0: 5, 1: 60}


def test_a_face_of_which_only_the_box_is_known_stays_known():
    scene = Scene([[5], [5], [5]])
    scene.follow = lambda rgb, region: None
    scene.meet = lambda rgb, found: replace(
        _located(5), part=replace(_located(5).part, xy=np.full((2, 2), np.nan, np.float32))
    )
    assert scene.run(interval=1) == [{0: 5}] * 3
    assert [look for _, look in scene.looks] == ["turned", "turned", "turned"]


def test_a_mouth_inside_a_face_is_no_face_of_its_own():
    whole = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], np.float32)
    scene = Scene([[0], [0, 30], [0, 30]])
    scene.follow = lambda rgb, region: _located(region.center_xy[0], size=100, points=whole)
    scene.meet = lambda rgb, found: _located(float(found.box_xyxy[0]), size=100, points=whole)
    scene.find = lambda view, look: [
        Detection(np.array([x, 40, x + 30, 60], np.float32), np.zeros((2, 2), np.float32), 0.9)
        for x in scene.frames[scene.frame]
    ]
    assert scene.run(interval=1, same_box=True) == [{0: 0}] * 3
    scene = Scene([[0], [0, 95]])
    scene.meet = lambda rgb, found: _located(float(found.box_xyxy[0]))
    assert len(scene.run(interval=1, same_box=True)[1]) == 2


def test_somebody_met_elsewhere_stays_somebody_in_front_of_a_larger_face():
    whole = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], np.float32)
    places = [200, 40, 40, 200]
    scene = Scene([[]] * len(places))

    def follow(rgb, region):
        box = _large() if region.side == 100 else _small(places[scene.frame])
        return _located_in(box.box_xyxy, whole)

    model = PartModel(
        lambda view, look: [] if scene.frame else [_large(), _small(200)],
        lambda rgb, found: _located_in(found.box_xyxy, whole),
        follow,
        same_box=True,
    )
    tracker = Tracker(model, 1, 4, 0.3)
    for scene.frame in range(len(places)):
        assert [tracked.track for tracked in tracker.step(BLANK)] == [0, 1]


def test_a_mouth_does_not_become_the_face_that_was_lost():
    whole = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], np.float32)
    found = [[_large()], [Detection(np.array([40, 70, 60, 80], np.float32), np.zeros((2, 2)), 0.9)]]
    scene = Scene([[0], [0]])
    model = PartModel(
        lambda view, look: found[scene.frame],
        lambda rgb, face: _located_in(face.box_xyxy, whole),
        lambda rgb, region: None,
        same_box=True,
    )
    tracker = Tracker(model, 1, 4, 0.3)
    tracks = []
    for scene.frame in range(2):
        tracks.append([tracked.track for tracked in tracker.step(BLANK)])
    assert tracks == [[0], [1]]


def _large():
    return Detection(np.array([0, 0, 100, 100], np.float32), np.zeros((2, 2), np.float32), 0.9)


def _small(x):
    return Detection(np.array([x, 40, x + 20, 60], np.float32), np.zeros((2, 2), np.float32), 0.9)


def _located_in(box, whole):
    size = float(box[2] - box[0])
    points = whole if size == 100 else box.reshape(2, 2)[[0, 0, 1, 1]]
    return Located(Part(points, np.ones(len(points), np.float32), 1.0, box), Region((0.0, 0.0), size))


def test_the_detectors_rest_while_a_face_is_followed():
    scene = Scene([[5]] * 25)
    scene.run()
    assert scene.looks == [(0, "turned"), (10, "search"), (20, "search")]


def test_between_two_searches_a_glance_is_enough():
    scene = Scene([[5]] * 4)
    scene.run(glances=True)
    assert [look for _, look in scene.looks] == ["turned", "glance", "glance", "glance"]


def test_a_lost_face_is_searched_at_once_in_every_turn():
    scene = Scene([[5, 50]] * 3 + [[5]] + [[5]] * 3 + [[]])
    scene.run()
    assert scene.looks == [(0, "turned"), (3, "search"), (7, "turned")]


def test_a_body_without_a_face_has_the_turned_pictures_searched_now_and_then():
    scene = Scene([[5]] * 25)
    scene.run(hidden=True)
    assert scene.looks == [(0, "turned"), (10, "turned"), (20, "turned")]


def test_nobody_is_known_after_a_cut():
    assert Scene([[5]] * 4).run(cuts=(2,)) == [{0: 5}, {0: 5}, {1: 5}, {1: 5}]


def test_a_cut_is_a_jump_of_colours_and_not_a_movement(sample):
    frames = [frame.rgb for frame in read_frames(sample("carphone"))]
    other = next(read_frames(sample("franck"))).rgb
    cutter = SceneCutter(0.5)
    assert sum(cutter.step(rgb) for rgb in frames) == 0
    assert [cutter.step(rgb) for rgb in (other, other, np.zeros_like(other), other)] == [
        True,
        False,
        True,
        True,
    ]
    assert cutter.scene == 3


def test_a_newcomer_is_seen_at_the_next_look():
    seen = Scene([[5]] * 3 + [[5, 50]] * 20).run()
    assert 1 not in seen[9]
    assert seen[10] == {0: 5, 1: 50}


def test_more_people_than_the_limit_are_never_dropped_silently():
    scene = Scene([[0, 20, 40]] * 3 + [[0, 20]] * 3)
    tracker = Tracker(PartModel(scene.find, scene.meet, scene.follow), 1, 2, 0.3, glances=True)
    crowded = []
    for scene.frame in range(6):
        assert len(tracker.step(BLANK)) == 2
        crowded.append(tracker.crowded)
    assert crowded == [True] * 3 + [False] * 3


def test_a_quick_look_does_not_say_that_the_crowd_has_gone():
    scene = Scene([[0, 20, 40]] + [[0, 20]] * 5)
    tracker = Tracker(PartModel(scene.find, scene.meet, scene.follow), 4, 2, 0.3, glances=True)
    crowded = []
    for scene.frame in range(6):
        tracker.step(BLANK)
        crowded.append(tracker.crowded)
    assert crowded == [True] * 4 + [False] * 2


def test_whoever_leans_over_a_patient_for_a_moment_is_not_the_patient():
    apart = {"face": (_face(0, 200),), "body": (_body(1, 0),), "hand": ()}
    leaning = {"face": (_face(0, 200),), "body": (_body(1, 205),), "hand": ()}
    people = assign_people([apart] * 5 + [leaning] + [apart] * 5)
    assert all(len(frame) == 2 for frame in people)


def _body(track, x):
    xy = np.full((33, 2), x, np.float32)
    xy[15], xy[16] = [x + 40, 50], [x - 40, 50]
    return Tracked(track, _located(x, 0, 90, xy))


def _face(track, x):
    return Tracked(track, _located(x - 5, x - 5, 10))


def _hand(x, right):
    located = _located(x, 50, 10)
    return Tracked(0, Located(located.part, located.next_region, right))


def test_face_body_and_hands_of_one_person_meet():
    frames = [{"face": (_face(0, 100),), "body": (_body(7, 100),), "hand": (_hand(60, 0.9), _hand(140, 0.1))}]
    ((person, parts),) = assign_people(frames)[0].items()
    assert person == 0
    assert set(parts) == {"face", "body", "left_hand", "right_hand"}
    assert parts["right_hand"].xy[0, 0] == 60


def test_two_people_stay_apart_and_in_order_of_appearance():
    first = {"face": (), "body": (_body(1, 300),), "hand": ()}
    both = {"face": (_face(5, 100), _face(6, 300)), "body": (_body(1, 300), _body(2, 100)), "hand": ()}
    people = assign_people([first, both])
    assert set(people[0]) == {0}
    assert people[1][0]["face"].xy[0, 0] == 295
    assert people[1][1]["face"].xy[0, 0] == 95


def test_a_face_without_a_body_is_a_person():
    people = assign_people([{"face": (_face(0, 10),), "body": (), "hand": ()}])
    assert set(people[0][0]) == {"face"}


@pytest.mark.parametrize(
    ("way", "fitted", "seen_at"),
    [
        (5, _located, 10),  # the detection wins
        (-4, _located, 1),
        (1, _located, 5),  # near enough: what is followed is finer than what is detected
        (5, lambda x: None, 5),  # nothing fits there
        (5, lambda x: _located(5.0), 5),  # what fits is no nearer
    ],
)
def test_a_part_that_slipped_is_put_back_where_it_is_detected(way, fitted, seen_at):
    """A mesh slid to the neck and stayed there with a good score: the eyes were bare."""
    scene = Scene([[5], [5 + way], [5 + way]])
    model = PartModel(
        scene.find, scene.meet, lambda rgb, region: _located(5.0), same_box=True,
        fit=lambda rgb, found, taken: fitted(float(found.box_xyxy[0])),
    )  # fmt: skip
    tracker = Tracker(model, 10, 4, 0.3, glances=True)
    for scene.frame in range(2):
        parts = tracker.step(BLANK)
    assert {one.track: one.located.part.box_xyxy[0] for one in parts} == {0: seen_at}


def test_a_part_is_not_put_where_somebody_else_is():
    scene = Scene([[5, 14], [10, 14]])
    kept = {5: _located(5.0), 14: _located(14.0)}
    model = PartModel(
        scene.find, scene.meet, lambda rgb, region: kept[round(region.center_xy[0])], same_box=True,
        fit=lambda rgb, found, taken: _located(float(found.box_xyxy[0])),
    )  # fmt: skip
    tracker = Tracker(model, 10, 4, 0.3, glances=True)
    for scene.frame in range(2):
        parts = tracker.step(BLANK)
    assert {one.track: one.located.part.box_xyxy[0] for one in parts} == {0: 5, 1: 14}


def test_of_two_who_were_lost_the_nearer_one_is_found_again():
    """Their order says nothing: numbers of people who stood close were swapped."""
    for first, second in ((5, 11), (11, 5)):
        scene = Scene([[first, second], [], [12]])
        scene.follow = lambda rgb, region: None
        assert scene.run(interval=1)[2] == {(0, 1)[second == 11]: 12}


RED, BLUE = (200, 30, 30), (30, 30, 200)


def _painted(places):
    """Return a view in which somebody of one colour stands at each x, 10 pixels wide."""
    rgb = np.zeros((10, 60, 3), np.uint8)
    for x, colour in places.items():
        rgb[:, round(x) : round(x) + 10] = colour
    return View(rgb, rgb)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("gap", [0, 1, 3])
def test_of_two_who_are_equally_near_the_more_alike_one_is_found_again(order, gap):
    """Two who pass one another are lost in front of each other; whoever is found first says nothing."""
    before, after = {20.0: RED, 26.0: BLUE}, {26.0: RED, 20.0: BLUE}
    scene = Scene([[20, 26][::order], *[[]] * gap, [20, 26.4][::order]])
    scene.follow = lambda rgb, region: None
    tracker = Tracker(PartModel(scene.find, scene.meet, scene.follow), 1, 4, 0.3)
    views = [_painted(before), *[_painted({})] * gap, _painted(after)]
    seen = []
    for scene.frame, view in enumerate(views):
        seen.append({one.track: float(one.located.part.box_xyxy[0]) for one in tracker.step(view)})
    red, blue = sorted(seen[0], key=lambda track: seen[0][track])
    # nobody swaps who is plainly nearer
    assert seen[-1] == pytest.approx({red: 20, blue: 26.4})
    middle = Scene([[20, 26][::order], *[[]] * gap, [23]])
    middle.follow = lambda rgb, region: None
    for colour, meant in ((RED, 20.0), (BLUE, 26.0)):
        tracker = Tracker(PartModel(middle.find, middle.meet, middle.follow), 1, 4, 0.3)
        for middle.frame, view in enumerate([*views[:-1], _painted({23.0: colour})]):
            last = tracker.step(view)
            if not middle.frame:
                names = {float(one.located.part.box_xyxy[0]): one.track for one in last}
        assert [one.track for one in last] == [names[meant]]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_newcomers_the_nearest_pair_goes_first(order):
    scene = Scene([[20, 26], [24, 30][::order]])
    scene.follow = lambda rgb, region: None
    assert scene.run(interval=1)[1] == {1: 24, 2: 30}
