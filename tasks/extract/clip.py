"""Every keypoint of one clip."""

from collections.abc import Iterable

from schemas.params import Extract
from tasks.extract.body import body_model
from tasks.extract.face import face_model
from tasks.extract.hands import hand_model
from tasks.extract.people import FrameParts, assign_people
from tasks.extract.tracking import Tracker
from tasks.inference import Weights
from tasks.keypoints import Sighting
from tasks.video import Frame


def extract_people(frames: Iterable[Frame], weights: Weights, settings: Extract) -> list[Sighting]:
    """Track faces, bodies and hands over the frames and say who is who."""
    models = {"face": face_model, "body": body_model, "hand": hand_model}
    trackers = {
        kind: Tracker(
            model(weights, settings),
            interval=settings.face_interval if kind == "face" else settings.part_interval,
            limit=settings.max_people * (2 if kind == "hand" else 1),
            overlap=settings.overlap,
        )
        for kind, model in models.items()
    }
    seen: list[FrameParts] = []
    times: list[tuple[int, int, float]] = []
    for frame in frames:
        times.append((frame.index, frame.pts, frame.timestamp_s))
        seen.append({kind: tracker.step(frame.rgb) for kind, tracker in trackers.items()})
    return [
        Sighting(*time, person, parts)
        for time, people in zip(times, assign_people(seen), strict=True)
        for person, parts in people.items()
    ]
