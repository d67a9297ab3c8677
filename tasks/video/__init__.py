"""Frames in, frames out: the only user of codecs."""

from tasks.video.copier import copy_streams
from tasks.video.info import StreamInfo, read_info
from tasks.video.pictures import GreyImage, Picture, RgbImage
from tasks.video.reader import Frame, pick_frames, read_frames
from tasks.video.stretch import stretch_clip
from tasks.video.writer import VideoWriter

__all__ = [
    "Frame",
    "GreyImage",
    "Picture",
    "RgbImage",
    "StreamInfo",
    "VideoWriter",
    "copy_streams",
    "pick_frames",
    "read_frames",
    "read_info",
    "stretch_clip",
]
