"""People seen from head to foot, with faces of 30 to 50 pixels: none is left, and another face is there."""

import numpy as np
import pytest
from tests_support import admit_clips, run_stage

from schemas.coverage import COVERAGE
from schemas.keypoints import KEYPOINTS
from tasks.files.clips import coverage_path, keypoints_path, video_path
from tasks.files.documents import read_table
from tasks.validate.pixels.survival import surviving_share
from tasks.video import read_frames
from tasks.vision.detectors import View
from tasks.vision.faces import search_faces
from tasks.vision.keypoints import stack_boxes, stack_eyes_nose
from tasks.vision.regions import overlap

# faces as a person marked them, in the first frame and the sixth; who stands on one leg was made
# unrecognisable by whoever published the video, who looks on was not
MARKED = {
    "gait": [(632, 84, 669, 130), (629, 109, 667, 155)],
    "balance": [(779, 496, 821, 552), (779, 496, 821, 552)],
}
FRAMES = 6


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, sample, root, params):
    """Both clips through extraction, targets and rendering; name -> clip."""
    here = tmp_path_factory.mktemp("bodies")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    ids = {name: f"clip-{number:016x}" for number, name in enumerate(MARKED)}
    for name, clip_id in ids.items():
        path = here / video_path("original", clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample(name, {"gait": 0.2, "balance": 0.1}[name]).read_bytes())
    admit_clips(here, {clip_id: clip_id.replace("clip", "subject") for clip_id in ids.values()})
    # which target is chosen matters little here
    few = params.deidentify.targets.model_copy(update={"frames": 1, "others": 0, "tried": 1})
    params = params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": few})})
    for name, arm in (("extract", "original"), ("targets", ""), ("deidentify", "released")):
        run_stage(here, params, name, arm)
    return here, ids


def _marked(name, frame):
    first, last = np.float32(MARKED[name])
    return first + (last - first) * frame / (FRAMES - 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKED)
def test_a_small_face_is_covered_in_every_frame_and_nobody_is_blacked_out(name, cohort, params):
    here, ids = cohort
    before, after = (list(read_frames(here / video_path(arm, ids[name]))) for arm in ("original", "released"))
    assert len(before) == len(after) == FRAMES
    for old, new in zip(before, after, strict=True):
        box = _marked(name, old.index)
        assert surviving_share(old.grey, old.grey, box) == 1.0
        assert surviving_share(old.grey, new.grey, box) <= params.validate_.surviving.face, old.index
    coverage = read_table(here / coverage_path("released", ids[name]), COVERAGE)
    assert coverage.filter(method="mask").is_empty()


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKED)
def test_a_small_face_without_a_mesh_is_another_face_that_is_found_again(name, cohort, params, weights):
    here, ids = cohort
    again = [
        face.score
        for frame in read_frames(here / video_path("released", ids[name]))
        for face in search_faces(View.of(frame.rgb, params.extract.search_px), weights, params.extract)
        if overlap(face.box_xyxy, _marked(name, frame.index)) >= 0.3
    ]
    assert sum(score >= params.extract.sure_score for score in again) >= FRAMES - 1, again
    coverage = read_table(here / coverage_path("released", ids[name]), COVERAGE)
    assert len(coverage.filter(method="point_swap")) == FRAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKED)
def test_the_table_knows_eyes_and_nose_of_a_face_without_a_mesh_and_of_no_other(name, cohort):
    here, ids = cohort
    table = read_table(here / keypoints_path("original", ids[name]), KEYPOINTS)
    is_met = table["face_box_xyxy"].is_not_null() & table["face_xy"].is_null()
    assert table["eyes_nose_xy"].is_not_null().to_list() == is_met.to_list()
    met = table.filter(is_met)
    assert not met.is_empty()
    for box, points in zip(stack_boxes(met, "face"), stack_eyes_nose(met), strict=True):
        assert ((box[:2] <= points) & (points <= box[2:])).all()
        assert points[0, 0] <= points[1, 0], "the right eye is on the left"
        assert points[2, 1] > points[:2, 1].mean(), "the nose is below the eyes"
