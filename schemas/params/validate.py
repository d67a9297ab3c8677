"""What is compared, measured, and judged by which rules."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.params.sections import Count, Fraction01, Positive, Section

Finding = Literal[
    "surviving",
    "doubtful",
    "uncovered",
    "flagged",
    "in_front",
    "painted_over",
    "in_mouth",
    "text_left",
    "text",
]


# who has Guise, and people's faces of another day: what each would look like, and what tells them apart then
PARROTS = ("parrot", "trained")
# who learnt from other people of the cohort what a swap makes of a face, and undoes it
INVERTED = "inverted"
ATTACKERS = (*PARROTS, INVERTED)


class Compare(Section):
    """On how much video compared methods are tried: so many seconds and such a share of all, at most."""

    seconds: Positive = 60.0
    share: Fraction01 = 0.1

    @model_validator(mode="before")
    @classmethod
    def _forget_whole_clips(cls, given: dict[str, Any]) -> dict[str, Any]:
        # what a workspace of before says
        return {name: value for name, value in given.items() if name != "clips_per_subject"}


class Rule(Section):
    """A threshold on one figure of one of a clip's arms: of a part, a recogniser, a signal or a finding.

    relative_to_floor: the figure is divided by the control's. where_known: a clip without the figure is not
    judged by it; elsewhere that breaks a rule.
    """

    metric: str
    part: str | None = None
    recogniser: str | None = None
    signal: str | None = None
    finding: Finding | None = None
    arm: Literal["control", "released"] = "released"
    relative_to_floor: bool = False
    where_known: bool = False
    comparison: Literal["<=", ">="]
    threshold: float
    severity: Literal["fail", "review"]

    @model_validator(mode="after")
    def _speaks_of_one_thing(self) -> Self:
        if sum(name is not None for name in (self.part, self.recogniser, self.signal, self.finding)) != 1:
            raise ValueError("a rule names one of part, recogniser, signal and finding")
        if self.relative_to_floor and (self.recogniser or self.finding):
            raise ValueError("only the figures of a part or a signal are relative to the control's")
        if self.where_known and self.recogniser not in ATTACKERS:
            raise ValueError(f"only a rule on {' or '.join(ATTACKERS)} may be asked where_known")
        return self


# whatever the rules are, a person sees what a correction uncovered, what may be left of a face, and text
SEEN: dict[str, Finding] = {
    "nothing_uncovered": "uncovered",
    "no_face_is_doubtful": "doubtful",
    "no_text_is_left": "text_left",
    "no_text_stays": "text",
}
ALWAYS = {
    name: Rule(
        metric="frames", finding=finding, comparison="<=", threshold=0,
        severity="fail" if finding == "text_left" else "review",
    )
    for name, finding in SEEN.items()
}  # fmt: skip


class Survival(Section):
    """Shares of a face, and of its parts by themselves, that may look like the original's."""

    face: Fraction01
    eyes: Fraction01
    nose: Fraction01
    mouth: Fraction01


class Validate(Section):
    """surviving: where more looks like the original's, the face is bare. doubtful: a person should look.

    strangers: pictures (names in models) whose faces stand in every gallery.
    gallery_clips: among so many of a cohort's clips, at most, everybody is looked for.
    in_front_share: share of a face in front of which something may stay before a person should look.
    """

    surviving: Survival = Survival(face=0.4, eyes=0.4, nose=0.45, mouth=0.55)
    doubtful: Survival = Survival(face=0.25, eyes=0.3, nose=0.4, mouth=0.5)
    strangers: list[str] = []
    gallery_clips: Count = 200
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
        missing = {
            name: rule
            for name, rule in ALWAYS.items()
            if rule.model_copy(update={"severity": "review"}) not in asked
        }
        return {**rules, **missing} if rules else rules
