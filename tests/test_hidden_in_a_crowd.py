"""The sample cohort among ten other faces: hidden from two recognisers, the keypoints in place.

Prints the figures of every clip: python -m pytest -s tests/test_hidden_in_a_crowd.py
"""

import cv2
import numpy as np
import polars as pl
import pytest
from scipy.spatial import procrustes
from scipy.stats import binom
from tests_support import STAGES, admit_clips, run_stage

from tasks.files.clips import keypoints_path, read_admitted, video_path
from tasks.models.fetch import fetch_member
from tasks.validate.identity.distances import attack, distances, make_gallery
from tasks.validate.keypoints.motion import motion_and_shape
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.keypoints import stack_xy
from tasks.vision.recognisers import make_recognisers

CROWD = (
    ("pip:insightface==2.1", "insightface/data/images/t1.jpg",
     "47f682e945b659f93a9e490b9c9c4a2a864abe64dace9e1a2893845ddfd69489"),
    ("pip:scikit-image==0.26.0", "skimage/data/astronaut.png",
     "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    ("pip:ultralytics==8.4.190", "ultralytics/assets/zidane.jpg",
     "16d73869e3267a7d4ed00de8e860833bd1657c1b252e94c0c348277adc7b6edb"),
    ("pip:ultralytics==8.4.190", "ultralytics/assets/bus.jpg",
     "c02019c4979c191eb739ddd944445ef408dad5679acab6fd520ef9d434bfbc63"),
)  # fmt: skip
CLIPS = {"carphone": 1, "franck": 2, "cap12": 3, "cap13": 3}
FRAMES = 20
SHAPE_IS_NEAR = (
    "the shape is moved by .03 to .04 eye distances, and of four people the own one is still nearest"
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, sample, root, params):
    """Four clips of three people: original, control and released, each through the extractor."""
    here = tmp_path_factory.mktemp("crowd")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    subjects = {}
    for number, (name, person) in enumerate(CLIPS.items()):
        path = here / video_path("original", f"clip-{number:016x}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample(name, 3.0).read_bytes())
        subjects[f"clip-{number:016x}"] = f"subject-{person:016x}"
    admit_clips(here, subjects)
    for stage in STAGES:
        run_stage(here, params, *stage)
    return here


def _meshes(here, arm, clip_id):
    table = pl.read_parquet(here / keypoints_path(arm, clip_id)).filter(pl.col("face_xy").is_not_null())
    return dict(zip(table["frame"], stack_xy(table, "face"), strict=True))


def _pictures(here, arm, clip_id, frames):
    return {f.index: f.rgb for f in read_frames(here / video_path(arm, clip_id)) if f.index in frames}


@pytest.fixture(scope="module")
def crowd(weights, params):
    """Name -> recogniser -> embeddings of people who are in no clip."""
    recognisers = make_recognisers(weights)
    people = {}
    for source, member, sha256 in CROWD:
        rgb = cv2.cvtColor(cv2.imread(str(fetch_member(source, member, sha256))), cv2.COLOR_BGR2RGB)
        for number, face in enumerate(search_faces(View.of(rgb, 960), weights, params.extract)):
            mesh = locate_mesh(rgb, face_region(face), weights, 0.5)
            if mesh is not None and np.ptp(mesh.xy, axis=0).max() > 40:
                seen = {name: [judge(rgb, mesh.xy)[None]] for name, judge in recognisers.items()}
                people[f"{member} {number}"] = seen
    return people


@pytest.fixture(scope="module")
def figures(cohort, crowd, weights):
    """Clip -> its figures."""
    recognisers = make_recognisers(weights)
    vectors, found = {}, {}
    for clip_id, subject in read_admitted(cohort).select("clip_id", "subject").iter_rows():
        meshes = {arm: _meshes(cohort, arm, clip_id) for arm in ("original", "control", "released")}
        both = sorted(set.intersection(*map(set, meshes.values())))
        picks = {both[i] for i in np.linspace(0, len(both) - 1, FRAMES).round().astype(int)}
        for arm in ("original", "released"):
            pictures = _pictures(cohort, arm, clip_id, picks)
            for name, judge in recognisers.items():
                seen = [judge(pictures[frame], meshes[arm][frame]) for frame in sorted(picks)]
                vectors[(clip_id, arm, name)] = np.stack(seen)
        found[clip_id] = _keypoint_figures(meshes, both) | {"subject": subject}
    for name in recognisers:
        gallery = make_gallery(
            {who: faces[name] for who, faces in crowd.items()} | _own(found, vectors, name)
        )
        for clip_id, figure in found.items():
            figure[f"rank1 {name}"] = attack(
                vectors[(clip_id, "released", name)], figure["subject"], gallery
            ).rank1
            figure["gallery"] = len(gallery)
            if name == "dlib":
                apart = distances(vectors[(clip_id, "original", name)], vectors[(clip_id, "released", name)])
                figure["distance"] = float(apart.min())
    for clip_id, figure in found.items():
        print(clip_id[-1], {k: round(v, 4) if isinstance(v, float) else v for k, v in figure.items()})
    return list(found.values())


def _own(found, vectors, name):
    own = {}
    for clip_id, figure in found.items():
        own.setdefault(figure["subject"], []).append(vectors[(clip_id, "original", name)])
    return own


def _keypoint_figures(meshes, frames):
    arrays = {arm: np.stack([meshes[arm][frame] for frame in frames]) for arm in meshes}
    motion = {arm: motion_and_shape(arrays["original"], arrays[arm]) for arm in ("control", "released")}
    jerk = {arm: float(np.linalg.norm(np.diff(xy, n=3, axis=0), axis=2).mean()) for arm, xy in arrays.items()}
    return {
        "presence": len(meshes["released"]) / len(meshes["control"]),
        "motion": float(motion["released"][0].mean()),
        "motion of control": float(motion["control"][0].mean()),
        "shape": motion["released"][1],
        "jerk ratio": jerk["released"] / jerk["control"],
        "lids": _correlation(arrays, _lids),
        "lids of control": _correlation(arrays, _lids, "control"),
        "mouth": _correlation(arrays, _mouth),
        "mouth of control": _correlation(arrays, _mouth, "control"),
    }


def _correlation(arrays, opening, arm="released"):
    return float(np.corrcoef(opening(arrays["original"]), opening(arrays[arm]))[0, 1])


def _share(xy, first, second, start, end):
    return np.linalg.norm(xy[:, first] - xy[:, second], axis=1) / np.linalg.norm(
        xy[:, start] - xy[:, end], axis=1
    )


def _lids(xy):
    return _share(xy, 159, 145, 33, 133) + _share(xy, 386, 374, 263, 362)


def _mouth(xy):
    return _share(xy, 13, 14, 61, 291)


def _mean(figures, name):
    return float(np.mean([figure[name] for figure in figures]))


@pytest.mark.slow
def test_nobody_is_taken_for_themselves_and_the_recogniser_that_chose_finds_nobody(figures):
    """Nobody: no more than who guesses finds in 19 of 20 tries. It was 6 of 80 faces, all of one clip."""
    assert figures[0]["gallery"] >= 12
    guessed = binom(FRAMES * len(figures), 1 / figures[0]["gallery"])
    assert round(_mean(figures, "rank1 mobilefacenet") * FRAMES * len(figures)) <= guessed.ppf(0.95)
    assert min(figure["distance"] for figure in figures) >= 0.6


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason="dlib still ranks one of three first in some frames")
def test_nobody_is_found_in_the_crowd(figures):
    assert _mean(figures, "rank1 dlib") <= 1 / figures[0]["gallery"]


