"""No day of a visit leaves by a clock: whatever a container counts from, an admitted clip counts from 0."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from tests_support import with_sound, write_pictures

from tasks.ingest.admit import admit
from tasks.video import read_frames

VISIT_S = 1_794_000_000  # a day in 2026, as cameras write it
STARTS_S = [0, Fraction(1, 2), 7, VISIT_S]


def _pictures(count=12):
    return [np.full((48, 64, 3), 10 * index, np.uint8) for index in range(count)]


def _late(source, target, start_s, audio_s=None):
    """Copy all streams, each packet so much later; sound by another time where one is given."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        copies = {stream.index: writer.add_stream_from_template(stream) for stream in reader.streams}
        for packet in reader.demux():
            if packet.dts is None:
                continue
            sounds = packet.stream.type == "audio" and audio_s is not None
            ticks = round(Fraction(audio_s if sounds else start_s) / packet.time_base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = copies[packet.stream.index]
            writer.mux(packet)
    return target


@pytest.mark.parametrize("start_s", STARTS_S, ids=str)
@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_pictures_count_from_zero(tmp_path, params, suffix, start_s):
    whole = write_pictures(tmp_path / "whole.mp4", _pictures())
    source = _late(whole, tmp_path / f"late.{suffix}", start_s)
    facts = admit(source, tmp_path / "out.mp4", params.ingest, "drop")
    frames, before = list(read_frames(tmp_path / "out.mp4")), list(read_frames(source))
    assert frames[0].pts == 0
    steps = [after.timestamp_s - frame.timestamp_s for frame, after in pairwise(frames)]
    assert steps == pytest.approx([0.04] * 11, abs=0.002)
    assert [frame.picture.grey.mean() for frame in frames] == [frame.picture.grey.mean() for frame in before]
    assert facts["frame_count"] == 12
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert (container.start_time, container.streams.video[0].start_time) == (0, 0)


@pytest.mark.parametrize(
    ("start_s", "audio_s"), [(VISIT_S, VISIT_S), (5, 5), (5, Fraction(11, 2)), (5, Fraction(47, 10))]
)
def test_sound_stays_beside_its_pictures_and_none_is_hidden(tmp_path, params, start_s, audio_s):
    whole = with_sound(write_pictures(tmp_path / "mute.mp4", _pictures(25)), tmp_path / "whole.mp4")
    source = _late(whole, tmp_path / "late.mkv", start_s, audio_s)
    admit(source, tmp_path / "out.mp4", params.ingest, "keep")
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [packet for packet in container.demux(container.streams.audio[0]) if packet.size]
    first_s = float(packets[0].pts * packets[0].time_base)
    wanted_s = max(0.0, float(audio_s - start_s))
    assert first_s == pytest.approx(wanted_s, abs=0.03)
    assert not any(packet.is_discard for packet in packets)
