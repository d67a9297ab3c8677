"""The section of `params.yaml` that says who is covered, and how."""

from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, field_validator, model_validator

from schemas.params.sections import AsTuple, Count, Fraction01, Positive, Seconds, Section, Timed, in_seconds

Method = Literal["mesh_swap", "own_swap", "inswapper", "blur", "pixelate", "mask"]
# point_swap: of a small face without keypoints, where mesh_swap is asked for
Drawn = Literal["mesh_swap", "point_swap", "own_swap", "inswapper", "blur", "pixelate", "mask", "none"]
# of burned-in text; workspaces of before do not name it
TextRule = Literal["cover", "flag", "keep"]
# of a slow clip: with fewer frames of reach the rest of a scene would be masked
LEAST_REACH, LEAST_SETTLE = 6, 3
SWAPS: tuple[Drawn, ...] = ("mesh_swap", "point_swap", "own_swap", "inswapper")
# what lays a target's mesh over a face where that can be trusted
BY_MESH: tuple[Method, ...] = ("mesh_swap", "own_swap")
ComparedMethod = Literal["blur", "pixelate", "mask"]


class MeshSwap(Section):
    """How a target's face is laid over the patient's.

    shares: of the way from the patient's own face shape to the target's, among which a trial chooses.
    keep_asymmetry: what differs between the halves of the patient's face stays, as a palsy does.
    keep_glasses: the frame of the patient's own glasses stays in front, where it can be told from the face.
    keep_attached: so does a tube, plaster or bandage that was there from the first; a tattoo looks like one.
    rim: how far the target reaches beyond the keypoints, as a share of the face, to cover forehead and jaw.
    feather: soft rim as a share of the face. steady_s: over how long the keypoints are smoothed; of five
    frames, as most clips have in that time, each stays as it is. corrections: how often the drawn mesh is
    measured and moved to where its keypoints should be.
    """

    shares: Annotated[list[Annotated[float, Field(ge=0, le=2)]], Field(min_length=1)] = [0.8, 1.0, 1.2]
    keep_asymmetry: bool = True
    keep_glasses: bool = True
    keep_attached: bool = True
    rim: Fraction01
    feather: Fraction01
    steady_s: Annotated[float, Field(gt=0, le=2)]
    corrections: Annotated[int, Field(ge=0, le=10)]

    @model_validator(mode="before")
    @classmethod
    def _forget_tone(cls, given: dict[str, Any]) -> dict[str, Any]:
        # a workspace of before names the target's tone; now the scene's light is all there is
        kept = {name: value for name, value in given.items() if name not in ("tone", "tone_frames")}
        return cast(dict[str, Any], in_seconds(kept, ("steady",)))


class Recipe(Section):
    """How a target is mixed: every share is relative to the sum of its kind.

    shape, texture: donor (a name in `models`) -> share. growth: part of the
    face -> by how much it grows. skin: shift of the skin in Lab. brow: how much darker the brows
    become. lips: shift of the lips in Lab a. detail: gain of what is finer than the skin's shading.
    """

    shape: Annotated[dict[str, Positive], Field(min_length=1)]
    texture: Annotated[dict[str, Positive], Field(min_length=1)]
    growth: dict[str, float] = {}
    skin: Annotated[tuple[float, float, float], AsTuple] = (0, 0, 0)
    brow: Fraction01 = 0
    lips: float = 0
    detail: Positive = 1


LEAST_KIN = 10


class Targets(Section):
    """The pool of faces that are nobody's, and how one is chosen for a subject.

    chooser: the recogniser that chooses, so that the other may judge. frames: of each face that are
    tried. tried: how many targets of the pool, those whose skin is most alike in lightness. others: how
    many other subjects stand in the gallery of a choice. alike: least cosine at which two tracks show one
    person. tolerance: greatest keypoint error of a choice, as a multiple of the least one in the pool. k: of
    so many people of the cohort who agreed to it a face is mixed for others; 0: of nobody.
    """

    chooser: Literal["dlib", "mobilefacenet", "arcface"]
    frames: Count
    tried: Count = 7
    others: Annotated[int, Field(ge=0)]
    alike: Fraction01
    tolerance: Annotated[float, Field(ge=1)]
    k: int = 0
    pool: Annotated[dict[str, Recipe], Field(min_length=8)]

    @field_validator("k")
    @classmethod
    def _is_nobody(cls, k: int) -> int:
        if k and k < LEAST_KIN:
            raise ValueError(f"a face is mixed of {LEAST_KIN} people at least, or of nobody (0)")
        return k


