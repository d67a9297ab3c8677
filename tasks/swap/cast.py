"""Which face each track of a clip is given (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

FaceKey = tuple[int, int]  # frame, track


@dataclass(frozen=True)
class Cast:
    """Which target each face track is given, by name and digest, and which tracks are the clip's subject.

    faces: whose face each track shows. shares: of the way to the target's shape.
    """

    targets: dict[int, str]
    digests: dict[int, str]
    faces: dict[int, int]
    shares: dict[int, float]

    @classmethod
    def from_rows(cls, rows: list[tuple[int, int, str, str, float]]) -> "Cast":
        """Take rows of track, face (0 is the subject), target, its digest and share."""
        return cls(
            targets={track: target for track, _, target, _, _ in rows},
            digests={track: digest for track, _, _, digest, _ in rows},
            faces={track: face for track, face, _, _, _ in rows},
            shares={track: share for track, _, _, _, share in rows},
        )

    @property
    def subject(self) -> frozenset[int]:
        return frozenset(track for track, face in self.faces.items() if face == 0)

    def target(self, track: int, pool: Mapping[str, object]) -> str:
        """Return a track's target; a face that was too small or too short to be cast gets a spare one."""
        if self.targets.get(track) in pool:
            return self.targets[track]
        return next((name for name in pool if name not in self.targets.values()), next(iter(pool)))
