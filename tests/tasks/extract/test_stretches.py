"""Parts of a clip that are joined: whoever is seen where two meet is one, and nobody is lost."""

import pickle
from io import BytesIO

import numpy as np
import pytest

from schemas.skeletons import FACE_POINTS
from schemas.texts import TEXTS
from tasks.extract.clip import Survey, backends_of
from tasks.extract.following import Follow
from tasks.extract.hypotheses import Hypothesis
from tasks.extract.stretches import Joiner, Stretch, lead_of, read_stretch, save_stretch
from tasks.extract.tracking import Located, Tracked
from tasks.extract.weighing import Evidence
from tasks.files.tables import build_table
from tasks.vision.keypoints import Part
from tasks.vision.regions import Region

AFAR = np.zeros(48, np.uint8)
TEXTS_OF_NONE = build_table([], TEXTS)


def _seen(track, x, size=10.0):
    box = np.array([x, 0, x + size, size], np.float32)
    part = Part(np.full((FACE_POINTS, 2), x, np.float32), np.ones(FACE_POINTS, np.float32), 1.0, box)
    return Tracked(track, Located(part, Region((x, 0.0), size)))


def _stretch(first, faces, *, scenes=None, follows=(), looks=(0.9,), texts=None):
    """Return a part. faces: frame -> track -> x."""
    scenes = scenes or dict.fromkeys(faces, 0)
    frames = [(frame, 10 * frame, frame / 25, scenes[frame], False) for frame in sorted(faces)]
    parts = [
        {"face": tuple(_seen(*one) for one in faces[frame].items()), "body": (), "hand": ()}
        for frame in sorted(faces)
    ]
    evidence = Evidence()
    for row, found in zip(frames, parts, strict=True):
        for face in found["face"]:
            told = Hypothesis.of(face, row[0], row[3], AFAR + face.track)
            known = evidence.hypotheses.setdefault(face.track, told)
            known.see(face, row[0], AFAR + 100 + face.track)
    for known in evidence.hypotheses.values():
        for look in looks:
            known.hear(look, known.last_frame)
    for frame, track, agreement in follows:
        evidence.follow(Follow(frame, track, agreement, np.array([1, 2, 3, 4], np.float32)))
    return Stretch(first, frames, evidence, texts), iter(list(zip(frames, parts, strict=True)))


@pytest.fixture
def join(params):
    def run(*stretches):
        survey = Survey(BytesIO(), backends_of(params.extract), Evidence())
        joiner = Joiner(survey, params.extract)
        for stretch in stretches:
            joiner.take(*stretch)
        joiner.end()
        return survey, joiner

    return run


def _tracks(survey):
    """Return frame -> track -> x."""
    survey.spool.seek(0)
    return {
        row[0]: {
            face.track: float(face.located.part.box_xyxy[0]) for face in pickle.load(survey.spool)["face"]
        }
        for row in survey.frames
    }


def test_whoever_is_in_the_same_place_where_parts_meet_is_one(join):
    one = _stretch(0, {frame: {0: 0.0, 1: 100.0} for frame in range(10)})
    other = _stretch(10, {frame: {0: 101.0, 1: 1.0} for frame in range(7, 20)})
    survey, _ = join(one, other)
    assert [row[0] for row in survey.frames] == list(range(20))
    assert _tracks(survey) == {
        frame: {0: 0.0, 1: 100.0} if frame < 10 else {1: 101.0, 0: 1.0} for frame in range(20)
    }
    told = survey.faces.hypotheses
    assert {track: (face.first_frame, face.last_frame, face.sightings) for track, face in told.items()} == {
        0: (0, 19, 20), 1: (0, 19, 20)
    }  # fmt: skip
    # both parts looked at each
    assert [len(face.looks) for face in told.values()] == [2, 2]


def test_a_newcomer_is_nobody_who_was_there_before(join):
    one = _stretch(0, {frame: {0: 0.0} for frame in range(10)})
    other = _stretch(10, {frame: {0: 0.0} | ({1: 50.0} if frame > 12 else {}) for frame in range(7, 20)})
    third = _stretch(20, {frame: {0: 50.0} | ({1: 200.0} if frame > 25 else {}) for frame in range(17, 30)})
    survey, _ = join(one, other, third)
    assert _tracks(survey)[19] == {0: 0.0, 1: 50.0}
    assert _tracks(survey)[29] == {1: 50.0, 2: 200.0}
    assert sorted(survey.faces.hypotheses) == [0, 1, 2]


