"""What a stream keeps on its way from the inbox to the release, and what is refused by name."""

import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from tests_support import REPO, command_environment, draw_ramp, samples, with_sound, write_stream

from schemas.params.video import Encoding
from tasks.files.errors import ClipRefusedError, VideoError
from tasks.files.hashing import sha256_bytes, sha256_file
from tasks.ingest.admit import admit
from tasks.video import (
    Picture,
    VideoWriter,
    copy_streams,
    pick_frames,
    read_frames,
    read_info,
    stretch_clip,
)  # fmt: skip
from tasks.video.pictures import Colours

ENCODING = Encoding(codec="libx264", crf=23, preset="veryfast", threads=1)
CANARY = "Jane-Doe-1961"
QUIET = {"x265-params": "log-level=none"}

TIMELESS = ("stream cannot be kept", "its pictures do not say when they are shown: save it as MP4")


def times(path):
    base = read_info(path).time_base
    return [frame.pts * base for frame in read_frames(path)]


def release(source, tmp_path, params, audio="drop"):
    """Admit a clip and write it as a later stage does; return the copy and what was written."""
    admit(source, tmp_path / "in.mp4", params.ingest, audio)
    info = read_info(tmp_path / "in.mp4")
    sound = tmp_path / "in.mp4" if info.has_audio else None
    with VideoWriter(tmp_path / "out.mp4", info, ENCODING, sound) as writer:
        for frame in read_frames(tmp_path / "in.mp4"):
            writer.write(frame)
    return tmp_path / "in.mp4", tmp_path / "out.mp4"


def refusal(source, tmp_path, params):
    with pytest.raises(ClipRefusedError) as caught:
        admit(source, tmp_path / "in.mp4", params.ingest, "drop")
    assert not (tmp_path / "in.mp4").exists()
    return caught.value.args


def lumas(path):
    return [samples(frame.picture.frame)[0].astype(float) for frame in read_frames(path)]


STREAMS = {
    "odd mpeg4": ("x.avi", {"codec": "mpeg4", "size_wh": (351, 287)}, "yuv444p"),
    "odd vp9": ("x.webm", {"codec": "libvpx-vp9", "size_wh": (351, 287)}, "yuv444p"),
    "odd mjpeg": ("x.mov", {"codec": "mjpeg", "pix_fmt": "yuvj422p", "size_wh": (351, 287)}, "yuvj444p"),
    "odd width av1": ("x.mp4", {"codec": "libsvtav1", "size_wh": (351, 288)}, "yuv444p"),
    "odd 4:4:4": ("x.mkv", {"pix_fmt": "yuv444p", "size_wh": (351, 287)}, "yuv444p"),
    "odd height 4:2:2": ("x.mkv", {"pix_fmt": "yuv422p", "size_wh": (352, 287)}, "yuv422p"),
    "10-bit": ("x.mp4", {"pix_fmt": "yuv420p10le"}, "yuv420p10le"),
    "10-bit 4:2:2": ("x.mp4", {"pix_fmt": "yuv422p10le"}, "yuv422p10le"),
    "10-bit 4:4:4 odd": ("x.mp4", {"pix_fmt": "yuv444p10le", "size_wh": (63, 47)}, "yuv444p10le"),
    "10-bit hevc": ("x.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": QUIET}, "yuv420p10le"),
    "10-bit full wide": ("x.mp4", {"pix_fmt": "yuv420p10le", "tags": (9, 2, 9, 14)}, "yuv420p10le"),
    "4:2:2": ("x.mp4", {"pix_fmt": "yuv422p"}, "yuv422p"),
    "full range": ("x.mp4", {"pix_fmt": "yuvj420p", "tags": (6, 2, 6, 6)}, "yuvj420p"),
    "bt.709": ("x.mp4", {"tags": (1, 1, 1, 1)}, "yuv420p"),
    "bt.601 pal": ("x.mkv", {"tags": (5, 1, 5, 6)}, "yuv420p"),
    "top field first": ("x.mp4", {"options": {"x264-params": "tff=1"}}, "yuv420p"),
    "bottom field first": ("x.mkv", {"options": {"x264-params": "bff=1"}}, "yuv420p"),
    "wide pixels": ("x.mp4", {"pixel_aspect": Fraction(16, 11)}, "yuv420p"),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_stays_itself(name, tmp_path, params):
    file, how, pix_fmt = STREAMS[name]
    source = write_stream(tmp_path / file, **how)
    copied, written = release(source, tmp_path, params)
    before, after = read_info(source), read_info(written)
    assert times(source) == times(copied) == times(written)
    assert after.time_base == read_info(copied).time_base
    assert (after.size_wh, after.pix_fmt) == (before.size_wh, pix_fmt)
    for fact in (
        "pixel_aspect",
        "first_field",
        "color_space",
        "color_primaries",
        "color_transfer",
    ):
        assert getattr(after, fact) == getattr(before, fact), fact
    assert (after.color_range == 2) == (before.color_range == 2)  # H.264 says nothing of limited range
    levels = 4 if pix_fmt.endswith("10le") else 1
    apart = [np.abs(one - two).mean() for one, two in zip(lumas(source), lumas(written), strict=True)]
    assert max(apart) < 1.5 * levels


