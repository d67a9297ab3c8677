"""The check sees a bare face by itself, whatever `extract` and the coverage say."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from tests_support import seen_tables, write_pictures
from visits_support import FULL_HD, HD, UHD, heads_of, paste, scenery, visited

from schemas.coverage import COVERAGE
from schemas.keypoints import KEYPOINTS
from tasks.extract.backends.face_mediapipe import face_without_mesh
from tasks.files.clips import coverage_path, keypoints_path, video_path
from tasks.files.documents import write_table
from tasks.files.seen import seen_path, write_seen
from tasks.files.tables import build_table
from tasks.validate.pixels.comparing import Seen, _compare
from tasks.validate.pixels.leaks import clip_leaks
from tasks.validate.pixels.survival import LANDMARKS
from tasks.validate.pixels.watching import FIRST, Watch
from tasks.vision.detectors import Detection
from tasks.vision.keypoints import Sighting, to_table
from tasks.vision.regions import overlap

CLIP = f"clip-{7:016x}"
FRAMES = 32


class _Frame:
    """What the watch reads of a frame."""

    def __init__(self, index, rgb):
        self.index, self.rgb = index, rgb


@pytest.fixture(scope="module")
def people(sample, weights, params):
    return [heads_of(sample(name, 2.0), weights, params) for name in ("cap12", "franck")]


@pytest.mark.parametrize(
    ("size_px", "turns", "size_wh"),
    [(48, 0, HD), (75, 1, FULL_HD), (120, 2, HD), (120, 3, HD), (150, 0, UHD), (300, 0, HD)],
)
@pytest.mark.parametrize("arm", FIRST)
def test_a_face_that_comes_is_seen_in_the_next_watched_frame(arm, size_px, turns, size_wh, people, weights):
    visitor, host = people
    watch = Watch(weights, arm)
    for number in range(FIRST[arm] + 17):
        who = visitor if number > FIRST[arm] + 8 else None
        picture, box = visited(number, size_wh, host, who, size_px, turns)
        covered = [np.array([0, 100, 400 * size_wh[0] // 1280, size_wh[1]], np.float32)]
        seen = watch.faces(_Frame(number, picture), covered)
    assert any(overlap(box, face) > 0.3 for face in seen)


def test_a_room_without_anybody_has_no_face(weights):
    for arm in FIRST:
        watch = Watch(weights, arm)
        for number in range(30):
            assert watch.faces(_Frame(number, scenery(HD, number % 2)), []) == []


@pytest.mark.parametrize("comes", [5, 17, 22])
def test_a_bare_face_that_nobody_covered_is_found(comes, people, params, root, tmp_path):
    """Between two searches, in no table, published as it was: today's check compared nothing there."""
    visitor, _ = people
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    stays = range(comes, comes + 8)
    pictures = [
        visited(number, HD, None, visitor if number in stays else None, 90, 0)[0] for number in range(FRAMES)
    ]
    for arm in ("original", "released"):
        path = tmp_path / video_path(arm, CLIP)
        path.parent.mkdir(parents=True)
        write_pictures(path, pictures)
        _write_tables(tmp_path, arm)
    surviving, *_ = clip_leaks(tmp_path, CLIP, params.validate_, params.deidentify.margin)
    assert surviving["frames"] > 0
    found = {int(end) for run in surviving["ranges"].split(", ") for end in run.split("-")}
    assert found <= set(stays)


def _frames_of(ranges):
    ends = [[int(end) for end in run.split("-")] for run in ranges.split(", ")]
    return {frame for run in ends for frame in range(run[0], run[-1] + 1)}


def _write_tables(folder, arm, faces=(), belief="possible"):
    """Write what `extract` says of an arm: faces are (frame, box); nothing is covered."""
    found = [face_without_mesh(Detection(box, np.zeros((3, 2), np.float32), 0.9)).part for _, box in faces]
    seen = [Sighting(at, at, at / 25, 0, {"face": part}) for (at, _), part in zip(faces, found, strict=True)]
    rows = [
        {
            "person": 0, "scene": 0, "first_frame": 0, "last_frame": FRAMES - 1, "sightings": len(faces),
            "meshes": 0, "looks": [0.3], "likeliest_frame": 0, "around_xyxy": [0.0] * 4, "belief": belief,
            "first_rgb": [0] * 48, "last_rgb": [0] * 48,
            "reason": "made",
        }
    ] if faces else []  # fmt: skip
    write_table(to_table(seen), KEYPOINTS, folder / keypoints_path(arm, CLIP))
    write_seen(folder / seen_path(arm, CLIP), *seen_tables(faces=rows))
    write_table(build_table([], COVERAGE), COVERAGE, folder / coverage_path("released", CLIP))


