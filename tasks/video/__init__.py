"""Frames in, frames out: the only user of codecs."""

from tasks.video.copier import copy_streams, hides_pixels
from tasks.video.info import StreamInfo, indexed_bytes, last_packet_s, read_info, read_rate
from tasks.video.pictures import GreyImage, Picture, RgbImage
from tasks.video.reader import Frame, pick_frames, pts_before_key, read_frames
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
    "hides_pixels",
    "indexed_bytes",
    "last_packet_s",
    "pick_frames",
    "pts_before_key",
    "read_frames",
    "read_info",
    "read_rate",
    "rewrite",
    "stretch_clip",
]
