"""Weights, and on what they run."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.params.sections import Count, Section, Sha256

LicenceClass = Literal["permissive", "research-only", "copyleft", "workspace"]
Decoder = Literal["software", "nvdec"]


class ModelSource(Section):
    """A weight or picture: where it comes from and what it must be.

    source: a package; of a weight that its user brings the folder on this machine, or the address without
    the member's name.
    """

    source: Annotated[
        str, Field(pattern=r"^(pip:[\w.-]+==[\w.]+|npm:[@/\w.-]+@[\w.-]+|file:/.+|https?://.+)$")
    ]
    member: str
    sha256: Sha256
    licence: str
    licence_class: LicenceClass
    purpose: str


class Inference(Section):
    """provider: on which graphs run, and nowhere else. memory_mb: of a device, at most.

    decoder: nvdec needs an NVIDIA device.
    """

    provider: Literal["cpu", "cuda", "tensorrt"]
    memory_mb: Count
    decoder: Decoder = "software"

    @property
    def device(self) -> str:
        """What results may depend on."""
        return f"{self.provider}, {self.decoder}"
