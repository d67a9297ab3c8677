"""How keypoints are found."""

from typing import Annotated

from pydantic import Field

from schemas.params.sections import Count, Fraction01, Positive, Section

Backend = Annotated[str, Field(pattern=r"^[a-z0-9]+$")]


class Extract(Section):
    """Thresholds are scores in 0..1; intervals are in frames; tile_px and search_px are pixels.

    search_interval: frames between two searches with every detector, scale and tile; between them
    a glance and the landmarks carry on. sure_score: from which on a face is believed that is
    found only in a turned picture, or not again from close by.
    search_px: longer side, at most, of the copy that detectors and the scene cutter see.
    scene_cut: distance of colour histograms between two frames, in 0..1, from which on they belong
    to two scenes. face_backend, body_backend: the files `face_*.py` and `body_*.py` of
    tasks/extract/backends. batch: frames that a body backend sees at once, where it can.
    text_interval_s: seconds between two looks for burned-in text within a scene.
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
    text_interval_s: Positive = 5.0  # workspaces of before do not name it
