"""MP4s that were cut off or trimmed: what is gone is found, what is there is kept."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from streams_support import SMALL, admitted, decoded, make, picture, refused

from tasks.video import read_frames, read_info

CUT = ("truncated video", "its last part is not all there")
ENDLESS = "its container does not say whether it is whole"


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory):
    """Three fragments of twenty pictures, as dashcams and browsers write them."""
    path = tmp_path_factory.mktemp("fragments") / "x.mp4"
    muxer, options = {"movflags": "+frag_keyframe+empty_moov"}, {"g": "20", "bf": "2"}
    return make(
        path, "mp4", "libx264", "yuv420p", numbers=range(60), options=options, muxer=muxer
    ).read_bytes()


def _fragments(content):
    return [at - 4 for at in range(len(content)) if content[at : at + 4] == b"moof"]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("into", [3, 30, 400])
def test_a_fragment_that_is_not_all_there_is_missed(tmp_path, params, fragmented, number, into):
    source = tmp_path / "x.mp4"
    source.write_bytes(fragmented[: _fragments(fragmented)[number] + into])
    assert refused(source, tmp_path, params) == CUT


@pytest.mark.parametrize("tail", [b"", b"\0" * 5000, b"rubbish" * 9, b"end"])
def test_what_is_whole_is_admitted_whatever_stands_behind_it(tmp_path, params, fragmented, tail):
    (tmp_path / "x.mp4").write_bytes(fragmented + tail)
    facts = admitted(tmp_path / "x.mp4", tmp_path, params)
    assert (facts["frame_count"], facts["told"]) == (60, [])


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_fragments_that_are_listed_in_front_are_counted(tmp_path, params, gone):
    muxer, options = {"movflags": "+dash+global_sidx+frag_keyframe"}, {"g": "20", "bf": "2"}
    source = tmp_path / "x.mp4"
    make(source, "mp4", "libx264", "yuv420p", numbers=range(60), options=options, muxer=muxer)
    content = source.read_bytes()
    assert b"sidx" in content
    if gone:
        source.write_bytes(content[: _fragments(content)[-gone]])
        assert refused(source, tmp_path, params)[0] == "truncated video"
    else:
        assert admitted(source, tmp_path, params)["told"] == []


def test_where_nothing_says_that_a_fragment_is_the_last_that_is_told(tmp_path, params, fragmented):
    (tmp_path / "x.mp4").write_bytes(fragmented[: _fragments(fragmented)[2]])
    facts = admitted(tmp_path / "x.mp4", tmp_path, params)
    assert (facts["frame_count"], facts["told"]) == (40, [ENDLESS])


# whose decoders take half a picture for one
QUIET = [("x.mov", "mov", "qtrle", "rgb24"), ("x.mp4", "mp4", "libvpx-vp9", "yuv420p"),
         ("x.mov", "mov", "mjpeg", "yuvj420p")]  # fmt: skip


@pytest.mark.parametrize(("name", "container", "codec", "pix_fmt"), QUIET)
@pytest.mark.parametrize("gone", [0, 1, 30])
def test_the_index_says_how_long_a_file_is(tmp_path, params, name, container, codec, pix_fmt, gone):
    source = make(tmp_path / name, container, codec, pix_fmt, muxer={"movflags": "+faststart"})
    with av.open(str(source)) as reader:
        end = max(packet.pos + packet.size for packet in reader.demux(video=0) if packet.size)
    source.write_bytes(source.read_bytes()[: end - gone])
    if gone:
        assert refused(source, tmp_path, params) == CUT
    else:
        assert admitted(source, tmp_path, params)["frame_count"] == 20


@pytest.mark.parametrize("kept", [20, 22, 23, 26, 39, 58])
@pytest.mark.parametrize(("codec", "options"), [
    ("libx264", {"g": "20", "bf": "2"}), ("libx264", {"g": "20", "bf": "0"}),
    ("libx265", {"x265-params": "log-level=none:keyint=20"}),
])  # fmt: skip
def test_a_trimmed_end_is_kept_as_players_show_it(tmp_path, params, codec, options, kept):
    """Pictures that are decoded before the last one, and hidden after it, are no part of it."""
    source = make(tmp_path / "x.mp4", "mp4", codec, "yuv420p", numbers=range(60), options=options)
    content = bytearray(source.read_bytes())
    at, movie = content.index(b"elst") + 12, content.index(b"mvhd") + 16
    content[at : at + 4] = struct.pack(">I", kept * struct.unpack_from(">I", content, movie)[0] // 25)
    source.write_bytes(content)
    facts = admitted(source, tmp_path, params)
    times_s, shown = decoded(source)
    copy = list(read_frames(tmp_path / "out.mp4"))
    assert facts["frame_count"] == len(copy) == len(shown) == kept
    assert [frame.pts * read_info(tmp_path / "out.mp4").time_base for frame in copy] == times_s
    alike = [np.abs(one.rgb.astype(int) - rgb).mean() for one, rgb in zip(copy, shown, strict=True)]
    assert max(alike) < 6


@pytest.mark.parametrize("name", ["x.mkv", "x.mp4"])
@pytest.mark.parametrize("still_first", [True, False])
@pytest.mark.parametrize("codec", ["mjpeg", "libx264"])
def test_a_larger_still_picture_is_not_the_patients_video(tmp_path, params, name, still_first, codec):
    with av.open(str(tmp_path / name), "w") as writer:
        kinds = [((640, 480), codec, range(1)), (SMALL, "libx264", range(40))][:: 1 if still_first else -1]
        streams = [writer.add_stream(kind, rate=25) for _, kind, _ in kinds]
        for stream, (size_wh, kind, _) in zip(streams, kinds, strict=True):
            stream.width, stream.height = size_wh
            stream.pix_fmt = "yuvj420p" if kind == "mjpeg" else "yuv420p"
        for number in range(40):
            for stream, (size_wh, _, numbers) in zip(streams, kinds, strict=True):
                if number in numbers:
                    frame = av.VideoFrame.from_ndarray(picture(number, size_wh), format="rgb24")
                    frame.pts, frame.time_base = number, Fraction(1, 25)
                    writer.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        for stream in streams:
            writer.mux(stream.encode(None))
    facts = admitted(tmp_path / name, tmp_path, params)
    assert (facts["width"], facts["height"], facts["frame_count"]) == (*SMALL, 40)
    assert "640 x 480" in facts["told"][0]


@pytest.mark.parametrize("matrix", [(0.7, 0.7, -0.7, 0.7), (-0.7, 0.7, 0.7, 0.7)])
def test_a_picture_between_two_quarter_turns_is_refused_by_its_reason(tmp_path, params, matrix):
    source = make(tmp_path / "x.mp4", "mp4", "libx264", "yuv420p")
    a, b, c, d = (int(65536 * value) for value in matrix)
    told = bytearray(source.read_bytes())
    at = told.index(b"tkhd") + 4 + 40
    told[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    source.write_bytes(told)
    reason, detail = refused(source, tmp_path, params)
    assert reason == "stream cannot be kept"
    assert "save it upright" in detail


LEFT_OUT = "what it holds beside video and sound was left out: {}"


@pytest.mark.parametrize(("name", "more", "told"), [
    ("y.mkv", ["subtitle"], [LEFT_OUT.format("subtitle")]),
    ("y.mp4", ["cover"], [LEFT_OUT.format("cover picture")]),
    ("y.mp4", [], []),
])  # fmt: skip
def test_what_else_a_file_holds_is_told(tmp_path, params, name, more, told):
    plain = make(tmp_path / "x.mp4", "mp4", "libx264", "yuv420p")
    with av.open(str(tmp_path / name), "w") as writer, av.open(str(plain)) as reader:
        video = writer.add_stream_from_template(reader.streams.video[0])
        if "subtitle" in more:
            writer.add_data_stream("ass")
        packets = [packet for packet in reader.demux(video=0) if packet.dts is not None]
        if "cover" in more:
            cover = writer.add_stream("mjpeg", rate=25)
            cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(picture(1, (640, 480)), format="rgb24")
            for packet in [*cover.encode(frame.reformat(format="yuvj420p")), *cover.encode(None)]:
                writer.mux(packet)
        for packet in packets:
            packet.stream = video
            writer.mux(packet)
    facts = admitted(tmp_path / name, tmp_path, params)
    assert ((facts["width"], facts["height"]), facts["told"]) == (SMALL, told)
