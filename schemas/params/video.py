"""What videos come in, and how they go out."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.params.sections import Count, PartSeconds, Section


class Ingest(Section):
    """What can be kept as it is; containers are FFmpeg's names."""

    containers: list[str]
    codecs: list[str]
    pixel_formats: list[str]
    audio: Literal["drop", "keep"]


class Encoding(Section):
    """The codec h264_nvenc needs an NVIDIA device, and takes crf as its cq.

    part_s: about so long are the parts of a long clip that workers draw and encode side by side.
    """

    codec: Literal["libx264", "h264_nvenc"]
    crf: Annotated[int, Field(ge=0, le=51)]
    preset: str
    threads: Count
    part_s: PartSeconds = 60.0  # workspaces of before do not name it
