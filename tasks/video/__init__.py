"""Frames in, frames out: the only user of codecs."""

from tasks.video.copier import copy_streams, hides_pixels
from tasks.video.info import StreamInfo, indexed_bytes, last_packet_s, read_info, read_rate
from tasks.video.parts import join_videos, part_spans
from tasks.video.pictures import GreyImage, Picture, RgbImage
from tasks.video.reader import Frame, frame_times, pick_frames, pts_before_key, read_frames, read_from
from tasks.video.rewriter import rewrite
from tasks.video.stretch import stretch_clip
from tasks.video.wholeness import ends_whole
from tasks.video.writer import VideoWriter

__all__ = [
    "Frame",
    "GreyImage",
    "Picture",
    "RgbImage",
    "StreamInfo",
    "VideoWriter",
    "copy_streams",
    "ends_whole",
    "frame_times",
    "hides_pixels",
    "indexed_bytes",
    "join_videos",
    "last_packet_s",
    "part_spans",
    "pick_frames",
    "pts_before_key",
    "read_frames",
    "read_from",
    "read_info",
    "read_rate",
    "rewrite",
    "stretch_clip",
]
