"""Every refusal with a real file, and a copy that carries nothing but pictures."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from tests_support import write_video

from schemas.clips import REASONS
from tasks.files.errors import ClipRefusedError
from tasks.files.hashing import sha256_bytes
from tasks.ingest.admit import admit
from tasks.video import read_frames

CANARY = "Jane-Doe-1961"


def _refusal(source, tmp_path, params):
    with pytest.raises(ClipRefusedError) as caught:
        admit(source, tmp_path / "out.mp4", params.ingest, "drop")
    assert not (tmp_path / "out.mp4").exists()
    reason, detail = caught.value.args
    assert reason in REASONS
    return reason, detail


def _bitstream(path):
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return [sha256_bytes(bytes(packet)) for packet in packets if packet.dts is not None]


def _add_silence(container):
    stream = container.add_stream("aac", rate=16000, layout="mono")
    silence = np.zeros((1, 1024), np.float32)
    samples = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
    samples.sample_rate = 16000
    container.mux(stream.encode(samples))
    container.mux(stream.encode(None))


def test_an_admitted_clip_keeps_its_bitstream_and_its_timestamps(sample, tmp_path, params):
    facts = admit(sample("franck"), tmp_path / "out.mp4", params.ingest, "drop")
    assert _bitstream(tmp_path / "out.mp4") == _bitstream(sample("franck"))
    assert facts["frame_count"] == len(list(read_frames(sample("franck"))))
    assert (facts["width"], facts["height"], facts["codec"]) == (360, 288, "h264")
    assert facts["audio"] == "none"
    assert not facts["is_vfr"]


def test_metadata_subtitles_data_chapters_and_cover_art_stay_behind(sample, tmp_path, params):
    dirty = tmp_path / "dirty.mkv"
    with av.open(str(sample("cap12"))) as reader, av.open(str(dirty), "w") as writer:
        writer.metadata.update({"title": CANARY, "creation_time": "1999-01-01T00:00:00"})
        copy = writer.add_stream_from_template(reader.streams.video[0])
        copy.metadata["title"] = CANARY
        (tmp_path / "said.srt").write_text(f"1\n00:00:00,000 --> 00:00:01,000\n{CANARY}\n")
        said = av.open(str(tmp_path / "said.srt"))
        subtitle = writer.add_stream_from_template(said.streams.subtitles[0])
        jpeg = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
        writer.add_attachment("cover.jpg", "image/jpeg", jpeg + CANARY.encode())
        writer.set_chapters(
            [{"id": 1, "start": 0, "end": 1, "time_base": Fraction(1, 1), "metadata": {"title": CANARY}}]
        )
        writer.add_attachment(f"{CANARY}.txt", "text/plain", CANARY.encode())
        for packet in said.demux(said.streams.subtitles[0]):
            if packet.dts is not None:
                packet.stream = subtitle
                writer.mux(packet)
        for packet in reader.demux(reader.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    with av.open(str(dirty)) as handed_in:
        kinds = [stream.type for stream in handed_in.streams]
        assert kinds.count("video") == 2
        assert {"subtitle", "attachment"} <= set(kinds)
        assert handed_in.chapters()
    assert dirty.read_bytes().count(CANARY.encode()) >= 5
    admit(dirty, tmp_path / "out.mp4", params.ingest, "drop")
    assert CANARY.encode() not in (tmp_path / "out.mp4").read_bytes()
    with av.open(str(tmp_path / "out.mp4")) as clean:
        assert [stream.type for stream in clean.streams] == ["video"]
        assert not clean.chapters()
        assert set(clean.metadata) <= {"major_brand", "minor_version", "compatible_brands"}


def test_a_clip_whose_time_base_must_change_keeps_its_times(tmp_path, params):
    write_video(tmp_path / "x.avi", 60, codec="mpeg4", rate=Fraction(30000, 1001))
    facts = admit(tmp_path / "x.avi", tmp_path / "out.mp4", params.ingest, "drop")
    assert facts["duration_s"] == pytest.approx(60 * 1001 / 30000, rel=1e-3)


def test_truncated_matroska_that_does_not_count_its_frames(tmp_path, params):
    whole = write_video(tmp_path / "whole.mkv", 100, size_wh=(320, 240)).read_bytes()
    (tmp_path / "x.mkv").write_bytes(whole[: len(whole) // 2])
    assert _refusal(tmp_path / "x.mkv", tmp_path, params)[0] == "truncated video"


def test_unreadable(tmp_path, params):
    (tmp_path / "x.mp4").write_bytes(b"this is no video" * 100)
    assert _refusal(tmp_path / "x.mp4", tmp_path, params)[0] == "unreadable video"


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_truncated_with_its_index_in_front(sample, tmp_path, params, share):
    whole = sample("franck", 2.0).read_bytes()
    (tmp_path / "x.mp4").write_bytes(whole[: int(len(whole) * share)])
    assert _refusal(tmp_path / "x.mp4", tmp_path, params)[0] == "truncated video"


def test_truncated_with_its_index_behind(tmp_path, params):
    whole = write_video(tmp_path / "whole.mp4", 30).read_bytes()
    (tmp_path / "x.mp4").write_bytes(whole[: len(whole) // 2])
    assert _refusal(tmp_path / "x.mp4", tmp_path, params)[0] in ("unreadable video", "truncated video")


def test_zero_frames(tmp_path, params):
    write_video(tmp_path / "x.mkv", 0)
    assert _refusal(tmp_path / "x.mkv", tmp_path, params)[0] == "zero frames"


def test_zero_frames_beside_sound(sample, tmp_path, params):
    with av.open(str(tmp_path / "x.mkv"), "w") as container:
        pictures = container.add_stream("mpeg4", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        _add_silence(container)
    assert _refusal(tmp_path / "x.mkv", tmp_path, params)[0] == "zero frames"


def test_sound_without_pictures(tmp_path, params):
    with av.open(str(tmp_path / "x.m4a"), "w", format="mp4") as container:
        _add_silence(container)
    assert _refusal(tmp_path / "x.m4a", tmp_path, params)[0] == "unreadable video"


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "size_wh", "options", "seen"),
    [
        ("ffv1", "yuv420p", (64, 48), {}, "ffv1"),
        ("libvpx-vp9", "yuv440p", (64, 48), {}, "yuv440p"),
        ("libx264", "yuv420p", (64, 48), {"x264-params": "colormatrix=YCgCo"}, "colour matrix 8"),
        ("libx264", "yuv444p", (64, 50), {"x264-params": "tff=1"}, "interlaced"),
    ],
)
def test_unsupported(tmp_path, params, codec, pix_fmt, size_wh, options, seen):
    source = write_video(
        tmp_path / "x.mkv", 5, codec=codec, pix_fmt=pix_fmt, size_wh=size_wh, options=options
    )
    rule = params.ingest.model_copy(update={"codecs": ["h264", "vp9"]})
    reason, detail = _refusal(source, tmp_path, params.model_copy(update={"ingest": rule}))
    assert reason == ("unsupported codec" if codec == "ffv1" else "stream cannot be kept")
    assert seen in detail
