"""Frames in, frames out: the only user of codecs."""

from tasks.video.copier import copy_streams
from tasks.video.info import StreamInfo, read_info
from tasks.video.pictures import Picture, RgbImage
from tasks.video.reader import Frame, read_frames
from tasks.video.stretch import stretch_clip
from tasks.video.writer import VideoWriter

__all__ = [
    "Frame",
    "Picture",
    "RgbImage",
    "StreamInfo",
    "VideoWriter",
    "copy_streams",
    "read_frames",
    "read_info",
    "stretch_clip",
]