TIMINGS = {
    "starts late": ("x.mp4", {"pts": range(100, 120)}),
    "starts late, matroska": ("x.mkv", {"pts": range(100, 120)}),
    "variable rate": ("x.mp4", {"pts": [0, 1, 2, 5, 6, 11, 12, 30, 31, 90]}),
    "variable rate, matroska": ("x.mkv", {"pts": [0, 1, 2, 5, 6, 11, 12, 30, 31, 90]}),
    "a phone's clock": ("x.mov", {"pts": [0, 3003, 6007, 9009, 12500], "time_base": Fraction(1, 90000)}),
    "microseconds": ("x.mp4", {"pts": [0, 33333, 66667, 100001], "time_base": Fraction(1, 1000000)}),
    "ntsc": ("x.mp4", {"time_base": Fraction(1001, 30000)}),
    "decoded after it is shown": ("x.mp4", {"muxing": {"movflags": "negative_cts_offsets"}}),
    "no edit list": ("x.mp4", {"muxing": {"use_editlist": "0"}}),
    "fragments": ("x.mp4", {"muxing": {"movflags": "frag_keyframe+empty_moov"}}),
    "one frame": ("x.mp4", {"pts": [0]}),
    "one frame, matroska": ("x.mkv", {"pts": [0]}),
    "b-frames in avi": ("x.avi", {"codec": "mpeg4", "options": {"bf": "2"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMINGS)
def test_every_frame_keeps_its_time(name, tmp_path, params):
    file, how = TIMINGS[name]
    source = write_stream(tmp_path / file, **how)
    copied, written = release(source, tmp_path, params)
    assert len(times(source)) == len(how.get("pts", range(12)))
    first = times(source)[0]
    assert [time - first for time in times(source)] == times(copied) == times(written)


def with_edit(source, target, *, skip=0, shown_ms=None):
    """Patch the edit list of an MP4: so many ticks hidden in front, so long shown."""
    data = bytearray(source.read_bytes())
    at = data.index(b"elst") + 12
    length, start = struct.unpack(">Ii", data[at : at + 8])
    data[at : at + 8] = struct.pack(">Ii", shown_ms or length, start + skip)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("skip", "shown_ms", "count"),
    [(512 * 5, 1400, 35), (0, 800, 20), (512 * 5, 600, 15), (512 * 15, 800, 20)],
)
def test_what_an_edit_list_hides_is_not_released(tmp_path, params, skip, shown_ms, count):
    whole = write_stream(tmp_path / "whole.mp4", pts=range(40), options={"g": "10", "bf": "0"})
    source = with_edit(whole, tmp_path / "x.mp4", skip=skip, shown_ms=shown_ms)
    copied, written = release(source, tmp_path, params)
    assert len(times(written)) == count
    assert times(source) == times(copied) == times(written)
    shown = lumas(whole)[skip // 512 :]
    assert all(np.array_equal(one, two) for one, two in zip(shown, lumas(copied), strict=False))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv420p10le"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_picture_is_written_as_it_is_seen(tmp_path, params, rotation, pix_fmt):
    how = {"pix_fmt": pix_fmt, "pixel_aspect": Fraction(4, 3)}
    upright = write_stream(tmp_path / "upright.mp4", **how)
    source = write_stream(tmp_path / "x.mp4", rotation=rotation, **how)
    _, written = release(source, tmp_path, params)
    after = read_info(written)
    turns = read_info(source).rotation_deg // 90
    assert (after.rotation_deg, turns % 2) == (0, rotation // 90 % 2)
    assert after.size_wh == ((48, 64) if turns % 2 else (64, 48))
    assert after.pixel_aspect == (Fraction(3, 4) if turns % 2 else Fraction(4, 3))
    levels = 4 if pix_fmt.endswith("10le") else 1
    for one, two in zip(lumas(upright), lumas(written), strict=True):
        assert np.abs(np.rot90(one, turns) - two).mean() < 1.5 * levels
    for one, two in zip(read_frames(source), read_frames(written), strict=True):
        assert np.abs(one.rgb.astype(int) - two.rgb).mean() < 3


PATCHES = [(235, 128, 128), (90, 110, 160), (150, 150, 100), (60, 128, 128)]


@pytest.mark.parametrize("space", [1, 2, 5, 6, 9])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_colours_are_read_and_drawn_by_their_tags(pix_fmt, space):
    red, blue = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}.get(space, (0.299, 0.114))
    colours = Colours(space, 2 if pix_fmt == "yuvj420p" else 1, pix_fmt)
    for patch in PATCHES:
        frame = av.VideoFrame(16, 16, pix_fmt)
        for plane, level in zip(samples(frame), patch, strict=True):
            plane[:] = level * (4 if pix_fmt.endswith("10le") else 1)
        full = pix_fmt == "yuvj420p"
        luma = patch[0] / 255 if full else (patch[0] - 16) / 219
        u, v = ((level - 128) / (255 if full else 224) for level in patch[1:])
        r, b = luma + 2 * (1 - red) * v, luma + 2 * (1 - blue) * u
        g = (luma - red * r - blue * b) / (1 - red - blue)
        seen = Picture.from_decoded(frame, 0, colours).original
        assert np.abs(seen - np.clip(255 * np.array([r, g, b]), 0, 255)).max() <= 1
        again = colours.from_rgb(seen, pix_fmt.replace("j", ""))
        for plane, was in zip(samples(again), samples(frame), strict=True):
            assert np.abs(plane.astype(int) - was).max() <= (4 if pix_fmt.endswith("10le") else 1)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_only_what_is_drawn_over_changes(pix_fmt):
    frame = draw_ramp(0, (64, 48), pix_fmt)
    picture = Picture.from_decoded(frame, 0, Colours(1, 0, pix_fmt))
    rgb = picture.canvas
    rgb[11:24, 21:40] = (200, 30, 30)
    rgb[47, 63] = 255
    drawn = picture.drawn()
    for number, (before, after) in enumerate(zip(samples(frame), samples(drawn), strict=True)):
        down, across = (48 // before.shape[0], 64 // before.shape[1]) if number else (1, 1)
        touched = np.zeros((48, 64), bool)
        touched[11:24, 21:40] = touched[47, 63] = True
        blocks = touched.reshape(48 // down, down, 64 // across, across).any(axis=(1, 3))
        assert np.array_equal(before[~blocks], after[~blocks])
        assert (before[blocks] != after[blocks]).mean() > 0.9
    seen = Picture(drawn, Colours(1, 0, pix_fmt)).original
    assert np.abs(seen[14:20, 24:36].astype(int) - (200, 30, 30)).max() <= 3


def test_what_was_drawn_stays_whatever_becomes_of_the_frame(sample, tmp_path):
    info = read_info(sample("carphone"))
    with VideoWriter(tmp_path / "out.mp4", info, ENCODING) as writer:
        for frame in read_frames(sample("carphone")):
            frame.rgb[:] = 0
            writer.write(replace(frame, pts=frame.pts + 512))
    assert max(frame.rgb.max() for frame in read_frames(tmp_path / "out.mp4")) < 4
    with pytest.raises(AttributeError):
        frame.rgb = np.zeros_like(frame.rgb)


@pytest.mark.parametrize(("file", "codec"), [("x.mp4", "aac"), ("x.mkv", "libopus"), ("x.mkv", "libmp3lame")])
def test_kept_sound_stays_beside_its_pictures(tmp_path, params, file, codec):
    pictures = write_stream(tmp_path / "plain.mp4", pts=range(10, 40), options={"bf": "0"})
    source = with_sound(pictures, tmp_path / file, codec=codec)
    admit(source, tmp_path / "in.mp4", params.ingest, "keep")
    with VideoWriter(
        tmp_path / "out.mp4", read_info(tmp_path / "in.mp4"), ENCODING, tmp_path / "in.mp4"
    ) as writer:
        for frame in read_frames(tmp_path / "in.mp4"):
            writer.write(frame)
    start = times(source)[0]
    # what sounds before the first picture stays behind, but for the packet in which that is shown
    kept = [(time - float(start), sha256) for time, sha256 in _sounds(source)]
    first = next(number for number, (time, _) in enumerate(kept) if time > 0)
    for path in (tmp_path / "in.mp4", tmp_path / "out.mp4"):
        sounds = _sounds(path)
        assert [sha256 for _, sha256 in sounds[-len(kept[first:]) :]] == [
            sha256 for _, sha256 in kept[first:]
        ]
        assert len(sounds) - len(kept[first:]) in (0, 1)
        assert sounds[-1][0] == pytest.approx(kept[-1][0], abs=0.002)
        assert times(path) == [time - start for time in times(source)]


def test_sound_that_ends_before_the_first_picture_is_not_said_to_be_kept(tmp_path, params):
    pictures = write_stream(tmp_path / "plain.mp4", pts=range(50, 80), options={"bf": "0"})
    source = with_sound(pictures, tmp_path / "x.mkv", codec="libopus")
    facts = admit(source, tmp_path / "in.mp4", params.ingest, "keep")
    assert (facts["has_audio"], facts["audio"]) == (True, "dropped")
    assert not read_info(tmp_path / "in.mp4").has_audio


def _sounds(path):
    with av.open(str(path)) as container:
        return [
            (round(float(packet.pts * packet.time_base), 3), sha256_bytes(bytes(packet)))
            for packet in container.demux(audio=0)
            if packet.size
        ]


def test_sound_that_an_mp4_does_not_hold(tmp_path, params):
    source = with_sound(write_stream(tmp_path / "plain.mp4"), tmp_path / "x.mkv", codec="wavpack")
    with pytest.raises(ClipRefusedError, match="may hold words"):
        admit(source, tmp_path / "in.mp4", params.ingest, "keep")
    admit(source, tmp_path / "in.mp4", params.ingest, "drop")
    assert not read_info(tmp_path / "in.mp4").has_audio


def test_a_picture_that_nobody_drew_over_keeps_every_sample():
    frame = draw_ramp(0, (64, 48), "yuv420p10le")
    picture = Picture.from_decoded(frame, 0, Colours(9, 1, "yuv420p10le"))
    for look in (lambda: None, lambda: picture.canvas):
        look()
        kept = picture.drawn()
        assert all(np.array_equal(one, two) for one, two in zip(samples(frame), samples(kept), strict=True))
        assert not list(kept.side_data)


def _join(first, second, target):
    with av.open(str(target), "w") as writer:
        copy, delay = None, 0
        for path in (first, second):
            with av.open(str(path)) as reader:
                stream = reader.streams.video[0]
                copy = copy or writer.add_stream_from_template(stream)
                inband = BitStreamFilterContext("h264_mp4toannexb", stream)
                for packet in [*reader.demux(stream), None]:
                    if packet is None or packet.size:
                        for part in inband.filter(packet):
                            part.pts, part.dts, part.stream = part.pts + delay, part.dts + delay, copy
                            writer.mux(part)
                delay += stream.duration
    return target


@pytest.mark.parametrize("change", [{"size_wh": (96, 64)}, {"pix_fmt": "yuv444p"}])
@pytest.mark.parametrize("file", ["x.mkv", "x.mp4"])
def test_a_stream_that_changes_its_size_or_format(tmp_path, params, file, change):
    parts = write_stream(tmp_path / "1.mp4"), write_stream(tmp_path / "2.mp4", **change)
    assert "changes its" in refusal(_join(*parts, tmp_path / file), tmp_path, params)[1]


@pytest.mark.parametrize("file", ["x.mp4", "x.mkv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_corrupt_packets_in_the_middle(tmp_path, params, codec, file):
    options = QUIET if codec == "libx265" else {}
    source = write_stream(tmp_path / file, pts=range(60), codec=codec, size_wh=(320, 240), options=options)
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size > 40]
    data = source.read_bytes()
    for packet in packets[len(packets) // 3 : len(packets) // 2]:
        noise = np.random.default_rng(len(packet)).bytes(len(packet) - 10)
        data = data.replace(packet, packet[:10] + noise)
    source.write_bytes(data)
    reason, detail = refusal(source, tmp_path, params)
    assert reason in ("truncated video", "unreadable video")
    assert detail


def test_times_that_do_not_increase(tmp_path, params):
    whole = write_stream(tmp_path / "whole.mp4", options={"bf": "0"})
    with av.open(str(whole)) as reader, av.open(str(tmp_path / "x.mkv"), "w") as writer:
        copy = writer.add_stream_from_template(reader.streams.video[0])
        for number, packet in enumerate(reader.demux(video=0)):
            if packet.size:
                packet.pts = packet.dts = packet.dts - 512 * (number == 5)
                packet.stream = copy
                writer.mux(packet)
    assert refusal(tmp_path / "x.mkv", tmp_path, params) == TIMELESS


def test_b_frames_whose_container_tells_no_times(tmp_path, params):
    source = write_stream(tmp_path / "x.avi", pts=range(20))
    assert refusal(source, tmp_path, params) == TIMELESS


def test_three_hours_keep_every_time(tmp_path):
    pts = [90000 * second for second in range(3 * 3600)]
    source = write_stream(tmp_path / "x.mp4", pts=pts, time_base=Fraction(1, 90000), size_wh=(16, 16))
    copy_streams(source, tmp_path / "in.mp4", keep_audio=False)
    with VideoWriter(tmp_path / "out.mp4", read_info(tmp_path / "in.mp4"), ENCODING) as writer:
        for frame in read_frames(tmp_path / "in.mp4"):
            writer.write(frame)
    assert [frame.pts for frame in read_frames(tmp_path / "out.mp4")] == pts


def tell_all(source, target):
    """Write who is in a video wherever an MP4 and its bitstream have room for it."""
    with (
        av.open(str(source)) as reader,
        av.open(str(target), "w", options={"movflags": "use_metadata_tags"}) as writer,
    ):
        for key in ("title", "comment", "artist", "location", "make", "model", "com.apple.quicktime.model"):
            writer.metadata[key] = f"{CANARY}-{key}"
        writer.metadata["creation_time"] = "1999-04-05T06:07:08Z"
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        sounds = {one: writer.add_stream_from_template(one) for one in reader.streams.audio}
        for sound in sounds.values():
            sound.metadata.update({"handler_name": f"{CANARY}-voice", "language": "swe"})
        copy.metadata.update(
            {"handler_name": f"{CANARY}-handler", "title": f"{CANARY}-track", "language": "swe"}
        )
        said = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{CANARY}-sei"
        telling = BitStreamFilterContext(said, stream, copy)
        for packet in [*reader.demux(), None]:
            if packet is not None and packet.stream in sounds and packet.size:
                packet.stream = sounds[packet.stream]
                writer.mux(packet)
            elif packet is None or (packet.stream is stream and packet.size):
                for part in telling.filter(packet):
                    part.stream = copy
                    writer.mux(part)
    return target


@pytest.mark.parametrize("audio", ["drop", "keep"])
def test_a_released_file_tells_nothing(tmp_path, params, audio):
    plain = with_sound(write_stream(tmp_path / "plain.mp4", rotation=90), tmp_path / "sound.mp4")
    source = tell_all(plain, tmp_path / "x.mp4")
    told = source.read_bytes()
    assert told.count(CANARY.encode()) >= 9
    copied, written = release(source, tmp_path, params, audio)
    assert read_info(written).has_audio == (audio == "keep")
    for path in (copied, written):
        data = path.read_bytes()
        assert b"swe" not in data
        assert struct.pack(">I", 3006137228) not in data  # the day it was made, in seconds since 1904
        with av.open(str(path)) as container:
            assert set(container.metadata) <= {"major_brand", "minor_version", "compatible_brands"}
            assert set(container.streams.video[0].metadata) <= {"language", "handler_name", "vendor_id"}
            assert container.streams.video[0].metadata["handler_name"] == "VideoHandler"
            for sound in container.streams.audio:
                assert sound.metadata["handler_name"] == "SoundHandler"
    assert CANARY.encode() not in written.read_bytes()
    # the patient's zone keeps the bitstream as it came
    assert set(_told(copied)) == {f"{CANARY}-sei"}


def _told(path):
    data = path.read_bytes()
    return [
        data[at : at + len(CANARY) + 4].decode()
        for at in range(len(data))
        if data.startswith(CANARY.encode(), at)
    ]


def test_another_process_writes_the_same_bytes(tmp_path, params):
    source = write_stream(tmp_path / "x.mp4", pix_fmt="yuv420p10le", size_wh=(320, 240), pts=range(30))
    _, written = release(source, tmp_path, params)
    code = f"""
from tasks.video import VideoWriter, read_frames, read_info
from schemas.params.video import Encoding
from pathlib import Path
source, encoding = Path({str(tmp_path / "in.mp4")!r}), Encoding(**{ENCODING.model_dump()!r})
with VideoWriter(Path({str(tmp_path / "again.mp4")!r}), read_info(source), encoding) as writer:
    for frame in read_frames(source):
        writer.write(frame)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPO, env=command_environment())
    assert sha256_file(tmp_path / "again.mp4") == sha256_file(written)


@pytest.mark.parametrize("wanted", [[0, 1, 2], [5, 700, 701, 1499], [0, 499, 1499]])
def test_frames_that_are_picked_are_those_that_reading_all_finds(sample, tmp_path, wanted):
    path = tmp_path / "long.mp4"
    stretch_clip(sample("cap12"), path, height=64, frames=1500)
    whole = {frame.index: frame for frame in read_frames(path) if frame.index in wanted}
    picked = list(pick_frames(path, {index: whole[index].pts for index in wanted}))
    assert [frame.index for frame in picked] == wanted
    for frame in picked:
        assert frame.pts == whole[frame.index].pts
        np.testing.assert_array_equal(frame.rgb, whole[frame.index].rgb)


def test_a_frame_that_is_not_where_it_was_is_refused(sample, tmp_path):
    path = tmp_path / "short.mp4"
    stretch_clip(sample("cap12"), path, height=64, frames=20)
    assert [frame.pts for frame in pick_frames(path, {3: 3 * 512})] == [3 * 512]
    with pytest.raises(VideoError, match="frame 3 is not where it should be"):
        list(pick_frames(path, {3: 3 * 512 + 1}))
    with pytest.raises(VideoError, match="frame 9000 is not"):
        list(pick_frames(path, {9000: 9000 * 512}))


@pytest.mark.parametrize(
    ("pix_fmt", "tags"), [("yuv420p", (2, 0, 2, 2)), ("yuv420p", (1, 2, 1, 1)), ("yuv420p10le", (2, 1, 2, 2))]
)
def test_grey_is_the_luma_over_the_whole_range(tmp_path, pix_fmt, tags):
    path = write_stream(tmp_path / "grey.mp4", pix_fmt=pix_fmt, tags=tags)
    frame = next(read_frames(path))
    seen = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
    assert frame.grey.dtype == np.uint8
    assert frame.grey.shape == seen.shape
    assert np.abs(frame.grey.astype(int) - seen).mean() < 12  # another matrix weighs the colours otherwise