def test_somebody_who_left_and_somebody_who_came_to_his_place_are_two(join):
    one = _stretch(0, {frame: {0: 0.0} if frame < 5 else {} for frame in range(10)})
    other = _stretch(10, {frame: {0: 0.0} if frame > 15 else {} for frame in range(7, 20)})
    survey, _ = join(one, other)
    assert sorted(survey.faces.hypotheses) == [0, 1]


def test_a_face_that_only_the_later_part_saw_is_in_the_frames_before_it(join):
    one = _stretch(0, {frame: {0: 0.0} for frame in range(10)})
    other = _stretch(10, {frame: {0: 0.0, 1: 50.0} for frame in range(7, 20)})
    survey, _ = join(one, other)
    assert [sorted(_tracks(survey)[frame]) for frame in (6, 7, 9, 10)] == [[0], [0, 1], [0, 1], [0, 1]]
    assert survey.faces.hypotheses[1].first_frame == 7


def test_scenes_go_on_counting(join):
    one = _stretch(0, {n: {} for n in range(10)}, scenes={n: int(n > 4) for n in range(10)})
    other = _stretch(10, {n: {} for n in range(7, 20)}, scenes={n: int(n > 15) for n in range(7, 20)})
    third = _stretch(20, {n: {} for n in range(17, 25)}, scenes={n: int(n > 19) for n in range(17, 25)})
    survey, _ = join(one, other, third)
    assert [row[3] for row in survey.frames] == [0] * 5 + [1] * 11 + [2] * 4 + [3] * 5


def test_where_a_face_was_followed_is_known_once_and_not_where_it_was_seen(join):
    one = _stretch(0, {n: {0: 0.0} for n in range(8)} | {8: {}, 9: {}}, follows=[(8, 0, 0.8), (9, 0, 0.7)])
    lead = {6: {5: 0.0}, 7: {5: 0.0}, 8: {}, 9: {}}
    other = _stretch(10, lead | {10: {5: 0.0}}, follows=[(9, 5, 0.9), (8, 5, 0.75), (7, 5, 0.99)])
    survey, _ = join(one, other)
    found = {at: follow.agreement for at, follow in survey.faces.follows.items()}
    assert found == {(8, 0): 0.8, (9, 0): 0.9}


def test_the_likeliest_frame_is_that_of_the_best_look_of_any_part(join):
    parts = [
        _stretch(0, {n: {0: 0.0} for n in range(10)}, looks=(0.5,)),
        _stretch(10, {n: {0: 0.0} for n in range(7, 20)}, looks=(0.8, 0.6)),
        _stretch(20, {n: {0: 0.0} for n in range(17, 30)}, looks=(0.7,)),
    ]
    survey, _ = join(*parts)
    assert survey.faces.hypotheses[0].likeliest_frame == 19
    assert survey.faces.hypotheses[0].looks == [0.5, 0.8, 0.6, 0.7]


def test_lines_of_text_are_kept_by_part(join):
    parts = [
        _stretch(0, {n: {} for n in range(10)}, texts=TEXTS_OF_NONE),
        _stretch(10, {n: {} for n in range(7, 20)}, texts=TEXTS_OF_NONE),
    ]
    _, joiner = join(*parts)
    assert [(part.first, part.end) for part in joiner.texts] == [(0, 10), (10, 20)]


def test_what_is_saved_of_a_part_is_what_is_read(tmp_path, params):
    stretch, frames = _stretch(3, {n: {0: float(n)} for n in range(6)})
    survey = Survey(BytesIO(), backends_of(params.extract), stretch.evidence)
    for row, parts in frames:
        survey.add(row, parts)
    save_stretch(tmp_path / "part", 3, survey, None)
    read, again = read_stretch(tmp_path / "part")
    assert (read.first, read.frames, read.texts) == (3, stretch.frames, None)
    assert [float(parts["face"][0].located.part.box_xyxy[0]) for _, parts in again] == [0, 1, 2, 3, 4, 5]


def test_what_leads_up_to_a_part_is_longer_than_anybody_is_followed(params):
    for rate in (5.0, 25.0, 60.0):
        settings = params.extract.at(rate)
        assert lead_of(settings) > 4 * settings.search_interval
