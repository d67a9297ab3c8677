"""Carry the parts of one kind through a clip: landmarks first, detection where they are lost."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tasks.errors import VideoError
from tasks.keypoints import Part
from tasks.regions import Region, RgbImage, overlap


@dataclass(frozen=True)
class Located:
    """A part, the region in which to look for it next, and its share of right-handedness."""

    part: Part
    next_region: Region
    right: float = 0.0


@dataclass(frozen=True)
class Tracked:
    track: int
    located: Located


@dataclass(frozen=True)
class PartModel:
    """How one kind of part is found anew and located inside a region.

    keep: what stands for a found part that cannot be located; None where such a part is dropped.
    """

    find: Callable[[RgbImage], list[Region]]
    locate: Callable[[RgbImage, Region], Located | None]
    keep: Callable[[Region], Located] | None = None


@dataclass
class Tracker:
    """Follow parts; look for newcomers each `interval` frames and after any loss.

    Raises VideoError where more than `limit` are seen at once: nobody is left out silently.
    """

    model: PartModel
    interval: int
    limit: int
    overlap: float
    _frame: int = -1
    _next_track: int = 0
    _live: tuple[Tracked, ...] = ()
    _lost: tuple[Tracked, ...] = ()

    def step(self, rgb: RgbImage) -> tuple[Tracked, ...]:
        """Return the parts of the next frame."""
        self._frame += 1
        followed = self._follow(rgb)
        is_lost = len(followed) < len(self._live)
        if is_lost or self._frame % self.interval == 0:
            followed = self._add_newcomers(rgb, followed)
        seen = {tracked.track for tracked in followed}
        left = [old for old in self._live if old.track not in seen]
        self._lost = tuple([old for old in self._lost if old.track not in seen] + left)[-self.limit :]
        self._live = tuple(followed)
        return self._live

    def _follow(self, rgb: RgbImage) -> list[Tracked]:
        followed: list[Tracked] = []
        for old in self._live:
            located = self.model.locate(rgb, old.located.next_region)
            if located is not None and not self._is_known(located, followed):
                followed.append(replace(old, located=located))
        return followed

    def _add_newcomers(self, rgb: RgbImage, followed: list[Tracked]) -> list[Tracked]:
        for region in self.model.find(rgb):
            located = self.model.locate(rgb, region)
            if located is None and self.model.keep:
                located = self.model.keep(region)
            if located is None or self._is_known(located, followed):
                continue
            if len(followed) == self.limit:
                raise VideoError(
                    f"frame {self._frame} shows more than {self.limit}: raise extract.max_people in "
                    "params.yaml, or hand in the inbox without this clip"
                )
            followed.append(Tracked(self._identify(located, followed), located))
        return followed

    def _is_known(self, located: Located, others: list[Tracked]) -> bool:
        box = located.part.box_xyxy
        return any(overlap(box, other.located.part.box_xyxy) > self.overlap for other in others)

    def _identify(self, located: Located, followed: list[Tracked]) -> int:
        taken = {tracked.track for tracked in followed}
        for old in (*self._live, *reversed(self._lost)):
            if old.track not in taken and self._is_known(located, [old]):
                return old.track
        self._next_track += 1
        return self._next_track - 1
