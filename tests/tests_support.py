"""What several tests make: files to hand in, and a user's environment."""

import fcntl
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import boto3
import cv2
import numpy as np
import polars as pl
from av.bitstream import BitStreamFilterContext

from flows.audit.findings import Audit, audit_all, audit_release
from flows.demo.object_store import object_store
from flows.release.record import Record
from flows.stage.load import load_stage
from flows.workspace.git import git
from schemas.clips import CLIPS
from tasks.files.clips import CLIPS_PATH, video_path
from tasks.files.documents import read_params, write_table
from tasks.files.hashing import sha256_file
from tasks.files.seen import SEEN
from tasks.files.tables import build_table
from tasks.video import read_frames, read_info

REPO = Path(__file__).resolve().parent.parent
DEMO_S = 1.5  # of each clip in the demo that tests share
# what a clip goes through before it is judged
STAGES = (
    ("control", ""),
    ("extract", "original"),
    ("extract", "control"),
    ("targets", ""),
    ("deidentify", "released"),
    ("extract", "released"),
)


def command_environment() -> dict[str, str]:
    """Return a user's environment: what this test session set for itself is not in it."""
    ours = ("PREFECT_", "AWS_", "PYTHONWARNINGS", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONPATH": str(REPO)}


def write_video(path, frames, *, rate=25, codec="libx264", pix_fmt="yuv420p", size_wh=(64, 48), options=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size_wh
        stream.pix_fmt = pix_fmt
        stream.codec_context.options = options or {}
        container.start_encoding()
        for index in range(frames):
            rgb = np.full((size_wh[1], size_wh[0], 3), 40 + index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def with_metadata(source, target, text):
    """Copy a video into a container that tells who is in it."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        writer.metadata.update({"title": text, "comment": text})
        copy = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(reader.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    assert text.encode() in Path(target).read_bytes()


# what a camera and a hospital write about a person, in every place that there is
CANARIES = {
    "title": "Jane-Doe-Canary",
    "comment": "born-1961-07-04",
    "artist": "Camera-SN-778899",
    "location": "+47.3769+008.5417/",
    "date": "2019-02-13",
    "description": "ward-9-canary",
}
CANARY_NOTE, CANARY_DAY = "note-canary-4711", "2087-11-23"
CHAPTER, BITSTREAM = "Chapter-Canary", "Bitstream-Canary"


def plant_canaries(inbox):
    """Rewrite the videos and the manifest of an inbox so that they tell who is in them."""
    for path in inbox.glob("*.mp4"):
        target = path.with_name("planted.mp4")
        try:
            _copy_telling(path, target)
        except av.FFmpegError:  # the one that broke off
            target.unlink(missing_ok=True)
        else:
            target.replace(path)
    manifest = inbox / "manifest.csv"
    table = pl.read_csv(manifest, infer_schema=False)
    day = pl.col("consent_expires").str.replace("2099-12-31", CANARY_DAY)
    table.with_columns(day, notes=pl.lit(CANARY_NOTE)).write_csv(manifest)


def _copy_telling(source, target):
    """Copy a video with a voice and a chapter beside it, all of which tell, its bitstream too."""
    sounding = with_sound(source, target.with_name("sounding.mp4"))
    with av.open(str(sounding)) as reader, av.open(str(target), "w") as writer:
        writer.metadata.update(CANARIES | {"creation_time": "2019-02-13T04:05:06Z"})
        pictures, sound = reader.streams.video[0], reader.streams.audio[0]
        copy, voice = (writer.add_stream_from_template(stream) for stream in (pictures, sound))
        copy.metadata.update({"handler_name": "Handler-Canary", "language": "deu"})
        voice.metadata.update({"handler_name": "Voice-Canary", "language": "deu"})
        chapter = {"id": 1, "start": 0, "end": 1, "time_base": Fraction(1), "metadata": {"title": CHAPTER}}
        writer.set_chapters([chapter])
        said = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{BITSTREAM}"
        telling = BitStreamFilterContext(said, pictures, copy)
        for packet in [*reader.demux(), None]:
            if packet is not None and packet.stream is sound and packet.dts is not None:
                packet.stream = voice
                writer.mux(packet)
            elif packet is None or (packet.stream is pictures and packet.dts is not None):
                for part in telling.filter(packet):
                    part.stream = copy
                    writer.mux(part)
    sounding.unlink()


def write_stream(
    path, *, pts=range(12), codec="libx264", pix_fmt="yuv420p", size_wh=(64, 48), time_base=Fraction(1, 25),
    options=None, muxing=None, tags=(2, 0, 2, 2), pixel_aspect=Fraction(1), rotation=0,
):  # fmt: skip
    """Write a moving ramp, made in its own pixel format; tags: matrix, range, primaries, transfer."""
    with av.open(str(path), "w", options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=25)
        context = stream.codec_context
        stream.width, stream.height = size_wh
        stream.pix_fmt, context.time_base, stream.time_base = pix_fmt, time_base, time_base
        context.options, context.sample_aspect_ratio = options or {}, pixel_aspect
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = tags
        if rotation:
            stream.set_display_rotation(rotation)
        for index, time in enumerate(pts):
            frame = draw_ramp(index, size_wh, pix_fmt)
            frame.pts, frame.time_base, frame.color_range = time, time_base, tags[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def draw_ramp(index, size_wh, pix_fmt):
    frame = av.VideoFrame(*size_wh, pix_fmt)
    scale = 4 if pix_fmt.endswith("10le") else 1
    for number, (plane, target) in enumerate(zip(frame.planes, samples(frame), strict=True)):
        down, across = np.mgrid[0 : plane.height, 0 : plane.width]
        ramp = 60 + 100 * (across + 2 * down + index) / (plane.width + 2 * plane.height)
        target[:] = np.round(scale * (ramp if number == 0 else 90 + ramp / 4))
    return frame


def samples(frame):
    """Return writable views of a frame's planes."""
    kind = np.uint16 if frame.format.name.endswith("10le") else np.uint8
    views = []
    for plane in frame.planes:
        line = np.frombuffer(memoryview(plane), kind)
        pitch = plane.line_size // np.dtype(kind).itemsize
        views.append(line[: plane.height * pitch].reshape(plane.height, pitch)[:, : plane.width])
    return views


def with_sound(video, target, codec="aac"):
    """Write a copy of a video with a tone beside it."""
    with av.open(str(video)) as reader, av.open(str(target), "w") as writer:
        pictures = reader.streams.video[0]
        copy = writer.add_stream_from_template(pictures)
        sound = writer.add_stream(codec, rate=48000, layout="mono")
        for index in range(48):
            wave = np.sin(np.arange(1024) * 0.2).astype(np.float32)[None]
            tone = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            tone.sample_rate, tone.pts = 48000, index * 1024
            tone.time_base = Fraction(1, 48000)
            writer.mux(sound.encode(tone))
        writer.mux(sound.encode(None))
        for packet in reader.demux(pictures):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    return target


def moving_bar(rgb, mesh_xy, way, colour):
    """Draw a bar that comes from below a face and moves across it; way: 0..1. Also return where it is."""
    low, high = mesh_xy.min(axis=0), mesh_xy.max(axis=0)
    width = high[0] - low[0]
    end = np.array([low[0] + width * (way * 1.2 - 0.1), (low[1] + high[1]) / 2])
    along, across = np.array([0.5, 0.87]) * width * 1.5, np.array([-0.87, 0.5]) * width * 0.09
    corners = np.array([end - across, end + across, end + across + along, end - across + along])
    shape = cv2.fillPoly(np.zeros(rgb.shape[:2], np.uint8), [np.round(corners).astype(np.int32)], 1)
    shade = np.linspace(0.85, 1.1, len(rgb))[:, None, None]
    noise = np.random.default_rng(0).normal(0, 4, rgb.shape)
    drawn = np.clip(np.array(colour) * shade + noise, 0, 255)
    return np.where(shape[..., None] > 0, drawn, rgb).astype(np.uint8), shape > 0


# where the edge of a surgical mask lies on a face: over the nose, the right cheek, the chin, the left cheek
MASK_EDGE = [
    6, 122, 47, 100, 117, 123, 147, 177, 215, 136, 150, 149, 176, 148,
    152, 377, 400, 378, 379, 365, 435, 401, 376, 352, 346, 329, 277, 351,
]  # fmt: skip
MASK_EDGE_BELOW_NOSE = [2, *MASK_EDGE[5:24]]


def with_mask(rgb, mesh_xy, colour, edge=None):
    """Paint a surgical mask with folds over a face, in the scene's light."""
    corners = mesh_xy[MASK_EDGE if edge is None else edge]
    corners = corners.mean(axis=0) + (corners - corners.mean(axis=0)) * 1.06
    size, middle = np.ptp(mesh_xy, axis=0).max(), mesh_xy[1]
    shape = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(shape, [np.round(corners * 16).astype(np.int32)], 1, cv2.LINE_AA, 4)
    shape = cv2.GaussianBlur(shape, (0, 0), max(0.6, size * 0.006))[..., None]
    down, across = np.indices(rgb.shape[:2]).astype(np.float32)
    folds = 1 - 0.06 * (np.sin((down - middle[1]) / size * 38) > 0.75)
    shade = folds * (1 - 0.25 * np.abs((across - middle[0]) / size) - 0.1 * (down - middle[1]) / size)
    light = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), size * 0.15)
    bridge = np.clip(np.round(mesh_xy[168]), 0, [rgb.shape[1] - 1, rgb.shape[0] - 1]).astype(int)
    shade = shade * np.clip(light / max(light[bridge[1], bridge[0]], 1), 0.3, 1.5)
    cloth = np.array(colour, np.float32) * shade[..., None]
    cloth += np.random.default_rng(0).normal(0, 1.5, (*rgb.shape[:2], 1))
    return np.clip(rgb * (1 - shape) + cloth * shape, 0, 255).astype(np.uint8)


def write_pictures(path, pictures, *, pts=None, time_base=Fraction(1, 12800)):
    """Encode given RGB pictures, 25 a second, or at given pts; sizes must be even."""
    height, width = pictures[0].shape[:2]
    scale = str(time_base.denominator)
    options = {"video_track_timescale": scale, "movie_timescale": scale}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = time_base
        stream.codec_context.options = {"crf": "12", "preset": "veryfast"}
        for index, rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = (512 * index if pts is None else pts[index]), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def admit_clips(root, clips):
    """Write the table of admitted clips for videos that lie in place: clip_id -> subject."""
    rows = []
    for clip_id, subject in clips.items():
        path = root / video_path("original", clip_id)
        info, frames = read_info(path), sum(1 for _ in read_frames(path))
        rows.append(
            {
                "clip_id": clip_id, "subject": subject, "session": "s1", "task": "talking",
                "width": info.shown_size_wh[0], "height": info.shown_size_wh[1], "rotation": 0,
                "time_base": str(info.time_base), "frame_count": frames,
                "duration_s": frames / float(info.frame_rate),
                "is_vfr": False, "codec": info.codec, "pix_fmt": info.pix_fmt, "has_audio": False,
                "audio": "none", "sha256": sha256_file(path), "status": "admitted",
            }
        )  # fmt: skip
    write_table(build_table(rows, CLIPS), CLIPS, root / CLIPS_PATH)


def seen_tables(**rows):
    """Return what is listed of an arm beside its keypoints: frames, faces, followed, each of such rows."""
    return [build_table(rows.get(name, []), schema) for name, schema in SEEN.items()]


def run_stage(root, params, name, arm):
    """Run a stage as the flow does, without a server; return its rows."""
    stage = load_stage(name)
    rows = [stage.process(root, job) for job in stage.plan(root, params, arm)]
    (root / stage.folder(arm)).mkdir(parents=True, exist_ok=True)
    stage.collect(root, params, arm, rows)
    return rows


def made_once(folder, make):
    """Return what `make` gave when one of the processes of this test run made the folder's content."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "made.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            kept.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(kept.read_bytes())


def accept_everything(demo, root, guise):
    """Copy the demo as it is before its decisions; accept all clips, approve and publish them as demo-1."""
    shutil.copytree(demo, root, symlinks=True, ignore=shutil.ignore_patterns("prefect", "s3"))
    shutil.rmtree(root / "data/releases/demo-1")
    (root / "data/decisions.yaml").unlink()
    git(root, "tag", "--delete", "release/demo-1")
    first = git(root, "log", "--reverse", "--format=%H", "--grep", "Decide on clips").split()[0]
    git(root, "reset", "--quiet", "--mixed", f"{first}^")
    by = ("--by", "Dr. Ada Example", "--reason", "rank-1 stays above chance; the sample cohort is public")
    with object_store(root / ".guise/s3") as store:
        client = boto3.client("s3", **{
            "endpoint_url": store.endpoint, "region_name": "us-east-1",
            "aws_access_key_id": store.access_key, "aws_secret_access_key": store.secret_key,
        })  # fmt: skip
        client.create_bucket(Bucket="guise-demo")
        client.close()
        done = guise(root, "decide", "--accept", *by)
        assert done.returncode == 0, done.stderr
        approve_newest(guise, root, "demo-1", *by)
        return guise(root, "publish", "demo-1", "--to", "s3://guise-demo", env=store.environment())


def approve_newest(guise, root, version, *words):
    """Freeze a candidate and approve just that."""
    frozen = guise(root, "--json", "candidate", version)
    assert frozen.returncode == 0, frozen.stderr
    digest = json.loads(frozen.stdout)["digest"]
    words = words or ("--by", "Dr. A", "--reason", "seen")
    done = guise(root, "approve", version, "--digest", digest, *words)
    assert done.returncode == 0, done.stderr


def copy_unprocessed(demo, target, folders):
    """Copy the demo's workspace, without what stages left in these folders."""
    shutil.copytree(demo, target, symlinks=True, ignore=shutil.ignore_patterns("prefect", "s3"))
    for folder in (*folders, ".guise/reports"):
        shutil.rmtree(target / folder)
    return target


def digests_of(root, folders):
    """Return path -> SHA-256 of every file in these folders of a workspace."""
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): sha256_file(path) for path in files}


# bring loopback up in a new network namespace, then become the command
LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sh22x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def loopback_only():
    """Return what lets a command reach loopback and nothing else; empty where that is refused."""
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return []
    return ["unshare", "--net", sys.executable, "-c", LOOPBACK]


def audited(root: Path, version: str) -> Audit:
    """Audit a release as the command does."""
    return audit_release(Record(root, version), read_params(root).publish)


def all_audited(root: Path) -> Iterator[Audit]:
    return audit_all(root, read_params(root).publish)
