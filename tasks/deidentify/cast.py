"""Which face each track of a clip is given (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

FaceKey = tuple[int, int]  # frame, track


@dataclass(frozen=True)
class Cast:
    """Which target each face track is given, by name and digest, and which tracks are the clip's subject."""

    targets: dict[int, str]
    digests: dict[int, str]
    subject: frozenset[int]

    @classmethod
    def from_rows(cls, rows: list[tuple[int, int, str, str]]) -> "Cast":
        """Take rows of track, face (0 is the subject), target and its digest."""
        subject = frozenset(track for track, face, _, _ in rows if face == 0)
        targets = {track: target for track, _, target, _ in rows}
        return cls(targets, {track: digest for track, _, _, digest in rows}, subject)

    def target(self, track: int, pool: Mapping[str, object]) -> str:
        """Return a track's target; a face that was too small or too short to be cast gets a spare one."""
        if self.targets.get(track) in pool:
            return self.targets[track]
        return next((name for name in pool if name not in self.targets.values()), next(iter(pool)))