class Inswapper(Section):
    """A neural swap by insightface's model, which draws whom an ArcFace latent means.

    pool: target -> donors (names in `models`), whose latents are mixed. nearest_donor, nearest_subject:
    greatest cosine of a latent to one of its donors, and to a subject. batch: faces at a time. feather:
    soft rim as a share of the aligned face.
    """

    pool: Annotated[dict[str, Annotated[list[str], Field(min_length=3)]], Field(min_length=2)]
    nearest_donor: Fraction01
    nearest_subject: Fraction01
    batch: Count
    feather: Fraction01

    @model_validator(mode="after")
    def _has_different_donors(self) -> Self:
        for name, donors in self.pool.items():
            if len(set(donors)) < len(donors):
                raise ValueError(f"deidentify.inswapper.pool.{name} names a donor twice")
        return self


class OwnSwap(Section):
    """A neural swap by a network that the workspace trained (section `train`), where no mesh can be trusted.

    everywhere: also where one can, to compare the two. batch: faces at a time.
    """

    everywhere: bool = False
    batch: Count = 8


class Blur(Section):
    """kernel: Gaussian kernel side as a share of the face box's longer side."""

    kernel: Positive


class Pixelate(Section):
    """blocks: mosaic cells along the face box's longer side."""

    blocks: Count


class Mask(Section):
    rgb: Annotated[tuple[int, int, int], AsTuple]


class Trust(Section):
    """When a mesh can carry another face.

    turn, tilt: least share of the way from cheek to cheek, and from forehead to chin, at which the
    nose's tip lies. size_px: least size of the face in pixels. detail_px: a smaller face may be turned as it
    will: nobody sees that its other side was never read, and keypoints are lost under a mosaic.
    """

    turn: Fraction01
    tilt: Fraction01
    size_px: Positive
    detail_px: Annotated[float, Field(ge=0)] = 80  # workspaces of before do not name it


class Deidentify(Timed):
    """What covers whom; margin is a share of the box's size; max_gap, reach and settle are times.

    method: of the clip's subject. method_of_others: of everyone else. fallback: where a face is seen
    whose mesh cannot be trusted. unresolved: where a face must be, but was not seen.
    text: of what is burned into the picture; cover: what may be a name, a date or a number, and a person
    looks at the rest; flag: a person looks at all of it; keep: it stays.
    max_gap_s: over which a lost mesh is interpolated. reach_s: how long a doubtful face, or one at the
    picture's edge, is covered beyond its sightings. settle_s: how long a mesh must be trusted before
    the method changes.
    """

    method: Method
    method_of_others: Method
    fallback: ComparedMethod
    unresolved: ComparedMethod
    text: TextRule = "cover"
    margin: Annotated[float, Field(ge=0)]
    max_gap_s: Annotated[float, Field(ge=0, le=60)]
    reach_s: Seconds
    settle_s: Seconds
    trust: Trust
    targets: Targets
    mesh_swap: MeshSwap
    own_swap: OwnSwap = OwnSwap()  # workspaces of before do not name it
    inswapper: Inswapper
    blur: Blur
    pixelate: Pixelate
    mask: Mask

    @property
    def max_gap(self) -> int:
        """Frames over which a lost mesh is interpolated."""
        return self.frames(self.max_gap_s)

    @property
    def steady(self) -> int:
        """Frames, odd, over which keypoints are smoothed."""
        return self.frames(self.mesh_swap.steady_s) | 1

    @property
    def reach(self) -> int:
        """Frames that a doubtful face is covered beyond its sightings."""
        return self.frames(self.reach_s, least=LEAST_REACH)

    @property
    def settle(self) -> int:
        """Frames for which a mesh must be trusted before the method changes."""
        return self.frames(self.settle_s, least=LEAST_SETTLE)

    @property
    def swaps_neurally(self) -> bool:
        return "inswapper" in (self.method, self.method_of_others)

    @property
    def swaps_by_own(self) -> bool:
        """Whether a network of the workspace's own draws anybody."""
        return "own_swap" in (self.method, self.method_of_others)

    @model_validator(mode="before")
    @classmethod
    def _take_former_frames(cls, given: Any) -> Any:
        return in_seconds(given, ("max_gap", "reach", "settle"))

    @model_validator(mode="after")
    def _chooses_by_what_it_swaps_with(self) -> Self:
        if self.swaps_neurally and self.targets.chooser != "arcface":
            raise ValueError("inswapper draws ArcFace's latents: set deidentify.targets.chooser to arcface")
        both = sorted({*self.targets.pool} & {*self.inswapper.pool})
        if both:
            raise ValueError(f"deidentify.inswapper.pool and targets.pool both name {both[0]}")
        return self
