"""What a container hides of a picture, or says in a sound's header, is shown by nobody's release."""

import av
import numpy as np
import pytest
from tests_support import write_pictures

from tasks.files.errors import ClipRefusedError
from tasks.ingest.admit import admit

CANARY = "Jane-Doe-1961"
# Matroska's masters from the file to a track's video
VIDEO_PATH = tuple(map(bytes.fromhex, ("18538067", "1654ae6b", "ae", "e0")))
CROPS = {"bottom": "54aa", "top": "54bb", "left": "54cc", "right": "54dd"}


def _length(content, place):
    """Return how many bytes a Matroska number has, and the number."""
    count = 9 - content[place].bit_length()
    first = content[place] & ((0x80 >> (count - 1)) - 1)
    return count, int.from_bytes(bytes([first]) + content[place + 1 : place + count])


def _with_elements(content, extra, path=VIDEO_PATH):
    if not path:
        return extra + content
    place = 0
    while place < len(content):
        name_end = place + 9 - content[place].bit_length()
        count, size = _length(content, name_end)
        start = name_end + count
        if content[place:name_end] == path[0]:
            inner = _with_elements(content[start : start + size], extra, path[1:])
            head = content[:name_end] + b"\x01" + len(inner).to_bytes(7)
            return head + inner + content[start + size :]
        place = start + size
    raise AssertionError("no such element")


def _cropped(folder, **pixels):
    pictures = [np.full((48, 64, 3), 10 * index, np.uint8) for index in range(12)]
    whole = write_pictures(folder / "whole.mkv", pictures)
    crops = b"".join(bytes.fromhex(CROPS[side]) + b"\x81" + bytes([value]) for side, value in pixels.items())
    cropped = folder / "cropped.mkv"
    cropped.write_bytes(_with_elements(whole.read_bytes(), crops))
    return cropped


def _remuxed(source, target):
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        copy = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(reader.streams.video[0]):
            if packet.size:
                packet.stream = copy
                writer.mux(packet)
    return target


@pytest.mark.parametrize("pixels", [{"top": 16}, {"bottom": 8, "left": 4}, {"right": 20}], ids=str)
@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_a_clip_whose_container_hides_a_part_of_the_picture_is_refused(tmp_path, params, suffix, pixels):
    cropped = _cropped(tmp_path, **pixels)
    if suffix != "mkv":
        cropped = _remuxed(cropped, tmp_path / f"cropped.{suffix}")
        assert b"clap" in cropped.read_bytes()
    with pytest.raises(ClipRefusedError, match="hides a part of the picture"):
        admit(cropped, tmp_path / "out.mp4", params.ingest, "drop")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_a_clip_that_hides_nothing_is_admitted(tmp_path, params, suffix):
    whole = _remuxed(_cropped(tmp_path, top=0), tmp_path / f"whole.{suffix}")
    facts = admit(whole, tmp_path / "out.mp4", params.ingest, "drop")
    assert (facts["width"], facts["height"]) == (64, 48)


def _sounding(folder, codec):
    # FFmpeg brings this one from Matroska into no MP4
    path = folder / f"{codec}.{'mp4' if codec == 'pcm_s16le' else 'mkv'}"
    with av.open(str(path), "w") as writer:
        video = writer.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = writer.add_stream(codec, rate=48000, layout="stereo")
        # FFmpeg calls its own Vorbis encoder an experiment
        sound.codec_context.options = {"strict": "experimental"}
        sound.codec_context.open(strict=False)
        sound.metadata["comment"] = writer.metadata["title"] = CANARY
        shape = sound.codec_context.format.name
        mixer = av.AudioResampler(shape, "stereo", 48000, sound.codec_context.frame_size or 1024)
        hum = av.AudioFrame.from_ndarray(np.ones((1, 96000), np.int16), format="s16", layout="stereo")
        hum.sample_rate = 48000
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), format="rgb24")
            writer.mux(video.encode(frame))
        for part in (*mixer.resample(hum), *mixer.resample(None)):
            writer.mux(sound.encode(part))
        writer.mux(video.encode(None))
        writer.mux(sound.encode(None))
    assert CANARY.encode() in path.read_bytes()
    return path


@pytest.mark.parametrize("codec", ["aac", "libopus", "libmp3lame", "ac3", "eac3", "alac", "pcm_s16le"])
def test_a_kept_sound_says_nothing_in_words(tmp_path, params, codec):
    facts = admit(_sounding(tmp_path, codec), tmp_path / "out.mp4", params.ingest, "keep")
    assert facts["audio"] == "kept"
    assert CANARY.encode() not in (tmp_path / "out.mp4").read_bytes()


def test_a_sound_whose_header_may_hold_words_is_kept_by_nobody(tmp_path, params):
    vorbis = _sounding(tmp_path, "vorbis")
    with pytest.raises(ClipRefusedError, match="vorbis sound may hold words"):
        admit(vorbis, tmp_path / "out.mp4", params.ingest, "keep")
    assert admit(vorbis, tmp_path / "out.mp4", params.ingest, "drop")["audio"] == "dropped"
