"""People seen from head to foot, with faces of 30 to 50 pixels: none is left, and nobody is blacked out."""

import numpy as np
import pytest
from tests_support import admit_clips, run_stage

from schemas.coverage import COVERAGE
from tasks.files.clips import coverage_path, video_path
from tasks.files.documents import read_table
from tasks.validate.pixels.survival import surviving_share
from tasks.video import read_frames

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


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKED)
def test_a_small_face_is_covered_in_every_frame_and_nobody_is_blacked_out(name, cohort, params):
    here, ids = cohort
    before, after = (list(read_frames(here / video_path(arm, ids[name]))) for arm in ("original", "released"))
    first, last = np.float32(MARKED[name])
    assert len(before) == len(after) == FRAMES
    for old, new in zip(before, after, strict=True):
        box = first + (last - first) * old.index / (FRAMES - 1)
        assert surviving_share(old.grey, old.grey, box) == 1.0
        assert surviving_share(old.grey, new.grey, box) <= params.validate_.surviving.face, old.index
    coverage = read_table(here / coverage_path("released", ids[name]), COVERAGE)
    assert coverage.filter(method="mask").is_empty()