@pytest.mark.parametrize(("belief", "finding"), [("confirmed", "surviving"), ("possible", "doubtful")])
@pytest.mark.parametrize("where", ["original", "released"])
def test_only_a_confirmed_face_fails_a_clip_and_a_possible_one_asks(
    belief, finding, where, root, params, tmp_path
):
    """A pattern on the wall, taken for a face in some frames of one arm; nothing was covered."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    pattern = np.array([680, 95, 780, 175], np.float32)
    for arm in ("original", "released"):
        path = tmp_path / video_path(arm, CLIP)
        path.parent.mkdir(parents=True)
        write_pictures(path, [scenery(HD, number % 2) for number in range(FRAMES)])
        _write_tables(tmp_path, arm, [(n, pattern) for n in (4, 5, 19)] if arm == where else (), belief)
    found = clip_leaks(tmp_path, CLIP, params.validate_, params.deidentify.margin)
    frames = {row["finding"]: row["ranges"] for row in found if row["frames"]}
    assert frames == {finding: "4-5, 19"}


@pytest.mark.parametrize("sure", ["original", "released"])
def test_a_face_that_either_arm_is_sure_of_fails_the_clip(sure, root, params, tmp_path):
    """What the other arm takes for possible only, in the same place, must not stand for it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    pattern = np.array([680, 95, 780, 175], np.float32)
    for arm in ("original", "released"):
        path = tmp_path / video_path(arm, CLIP)
        path.parent.mkdir(parents=True)
        write_pictures(path, [scenery(HD, number % 2) for number in range(FRAMES)])
        belief = "confirmed" if arm == sure else "possible"
        _write_tables(tmp_path, arm, [(n, pattern) for n in (4, 5, 19)], belief)
    surviving, *_ = clip_leaks(tmp_path, CLIP, params.validate_, params.deidentify.margin)
    assert surviving["ranges"] == "4-5, 19"


@pytest.mark.parametrize(
    ("beside", "has_neighbour", "finding"),
    [
        ((0.0, 0.75), False, "doubtful"),  # the neck, to which a mesh slipped from what was drawn
        ((0.75, 0.0), False, "doubtful"),  # the wall and an ear
        ((0.8, 0.0), True, "surviving"),  # somebody else, cheek to cheek, whom only the release's tables know
    ],
)
@pytest.mark.parametrize("size_px", [60, 140])
def test_what_lies_on_the_edge_of_a_covered_face_fails_a_clip_only_where_a_face_is(
    beside, has_neighbour, finding, size_px, people, root, params, tmp_path
):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/models").symlink_to(root / "data/models")
    shown = scenery(HD).copy()
    corner = np.array([500, 250])
    who = paste(shown, *people[0][0], size_px, corner)
    way = np.round((who[2:] - who[:2]) * beside)
    if has_neighbour:
        paste(shown, *people[1][0], size_px, corner + way.astype(int))
    released = shown.copy()
    x0, y0, x1, y1 = np.round(who).astype(int)
    released[y0:y1, x0:x1] = 128
    if has_neighbour:  # what is drawn of the one leaves the other as they are
        released[:, round(who[0] + way[0]) :] = shown[:, round(who[0] + way[0]) :]
    for arm, rgb, box in (("original", shown, who), ("released", released, who + np.tile(way, 2))):
        path = tmp_path / video_path(arm, CLIP)
        path.parent.mkdir(parents=True)
        write_pictures(path, [rgb] * FRAMES)
        _write_tables(tmp_path, arm, [(n, box.astype(np.float32)) for n in (4, 5)], "confirmed")
    found = clip_leaks(tmp_path, CLIP, params.validate_, params.deidentify.margin)
    frames = {row["finding"]: _frames_of(row["ranges"]) for row in found if row["frames"]}
    assert {4, 5} <= frames[finding], frames
    assert finding == "surviving" or "surviving" not in frames


@pytest.mark.parametrize(("score", "is_believed"), [(0.6, False), (0.84, False), (0.9, True)])
def test_one_detector_alone_is_believed_only_where_it_is_very_sure(score, is_believed, weights, monkeypatch):
    """Something that HOG does not take for a face: what CenterFace half believes would fail a clip."""
    alarm = Detection(np.float32([20, 20, 60, 60]), np.zeros((5, 2), np.float32), score)
    monkeypatch.setattr("tasks.validate.pixels.watching.detect_centerface", lambda *_, **__: [alarm])
    watch = Watch(weights, "original")
    room = scenery(HD)
    assert bool(watch.faces(_Frame(FIRST["original"], room), [])) == is_believed


def test_a_face_beside_which_its_mesh_lies_is_compared_in_its_box():
    """The cover was drawn where the mesh is, and so was the comparison."""
    rng = np.random.default_rng(4)
    grey = cv2.GaussianBlur(rng.integers(0, 255, (300, 400), dtype=np.uint8), (0, 0), 2)
    covered = grey.copy()
    covered[:, 230:] = 90
    beside = rng.uniform([250, 90], [370, 210], (468, 2)).astype(np.float32)
    face = Seen(np.array([60, 80, 220, 260], np.float32), beside[LANDMARKS])
    arms = (SimpleNamespace(grey=picture) for picture in (grey, covered))
    assert _compare(*arms, face)["face"] > 0.9
