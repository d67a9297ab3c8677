"""The one model through which `params.yaml` is read."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction01 = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Method = Literal["mesh_swap", "blur", "pixelate", "mask"]
Drawn = Literal["mesh_swap", "blur", "pixelate", "mask", "none"]
ComparedMethod = Literal["blur", "pixelate", "mask"]
Purpose = Literal["research", "commercial"]
LicenceClass = Literal["permissive", "research-only", "copyleft"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelSource(Section):
    """A weight or picture: where it comes from and what it must be.

    source: a package, or the folder of this machine in which a weight lies that its user brought.
    """

    source: Annotated[str, Field(pattern=r"^(pip:[\w.-]+==[\w.]+|npm:[@/\w.-]+@[\w.-]+|file:/.+)$")]
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
    """Thresholds are scores in 0..1; intervals are in frames; tile_px and search_px are pixels.

    search_interval: frames between two searches with every detector, scale and tile; between them
    a glance and the landmarks carry on. sure_score: from which on a face is believed that is
    found only in a turned picture, or not again from close by.
    search_px: longer side, at most, of the copy that detectors and the scene cutter see.
    scene_cut: distance of colour histograms between two frames, in 0..1, from which on they belong
    to two scenes.
    """

    face_score: Fraction01
    sure_score: Fraction01
    body_score: Fraction01
    hand_score: Fraction01
    landmark_score: Fraction01
    overlap: Fraction01
    search_interval: Count
    search_px: Count
    tile_px: Count
    part_interval: Count
    scene_cut: Fraction01
    max_people: Count


class MeshSwap(Section):
    """How a target's face is laid over the patient's.

    tone: share of the target's own skin tone that is kept. tone_frames: frames over which the
    patient's tone is followed. rim: how far
    the target reaches beyond the keypoints, as a share of the face, to cover forehead and jaw.
    feather: soft rim as a share of the face. steady: frames over which the keypoints are smoothed,
    odd. corrections: how often the drawn mesh is measured and moved back onto the patient's keypoints.
    """

    tone: Fraction01
    tone_frames: Count
    rim: Fraction01
    feather: Fraction01
    steady: Count
    corrections: Annotated[int, Field(ge=0, le=10)]


class Recipe(Section):
    """How a target is mixed: every share is relative to the sum of its kind.

    shape, texture: donor (a name in `models`) -> share. growth: part of the
    face -> by how much it grows. skin: shift of the skin in Lab. brow: how much darker the brows
    become. lips: shift of the lips in Lab a. detail: gain of what is finer than the skin's shading.
    """

    shape: Annotated[dict[str, Positive], Field(min_length=1)]
    texture: Annotated[dict[str, Positive], Field(min_length=1)]
    growth: dict[str, float] = {}
    skin: tuple[float, float, float] = (0, 0, 0)
    brow: Fraction01 = 0
    lips: float = 0
    detail: Positive = 1


class Targets(Section):
    """The pool of faces that are nobody's, and how one is chosen for a subject.

    chooser: the recogniser that chooses, so that the other may judge. frames: of each face that are
    tried. others: how many other subjects stand in the gallery of a choice. alike: least cosine at
    which two tracks show one person. tolerance: greatest keypoint error of a choice, as a multiple of
    the least one in the pool.
    """

    chooser: Literal["dlib", "mobilefacenet"]
    frames: Count
    others: Annotated[int, Field(ge=0)]
    alike: Fraction01
    tolerance: Annotated[float, Field(ge=1)]
    pool: Annotated[dict[str, Recipe], Field(min_length=8)]


class Blur(Section):
    """kernel: Gaussian kernel side as a share of the face box's longer side."""

    kernel: Positive


class Pixelate(Section):
    """blocks: mosaic cells along the face box's longer side."""

    blocks: Count


class Mask(Section):
    rgb: tuple[int, int, int]


class Trust(Section):
    """When a mesh can carry another face.

    turn, tilt: least share of the way from cheek to cheek, and from forehead to chin, at which the
    nose's tip lies. size_px: least size of the face in pixels.
    """

    turn: Fraction01
    tilt: Fraction01
    size_px: Positive


