"""A clip's own rate reaches whoever counts frames: through the stages, on a real file."""

import numpy as np
import pytest
from tests_support import admit_clips, run_stage, write_pictures

import tasks.extract
import tasks.targets.casting
from schemas.params.deidentify import Deidentify
from tasks.deidentify.clip import CoveredClip, Covering
from tasks.files.clips import video_path
from tasks.swap.cast import Cast

CLIP, SUBJECT = "clip-0123456789abcdef", "subject-0123456789abcdef"


@pytest.mark.slow
@pytest.mark.parametrize(("step", "frames"), [(512, 15), (64, 100)], ids=["25", "200"])
def test_every_stage_counts_in_the_clips_own_frames(tmp_path, root, params, monkeypatch, step, frames):
    here = tmp_path
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    path = here / video_path("original", CLIP)
    path.parent.mkdir(parents=True)
    wall = [np.full((48, 64, 3), 90, np.uint8)] * 6
    write_pictures(path, wall, pts=[step * n for n in range(len(wall))])
    admit_clips(here, {CLIP: SUBJECT})
    asked = []
    people, seen = tasks.extract.extract_people, tasks.targets.casting.read_seen

    def extract_people(pictures, weights, settings, spool, **told):
        asked.append(settings.search_interval)
        return people(pictures, weights, settings, spool, **told)

    def read_seen(root, clip_id, rule: Deidentify):
        asked.append(rule.reach)
        return seen(root, clip_id, rule)

    monkeypatch.setattr(tasks.extract, "extract_people", extract_people)
    monkeypatch.setattr(tasks.targets.casting, "read_seen", read_seen)
    run_stage(here, params, "extract", "original")
    run_stage(here, params, "targets", "")
    order = Covering(
        subject=SUBJECT, deidentify=params.deidentify, encoding=params.encoding, extract=params.extract
    )
    covered = CoveredClip(here, CLIP, Cast.from_rows([]), order)
    assert asked == [frames, frames]
    assert covered._rule.reach == frames