@pytest.fixture(scope="module")
def shapes(cohort):
    """(clip, arm) -> the mean of its faces' 468 points, once place, size and turn are taken off."""
    found = {}
    for clip_id in read_admitted(cohort)["clip_id"]:
        for arm in ("original", "released"):
            meshes = [*_meshes(cohort, arm, clip_id).values()]
            found[clip_id, arm] = np.mean([procrustes(meshes[0], mesh)[1] for mesh in meshes], axis=0)
    return found


def _nearest_by_shape(shapes, clip_id, others):
    return min(
        others, key=lambda other: procrustes(shapes[clip_id, "released"], shapes[other, "original"])[2]
    )


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason=SHAPE_IS_NEAR)
def test_no_clip_is_found_by_the_shape_of_its_published_keypoints(shapes):
    """Plain Procrustes, no training: chance is one of four."""
    clips = sorted({clip_id for clip_id, _ in shapes})
    found = [_nearest_by_shape(shapes, clip_id, clips) == clip_id for clip_id in clips]
    print(f"found by their shape: {sum(found)} of {len(found)}")
    assert np.mean(found) <= 1 / len(clips)


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason=SHAPE_IS_NEAR)
def test_no_person_is_found_by_shape_in_another_session(shapes, cohort):
    subjects = dict(read_admitted(cohort).select("clip_id", "subject").iter_rows())
    twice = [one for one in subjects if list(subjects.values()).count(subjects[one]) == 2]
    found = [
        subjects[_nearest_by_shape(shapes, clip_id, sorted(set(subjects) - {clip_id}))] == subjects[clip_id]
        for clip_id in twice
    ]
    print(f"found by their shape in another session: {sum(found)} of {len(found)}")
    assert np.mean(found) <= 1 / (len(subjects) - 1)


@pytest.mark.slow
def test_the_keypoints_stay_and_do_not_shake(figures):
    assert min(figure["presence"] for figure in figures) >= 0.995
    # how a face is built is changed, how it moves is not
    assert _mean(figures, "motion") <= 1.8 * _mean(figures, "motion of control")
    assert min(figure["shape"] for figure in figures) > 0.015
    # up to 1.3 where it was made, 1.31 on the next processor
    assert max(figure["jerk ratio"] for figure in figures) <= 1.4


@pytest.mark.slow
def test_eyes_and_mouth_open_with_the_patients(figures):
    moving = [figure for figure in figures if figure["mouth of control"] >= 0.99]
    assert len(moving) >= 2
    assert min(figure["mouth"] for figure in moving) >= 0.95
    blinking = [figure for figure in figures if figure["lids of control"] >= 0.98]
    assert len(blinking) >= 2
    assert min(figure["lids"] for figure in blinking) >= 0.9
