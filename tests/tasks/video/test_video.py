"""The stream stays itself: real files through real codecs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from tests_support import draw_ramp, samples, with_sound

from schemas.params.video import Encoding
from tasks.files.errors import InputError, VideoError
from tasks.video import VideoWriter, copy_streams, read_frames, read_info
from tasks.video.formats import workable
from tasks.video.writer import require_encoder

ENCODING = Encoding(codec="libx264", crf=23, preset="veryfast", threads=1)
MEDIUM = ENCODING.model_copy(update={"preset": "medium"})


def _pts(path):
    return [frame.pts for frame in read_frames(path)]


def test_a_cut_is_a_prefix_without_holes(sample):
    whole, cut = sample("franck", 3.0), sample("franck", 1.0)
    assert _pts(whole)[: len(_pts(cut))] == _pts(cut)
    assert len(set(np.diff(_pts(cut)))) == 1
    assert 1.0 <= len(_pts(cut)) / 24 < 1.5


@pytest.mark.parametrize("name", ["franck", "cap12", "carphone"])
def test_rewriting_keeps_pts_time_base_size_and_tags(name, sample, tmp_path):
    source, target = sample(name), tmp_path / "out.mp4"
    info = read_info(source)
    with VideoWriter(target, info, ENCODING) as writer:
        for frame in read_frames(source):
            writer.write(frame)
    assert _pts(target) == _pts(source)
    written = read_info(target)
    assert (written.time_base, written.size_wh) == (info.time_base, info.size_wh)
    assert written.color_space == info.color_space
    pairs = zip(read_frames(source), read_frames(target), strict=True)
    # the luma of a picture that was only re-encoded hardly moves
    assert max(abs(one.rgb.mean() - two.rgb.mean()) for one, two in pairs) < 2


def test_variable_frame_rate_survives(sample, tmp_path):
    info = read_info(sample("cap12"))
    wanted = [0, 1, 2, 5, 6, 11, 12, 30]
    with VideoWriter(tmp_path / "vfr.mp4", info, ENCODING) as writer:
        for frame, pts in zip(read_frames(sample("cap12")), wanted, strict=False):
            writer.write(replace(frame, pts=pts))
    assert _pts(tmp_path / "vfr.mp4") == wanted
    copy_streams(tmp_path / "vfr.mp4", tmp_path / "copy.mp4", keep_audio=False)
    assert _pts(tmp_path / "copy.mp4") == wanted


def test_the_same_input_gives_the_same_bytes(sample, tmp_path):
    info = read_info(sample("carphone"))
    for name in ("one.mp4", "two.mp4"):
        with VideoWriter(tmp_path / name, info, ENCODING) as writer:
            for frame in read_frames(sample("carphone")):
                writer.write(frame)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_encoders_side_by_side_give_the_same_bytes(sample, tmp_path):
    def write(name, number):
        target = tmp_path / f"{name}-{number}.mp4"
        source = sample(name, 2.0)
        with VideoWriter(target, read_info(source), MEDIUM) as writer:
            for frame in read_frames(source):
                writer.write(frame)
        return name, target.read_bytes()

    for name in (names := ["franck", "cap12", "carphone"]):
        sample(name, 2.0)  # cut before the threads begin
    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(write, names * 8, range(24)))
    assert len(set(written)) == len(names)


def test_a_failed_write_leaves_nothing(sample, tmp_path):
    info = read_info(sample("carphone"))
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "x.mp4", info, ENCODING) as writer:
        writer.write(next(read_frames(sample("carphone"))))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_frames_are_contiguous_and_may_be_changed(sample):
    frame = next(read_frames(sample("franck")))
    assert frame.rgb.flags.c_contiguous
    frame.rgb[:] = 0


def test_a_file_that_is_no_video_is_one_sentence_without_its_name(tmp_path):
    (tmp_path / "jane-doe.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError) as caught:
        read_info(tmp_path / "jane-doe.mp4")
    assert "jane" not in str(caught.value)


def test_audio_travels_only_where_it_is_asked_for(sample, tmp_path):
    spoken = with_sound(sample("cap12"), tmp_path / "spoken.mp4")
    copy_streams(spoken, tmp_path / "kept.mp4", keep_audio=True)
    copy_streams(spoken, tmp_path / "dropped.mp4", keep_audio=False)
    assert read_info(tmp_path / "kept.mp4").has_audio
    assert not read_info(tmp_path / "dropped.mp4").has_audio
    info = read_info(tmp_path / "kept.mp4")
    with VideoWriter(tmp_path / "out.mp4", info, ENCODING, tmp_path / "kept.mp4") as writer:
        for frame in read_frames(tmp_path / "kept.mp4"):
            writer.write(frame)
    assert read_info(tmp_path / "out.mp4").has_audio
    assert _pts(tmp_path / "out.mp4") == _pts(spoken)


def _has_encoder():
    try:
        require_encoder("h264_nvenc")
    except InputError:
        return False
    return True


def _has_decoder(path):
    try:
        next(read_frames(path, "nvdec"))
    except InputError:
        return False
    return True


def _writer(path, target, codec="h264_nvenc"):
    encoding = Encoding(codec=codec, crf=23, preset="medium", threads=1)
    return VideoWriter(target, read_info(path), encoding)


@pytest.mark.skipif(_has_encoder(), reason="this machine has an encoder of NVIDIA's")
def test_an_encoder_that_is_not_here_is_one_sentence_and_writes_nothing(sample, tmp_path):
    path, target = sample("cap12"), tmp_path / "out/target.mp4"
    with pytest.raises(InputError, match="h264_nvenc, which does not work here"), _writer(path, target):
        pass
    assert not target.parent.exists()


def test_a_decoder_that_is_not_here_is_one_sentence(sample):
    path = sample("cap12")
    if _has_decoder(path):
        pytest.skip("this machine has a decoder of NVIDIA's")
    with pytest.raises(InputError, match="nvdec, which is not here"):
        next(read_frames(path, "nvdec"))


# some devices decode and do not encode
def test_a_device_decodes_the_same_samples_and_every_frame_is_encoded(sample, tmp_path):
    path, target = sample("cap12"), tmp_path / "target.mp4"
    if not _has_decoder(path):
        pytest.skip("no NVIDIA device that decodes is here")
    software = list(read_frames(path))
    with _writer(path, target, "libx264") as writer:
        for ours, theirs in zip(software, read_frames(path, "nvdec"), strict=True):
            np.testing.assert_array_equal(ours.rgb, theirs.rgb)
            writer.write(theirs)
    assert [frame.pts for frame in read_frames(target)] == [frame.pts for frame in software]


@pytest.mark.skipif(not _has_encoder(), reason="no NVIDIA device that encodes is here")
def test_a_device_encodes_every_frame(sample, tmp_path):
    path, target = sample("cap12"), tmp_path / "target.mp4"
    software = list(read_frames(path))
    with _writer(path, target) as writer:
        for frame in read_frames(path):
            writer.write(frame)
    assert [frame.pts for frame in read_frames(target)] == [frame.pts for frame in software]


@pytest.mark.parametrize(("given", "plain"), [("nv12", "yuv420p"), ("p010le", "yuv420p10le")])
def test_what_a_device_gives_becomes_planes_of_the_same_samples(given, plain):
    source = draw_ramp(3, (64, 48), plain)
    packed = source.reformat(format=given)
    assert packed.format.name == given
    back = workable(packed)
    assert back.format.name == plain
    for one, other in zip(samples(source), samples(back), strict=True):
        np.testing.assert_array_equal(one, other)
    assert workable(source) is source
