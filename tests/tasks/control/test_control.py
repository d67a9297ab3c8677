"""The control arm: the codec's own noise and nothing else."""

import shutil

import numpy as np

import tasks.control as control
from schemas.clips import CLIPS
from tasks.files.clips import CLIPS_PATH, video_path
from tasks.files.documents import write_table
from tasks.files.hashing import sha256_file
from tasks.files.tables import build_table
from tasks.video import frame_times, read_frames

CLIP_ID = "clip-0123456789abcdef"


def test_the_control_is_the_clip_re_encoded_and_otherwise_untouched(tmp_path, sample, params):
    source = tmp_path / video_path("original", CLIP_ID)
    source.parent.mkdir(parents=True)
    shutil.copy(sample("franck"), source)
    row = {"clip_id": CLIP_ID, "subject": "subject-0123456789abcdef", "status": "admitted",
           "frame_count": len(frame_times(source)), "duration_s": 1.0,
           "sha256": sha256_file(source)}  # fmt: skip
    nothing = dict.fromkeys(CLIPS.columns)
    write_table(build_table([nothing | row], CLIPS), CLIPS, tmp_path / CLIPS_PATH)
    (job,) = control.plan(tmp_path, params, "")
    (path,) = control.process(tmp_path, job)["outputs"]
    pairs = list(zip(read_frames(source), read_frames(tmp_path / path), strict=True))
    assert all(one.pts == two.pts for one, two in pairs)
    apart = [np.abs(one.rgb.astype(int) - two.rgb).mean() for one, two in pairs]
    assert 0 < max(apart) < 4
