"""Minutes of one person, validated on two cores: seconds of both, whatever else they do, and peak memory.

Prints them: GUISE_TEST_MINUTES=10 python -m pytest -s tests/test_ten_minutes.py
"""

import json
import os
import shutil
import subprocess
import sys

import av
import numpy as np
import polars as pl
import pytest
from tests_support import STAGES, admit_clips, command_environment, run_stage

from schemas.coverage import COVERAGE
from schemas.frames import FRAMES
from schemas.keypoints import KEYPOINTS
from tasks.files.clips import (
    coverage_path,
    covered_texts_path,
    keypoints_path,
    video_path,
)
from tasks.files.documents import write_params, write_pieces, write_table
from tasks.files.seen import faces_of, followed_of, frames_of, seen_path, write_seen
from tasks.files.tables import build_table

# three tell the same as ten, but for the figures
MINUTES, RATE = int(os.environ.get("GUISE_TEST_MINUTES", "3")), 15
LENGTH = MINUTES * 60 * RATE
SHORT, LONG = "clip-" + "0" * 16, "clip-" + "1" * 16
VALIDATE = """
import json, resource, time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tasks import validate
from tasks.files.documents import read_params
root = Path.cwd()
params = read_params(root)
started = time.monotonic()
with ThreadPoolExecutor(2) as workers:
    do = lambda job: validate.process(root, job)
    jobs = validate.plan(root, params, "")
    parts = {job.key: workers.map(do, job.each_part()) for job in jobs}
    made = {key: dict(out for row in rows for out in row["outputs"].items()) for key, rows in parts.items()}
    rows = list(workers.map(do, [replace(job, made=made[job.key]) for job in jobs]))
took = time.monotonic() - started
validate.collect(root, params, "", rows)
status = Path("/proc/self/status").read_text("ascii")
peak_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
spent = sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"seconds": spent / 2, "took": took, "peak_gb": peak_kb / 1e6}))
"""


def _repeat_video(source, target):
    """Write the packets of a short video again and again, until there are enough frames."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        packets = [packet for packet in reader.demux(stream) if packet.dts is not None]
        copy = writer.add_stream_from_template(stream)
        step = packets[1].dts - packets[0].dts
        for number in range(LENGTH):
            first = packets[number % len(packets)]
            packet = av.Packet(bytes(first))
            shift = number // len(packets) * len(packets) * step
            packet.pts, packet.dts = first.pts + shift, first.dts + shift
            packet.time_base, packet.is_keyframe, packet.stream = first.time_base, first.is_keyframe, copy
            writer.mux(packet)
    with av.open(str(target)) as reader:
        stream = reader.streams.video[0]
        return sorted(packet.pts for packet in reader.demux(stream) if packet.pts is not None)


def _repeat_tables(here, arm, count, pts):
    table = pl.read_parquet(here / keypoints_path(arm, SHORT))
    times = pl.Series(pts, dtype=pl.Int64)

    def pieces():
        for start in range(0, LENGTH, count):
            piece = table.with_columns(frame=pl.col("frame") + pl.lit(start, pl.Int32))
            piece = piece.filter(pl.col("frame") < LENGTH)
            yield piece.with_columns(pts=times.gather(piece["frame"]), timestamp_s=piece["frame"] / RATE)

    write_pieces(pieces(), KEYPOINTS, here / keypoints_path(arm, LONG))
    rows = [
        {"frame": n, "pts": pts[n], "timestamp_s": n / RATE, "scene": 0, "crowded": False}
        for n in range(LENGTH)
    ]
    there = (one(here, arm, SHORT) for one in (faces_of, followed_of))
    write_seen(here / seen_path(arm, LONG), build_table(rows, FRAMES), *there)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, sample, root, params):
    """A subject with a short clip, on which every method was run, and one of minutes."""
    here = tmp_path_factory.mktemp("ten-minutes")
    (here / "data").mkdir()
    (here / "data/models").symlink_to(root / "data/models")
    # which target is chosen does not change how long it takes to validate
    few = params.deidentify.targets.model_copy(update={"frames": 2, "others": 0, "tried": 2})
    params = params.model_copy(update={"deidentify": params.deidentify.model_copy(update={"targets": few})})
    write_params(params, here)
    short = here / video_path("original", SHORT)
    short.parent.mkdir(parents=True)
    short.write_bytes(sample("cap12", 1.0).read_bytes())
    admit_clips(here, {SHORT: "subject-" + "0" * 16})
    compared = [(stage, arm) for arm in ("blur", "pixelate", "mask") for stage in ("deidentify", "extract")]
    for stage in (*STAGES, *compared):
        run_stage(here, params, *stage)
    count = frames_of(here, "original", SHORT).height
    for arm in ("original", "control", "released"):
        # one video for all: what it shows does not change how long it takes
        pts = _repeat_video(here / video_path("control", SHORT), here / video_path(arm, LONG))
        _repeat_tables(here, arm, count, pts)
    covered = pl.read_parquet(here / coverage_path("released", SHORT))
    repeats = [
        covered.with_columns(frame=pl.col("frame") + pl.lit(start, pl.Int32))
        for start in range(0, LENGTH, count)
    ]
    long = pl.concat(repeats).filter(pl.col("frame") < LENGTH)
    write_table(long, COVERAGE, here / coverage_path("released", LONG))
    shutil.copyfile(here / covered_texts_path("released", SHORT), here / covered_texts_path("released", LONG))
    admit_clips(here, dict.fromkeys((SHORT, LONG), "subject-" + "0" * 16))
    return here


@pytest.mark.slow
def test_minutes_are_validated_within_memory_and_time(cohort):
    done = subprocess.run(
        [sys.executable, "-c", VALIDATE], cwd=cohort, env=command_environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    print(figures)
    rows = pl.read_parquet(cohort / "data/evidence/invariance.parquet").filter(clip_id=LONG, arm="released")
    found = rows.filter(part="face", metric="nme_mean")
    assert found["n"][0] > 0.99 * LENGTH
    assert np.isfinite(found["value"][0])
    assert figures["peak_gb"] < 1 + 0.07 * MINUTES  # the recognisers of both threads are in it
    # asked: 60 s for ten minutes; the speed of machines varies by two
    assert figures["seconds"] < 30 + 9 * MINUTES
