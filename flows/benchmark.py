"""How fast and in how much memory clips go through, side by side with the codec alone and a peer.

Each job runs in a process of its own, so that its peak memory is its own.
"""

import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.stage.load import load_stage
from schemas.clips import CLIPS
from schemas.params import Params
from tasks.files.clips import CLIPS_PATH, video_path
from tasks.files.documents import read_params, write_params, write_table
from tasks.files.errors import InputError
from tasks.files.hashing import sha256_file
from tasks.files.tables import build_table
from tasks.video import copy_streams, read_frames, read_info, stretch_clip
from tasks.vision.sessions import REGISTRY_PATH

CLIP_ID, SUBJECT = f"clip-{0:016x}", f"subject-{0:016x}"
# codec: decode and encode alone, the floor of every render
JOBS: dict[str, tuple[str, str]] = {
    "codec": ("control", ""),
    "extract": ("extract", "original"),
    "targets": ("targets", ""),
    "render": ("deidentify", "released"),
}


@dataclass(frozen=True)
class Measure:
    """One job on one clip; ratio: its frames per second against the codec's, or ours against the peer's."""

    clip: str
    job: str
    frames: int
    seconds: float
    frames_per_s: float
    peak_mb: float
    ratio: float | None = None


@dataclass(frozen=True)
class Options:
    """height, frames: measure at another size or length. peer: a command with {input} and {output}.

    tell: hears of each job when it is done.
    """

    height: int | None = None
    frames: int | None = None
    peer: str | None = None
    tell: Callable[[Measure], None] = lambda _: None


def benchmark(root: Path, clips: list[Path], options: Options) -> list[Measure]:
    """Measure every clip; `root` holds the models and the parameters.

    Raises InputError where there are no models, no such clip, or a job or the peer fails.
    """
    if not (root / REGISTRY_PATH).is_file():
        raise InputError("the models are not here: run `guise run models` first")
    measures: list[Measure] = []
    for number, clip in enumerate(clips, 1):
        if not clip.is_file():
            raise InputError(f"there is no clip {clip}")
        with tempfile.TemporaryDirectory(prefix="guise-benchmark-") as scratch:
            measures += _measure_clip(Path(scratch), root, f"{number}", clip, options)
    return measures


def _measure_clip(here: Path, root: Path, name: str, clip: Path, options: Options) -> list[Measure]:
    count = _prepare(here, root, clip, options)
    measures = []
    for job in JOBS:
        measures.append(_measure(name, job, count, [job, str(here)]))
        options.tell(measures[-1])
    by_job = {measure.job: measure for measure in measures}
    seconds = by_job["extract"].seconds + by_job["render"].seconds
    peak = max(by_job["extract"].peak_mb, by_job["render"].peak_mb)
    measures.append(_of(name, "extract + render", count, seconds, peak))
    codec = by_job["codec"].frames_per_s
    measures = [_against(measure, codec) if measure.job == "render" else measure for measure in measures]
    if options.peer is None:
        return measures
    words = options.peer.format(
        input=str(here / video_path("original", CLIP_ID)), output=str(here / "peer.mp4")
    )
    theirs = _measure(name, "peer", count, ["peer", str(here), words])
    return [*measures[:-1], _against(measures[-1], theirs.frames_per_s), theirs]


def _of(clip: str, job: str, frames: int, seconds: float, peak_mb: float) -> Measure:
    return Measure(clip, job, frames, round(seconds, 2), round(frames / seconds, 2), round(peak_mb, 1))


def _against(measure: Measure, other: float) -> Measure:
    return Measure(**asdict(measure) | {"ratio": round(measure.frames_per_s / other, 2)})


def _prepare(here: Path, root: Path, clip: Path, options: Options) -> int:
    """Make a workspace of one admitted clip; return how many frames it has."""
    (here / "data").mkdir()
    (here / "data/models").symlink_to((root / "data/models").resolve())
    write_params(read_params(root), here)
    path = here / video_path("original", CLIP_ID)
    path.parent.mkdir(parents=True)
    if options.height or options.frames:
        stretch_clip(clip, path, height=options.height, frames=options.frames)
    else:
        copy_streams(clip, path, keep_audio=False)
    info, count = read_info(path), sum(1 for _ in read_frames(path))
    row = {"clip_id": CLIP_ID, "subject": SUBJECT, "width": info.shown_size_wh[0],
           "height": info.shown_size_wh[1], "frame_count": count,
           "duration_s": count / float(info.frame_rate), "has_audio": False, "audio": "none",
           "sha256": sha256_file(path), "status": "admitted"}  # fmt: skip
    write_table(build_table([row], CLIPS), CLIPS, here / CLIPS_PATH)
    return count


def _measure(clip: str, job: str, frames: int, words: list[str]) -> Measure:
    command = [sys.executable, "-m", "flows.benchmark", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{job} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return _of(clip, job, frames, found["seconds"], found["peak_kb"] / 1024)


def _run_job(job: str, here: Path, words: str) -> None:
    started = time.monotonic()
    if job == "peer":
        done = subprocess.run(shlex.split(words), stdout=subprocess.DEVNULL, stderr=sys.stderr, check=False)
        if done.returncode or not (here / "peer.mp4").is_file():
            sys.exit("the peer wrote no video")
        peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    else:
        _run_stage(here, read_params(here), *JOBS[job])
        peak_kb = _peak_kb()
    print(json.dumps({"seconds": time.monotonic() - started, "peak_kb": peak_kb}))


def _peak_kb() -> int:
    # getrusage would also count the process that started this one
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def _run_stage(here: Path, params: Params, name: str, arm: str) -> None:
    stage = load_stage(name)
    rows = [stage.process(here, job) for job in stage.plan(here, params, arm)]
    (here / stage.folder(arm)).mkdir(parents=True, exist_ok=True)
    stage.collect(here, params, arm, rows)


if __name__ == "__main__":
    _run_job(sys.argv[1], Path(sys.argv[2]), "".join(sys.argv[3:4]))
