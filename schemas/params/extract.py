"""How keypoints are found."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from schemas.params.sections import Count, Fraction01, PartSeconds, Seconds, Timed, in_seconds

Backend = Annotated[str, Field(pattern=r"^[a-z0-9]+$")]


LEAST_INTERVAL = 3  # of a slow clip, in frames


class Extract(Timed):
    """Thresholds are scores in 0..1; intervals are in seconds; tile_px and search_px are pixels.

    search_interval_s: between two searches with every detector, scale and tile; between them
    a glance and the landmarks carry on. sure_score: from which on a face is believed that is
    found only in a turned picture, or not again from close by.
    search_px: longer side, at most, of the copy that detectors and the scene cutter see.
    scene_cut: distance of colour histograms between two frames, in 0..1, from which on they belong
    to two scenes. face_backend, body_backend: the files `face_*.py` and `body_*.py` of
    tasks/extract/backends. batch: frames that a body backend sees at once, where it can.
    text_interval_s: seconds between two looks for burned-in text within a scene. part_s: about so
    long are the parts of a long clip that workers share.
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
    search_interval_s: Seconds
    search_px: Count
    tile_px: Count
    part_interval_s: Seconds
    scene_cut: Fraction01
    max_people: Count
    # workspaces of before do not name them
    text_interval_s: Seconds = 3.0
    part_s: PartSeconds = 60.0

    @property
    def search_interval(self) -> int:
        """Frames between two searches."""
        return self.frames(self.search_interval_s, least=LEAST_INTERVAL)

    @property
    def part_interval(self) -> int:
        """Frames between two looks for new bodies and hands."""
        return self.frames(self.part_interval_s, least=LEAST_INTERVAL)

    @model_validator(mode="before")
    @classmethod
    def _take_former_frames(cls, given: Any) -> Any:
        return in_seconds(given, ("search_interval", "part_interval"))
