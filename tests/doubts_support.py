"""A clip of two scenes: in the first a face is possible, in the second nobody was found."""

from tests_support import seen_tables

from schemas.coverage import COVERAGE
from tasks.files.clips import coverage_path
from tasks.files.documents import write_table
from tasks.files.seen import seen_path, write_seen
from tasks.files.tables import build_table


def write_doubts(root, clip_id):
    """Write what `extract` and `deidentify` say of the clip's faces."""
    faces = [
        _face(0, 0, (2, 4), [0.9, 0.9], "confirmed"),
        _face(1, 0, (5, 6), [0.31, 0.4], "possible", likeliest=6),
        _face(2, 0, (8, 8), [0.0], "rejected"),  # somebody is known in its scene
        _face(3, 1, (12, 14), [0.05, 0.1], "rejected", around=(20.4, 22.6, 30, 33)),
        _face(4, 1, (15, 15), [0.02], "rejected"),
        _face(5, 0, (9, 9), [0.6], "possible"),  # a piece of the one who is confirmed
    ]
    write_seen(root / seen_path("original", clip_id), *seen_tables(faces=faces))
    covers = [(frame, 1, (10 + frame - 5, 12, 38 + frame - 5, 44)) for frame in (5, 6, 7)]
    rows = [
        {"frame": frame, "track": track, "source": "followed", "region_xyxy": box, "method": "pixelate",
         "in_front": 0.0, "worn": 0.0, "painted_over": False, "in_mouth": 0.0, "flagged": True}
        for frame, track, box in covers
    ]  # fmt: skip
    path = root / coverage_path("released", clip_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(build_table(rows, COVERAGE), COVERAGE, path)


def _face(person, scene, frames, looks, belief, *, likeliest=None, around=(0, 0, 9, 9)):
    return {
        "person": person, "scene": scene, "first_frame": frames[0], "last_frame": frames[1],
        "sightings": frames[1] - frames[0] + 1, "meshes": 0, "looks": looks,
        "likeliest_frame": frames[0] if likeliest is None else likeliest, "around_xyxy": around,
        "first_rgb": [0] * 48, "last_rgb": [0] * 48,
        "belief": belief, "reason": f"at best {max(looks):.2f}",
    }  # fmt: skip