class Deidentify(Section):
    """What covers whom; margin is a share of the box's size, max_gap, reach and settle are frames.

    method: of the clip's subject. method_of_others: of everyone else. fallback: where a face is seen
    whose mesh cannot be trusted. unresolved: where a face must be, but was not seen.
    max_gap: over which a lost mesh is interpolated. reach: how far a doubtful face, or one at the
    picture's edge, is covered beyond its sightings. settle: how long a mesh must be trusted before
    the method changes.
    """

    method: Method
    method_of_others: Method
    fallback: ComparedMethod
    unresolved: ComparedMethod
    margin: Annotated[float, Field(ge=0)]
    max_gap: Annotated[int, Field(ge=0)]
    reach: Count
    settle: Count
    trust: Trust
    targets: Targets
    mesh_swap: MeshSwap
    blur: Blur
    pixelate: Pixelate
    mask: Mask


class Compare(Section):
    clips_per_subject: Count


class Rule(Section):
    """A threshold on one figure of one of a clip's arms: of a part, a recogniser, a signal or a finding.

    relative_to_floor: the figure is divided by the control's.
    """

    metric: str
    part: str | None = None
    recogniser: str | None = None
    signal: str | None = None
    finding: Literal["surviving", "flagged", "in_front"] | None = None
    arm: Literal["control", "released"] = "released"
    relative_to_floor: bool = False
    comparison: Literal["<=", ">="]
    threshold: float
    severity: Literal["fail", "review"]

    @model_validator(mode="after")
    def _speaks_of_one_thing(self) -> Self:
        if sum(name is not None for name in (self.part, self.recogniser, self.signal, self.finding)) != 1:
            raise ValueError("a rule names one of part, recogniser, signal and finding")
        if self.relative_to_floor and (self.recogniser or self.finding):
            raise ValueError("only the figures of a part or a signal are relative to the control's")
        return self


class Validate(Section):
    """surviving_share: share of a face's windows that may look like the original's.

    in_front_share: share of a face in front of which something may stay before a person should look.
    """

    surviving_share: Fraction01
    in_front_share: Fraction01
    identity_frames: Count
    identity_threshold: Positive
    pck_thresholds: list[Positive]
    rules: Annotated[dict[str, Rule], Field(min_length=1)]


class Approvals(Section):
    """people: how many different ones must approve. approvers: who may; empty: whoever gives a name."""

    people: Annotated[int, Field(ge=1, le=5)] = 1
    approvers: list[str] = []


class Publish(Section):
    """Where releases go, and how the store should keep them.

    lock_manifests_days: how long Object Lock (governance) holds manifests; 0 locks nothing.
    parallel: uploads at a time. encryption: by the store; kms_key: of aws:kms.
    """

    to: Annotated[str, Field(pattern=r"^s3://[a-z0-9.-]{3,63}(/.*)?$")]
    licence: str
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
    encryption: Literal["none", "AES256", "aws:kms"] = "none"
    kms_key: str | None = None
    tags: dict[str, str] = {}
    lock_manifests_days: Annotated[int, Field(ge=0, le=3650)] = 0
    approvals: Approvals = Approvals()


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

    @model_validator(mode="after")
    def _reaches_to_the_last_search(self) -> Self:
        if self.deidentify.reach < self.extract.search_interval:
            raise ValueError("deidentify.reach must be no less than extract.search_interval")
        return self

    @model_validator(mode="after")
    def _judges_independently(self) -> Self:
        chooser = self.deidentify.targets.chooser
        judges = {
            rule.recogniser: name
            for name, rule in self.validate_.rules.items()
            if rule.recogniser and rule.severity == "fail"
        }
        if chooser in judges:
            raise ValueError(
                f"validate.rules.{judges[chooser]} rests on {chooser}, which chose the targets: "
                "it can ask for a review, not fail a clip"
            )
        if not judges:
            raise ValueError(
                f"validate.rules needs one that fails a clip by a recogniser other than {chooser}"
            )
        return self
