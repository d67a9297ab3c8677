"""Carry the parts of one kind through a clip: landmarks first, detection where they are lost (pure)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from tasks.vision.appearance import Afar, from_afar, unlikeness
from tasks.vision.detectors import Detection, View
from tasks.vision.keypoints import Part
from tasks.vision.novelty import Novelty
from tasks.vision.regions import Box, Region, RgbImage, overlap, share_inside, share_within

INSIDE = 0.8  # of a box: a mouth is no face of its own
CUT = 0.4  # of a box, at the edge of what is looked at
# overlap of a part with a detection that may be its own, and that it must win by being put there
SLIPPED, BETTER = (0.15, 0.5), 0.15
# of the overlap: who is nearer by less is as near
NEARLY, NEWCOMER = 0.1, -1
NOTHING = View(*[np.zeros((1, 1, 3), np.uint8)] * 2)
Look = Literal["glance", "search", "turned"]


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
    """How one kind of part is found anew, met for the first time, and followed inside a region.

    same_box: the detector's box and the part's are alike, so that a known one need not be met again,
    nor what is seen inside the outline of one. anew: nobody is followed, everybody is found in every frame.
    see: finds what several pictures show at once, where that is quicker. look_at: looks into a box of the
    picture as closely as a search, at every turn. fit: places a part where it was detected, if it is not in
    the box where it was taken to be.
    """

    find: Callable[[View, Look], list[Detection]]
    meet: Callable[[RgbImage, Detection], Located | None]
    follow: Callable[[RgbImage, Region], Located | None]
    same_box: bool = False
    anew: bool = False
    see: Callable[[list[View]], list[list[Detection]]] | None = None
    look_at: Callable[[View, Box], list[Detection]] | None = None
    fit: Callable[[RgbImage, Detection, Box], Located | None] | None = None


@dataclass
class Tracker:
    """Follow parts; search for newcomers each `interval` frames and after any loss.

    Where the model can look at a box, whatever is new in a frame is looked at, search or not.
    glances: take a quick look in the frames between. Where more than `limit` are seen, `crowded` says so
    until a search finds fewer: nobody is left out silently.
    """

    model: PartModel
    interval: int
    limit: int
    overlap: float
    glances: bool = False
    crowded: bool = False
    _frame: int = -1
    _turned: int = -1_000_000
    _next_track: int = 0
    _live: tuple[Tracked, ...] = ()
    _lost: tuple[Tracked, ...] = ()
    _looks: dict[int, Afar] = field(default_factory=dict)
    _before: View = NOTHING
    _novelty: Novelty = field(default_factory=Novelty)

    @property
    def live(self) -> tuple[Tracked, ...]:
        """The parts of the last frame."""
        return self._live

    def step(
        self,
        view: View,
        *,
        cut: bool = False,
        hidden: bool = False,
        seen: list[Detection] | None = None,
        there: list[Box] | None = None,
    ) -> tuple[Tracked, ...]:
        """Return the parts of the next frame.

        cut: a new scene begins, in which nobody is known yet. hidden: somebody is seen whose part
        is not, so that turned pictures are worth a look. seen: what `see` found in it. there: boxes
        of the original's faces, of whose copy this is a frame; None: it is no copy.
        """
        self._frame += 1
        if cut:
            self._live = self._lost = ()
        followed = [] if self.model.anew else self._follow(view.rgb)
        located = [old for old in self._live if not np.isnan(old.located.part.xy).any()]
        is_lost = not self.model.anew and len(followed) < len(located)
        look = self._look(cut or is_lost, hidden or not (self._live if self.model.anew else followed))
        if look:
            followed = self._add_newcomers(view, followed, look, seen)
        if self.model.anew and look == "glance" and seen is None and len(followed) < len(located):
            followed = self._add_newcomers(view, followed, "search", seen)
        if self.model.look_at:
            news = self._news(view, followed, look)
            if there is not None:
                missed = [box for box in there if not self._overlaps(box, followed)]
                news = [box for box in news if any(_holds_middle(box, face) for face in missed)]
            followed = self._look_at(view, followed, news, self.model.look_at)
        self._remember(view, followed)
        return self._live

    def _remember(self, view: View, followed: list[Tracked]) -> None:
        known = {tracked.track for tracked in followed}
        left = [old for old in self._live if old.track not in known]
        self._lost = tuple([old for old in self._lost if old.track not in known] + left)[-self.limit :]
        self._looks = {old.track: self._looked(old) for old in self._lost}
        self._live, self._before = tuple(followed), view

    def _look(self, is_unsure: bool, hidden: bool) -> Look | None:
        due = self._frame - self._turned >= self.interval
        if hidden and (is_unsure or due):
            self._turned = self._frame
            return "turned"
        if is_unsure or self._frame % self.interval == 0:
            return "search"
        return "glance" if self.glances or self.model.anew else None

    def _follow(self, rgb: RgbImage) -> list[Tracked]:
        followed: list[Tracked] = []
        for old in self._live:
            located = self.model.follow(rgb, old.located.next_region)
            if located is not None and not self._is_known(located, followed):
                followed.append(replace(old, located=located))
        return followed

    def _add_newcomers(
        self, view: View, followed: list[Tracked], look: Look, seen: list[Detection] | None
    ) -> list[Tracked]:
        self.crowded &= look == "glance" and not self.model.anew
        return self._meet(view, followed, self.model.find(view, look) if seen is None else seen)

    def _news(self, view: View, followed: list[Tracked], look: Look | None) -> list[Box]:
        """Return where the picture shows something new, in its pixels."""
        if look == "turned":
            self._novelty.looked(view.small)
            return []
        scale = max(view.small.shape[:2]) / max(view.size_wh)
        known = [one.located.part.box_xyxy * scale for one in followed]
        return [box / scale for box in self._novelty.next_boxes(view.small, known)]

    def _look_at(
        self,
        view: View,
        followed: list[Tracked],
        news: list[Box],
        look_at: Callable[[View, Box], list[Detection]],
    ) -> list[Tracked]:
        known = [one.located.part.box_xyxy for one in followed]
        seen = [face for box in news for face in look_at(view, box)]
        # what is looked at may cut a followed face in two
        whole = [face for face in seen if all(share_within(face.box_xyxy, box) <= CUT for box in known)]
        return self._meet(view, followed, whole)

    def _meet(self, view: View, followed: list[Tracked], seen: list[Detection]) -> list[Tracked]:
        for found in seen:
            followed = self._refit(view, followed, found)
            if self.model.same_box and self._is_part(found.box_xyxy, followed):
                continue
            located = self.model.meet(view.rgb, found)
            if located is None or self._is_part(located.part.box_xyxy, followed):
                continue
            if len(followed) == self.limit:
                self.crowded = True
                break
            followed.append(Tracked(NEWCOMER, located))
        return self._named(view, followed)

    def _refit(self, view: View, followed: list[Tracked], found: Detection) -> list[Tracked]:
        """Put the part that lies nearest to a detection, but badly, where it was detected: it slipped."""
        near = max(followed, key=lambda old: overlap(old.located.part.box_xyxy, found.box_xyxy), default=None)
        if self.model.fit is None or near is None or np.isnan(near.located.part.xy).any():
            return followed
        shared = overlap(near.located.part.box_xyxy, found.box_xyxy)
        if (
            not SLIPPED[0] <= shared < SLIPPED[1]
            or share_inside(found.box_xyxy, near.located.part.xy) > INSIDE
        ):
            return followed
        better = self.model.fit(view.rgb, found, near.located.part.box_xyxy)
        if better is None or overlap(better.part.box_xyxy, found.box_xyxy) < shared + BETTER:
            return followed
        if self._is_known(better, [old for old in followed if old is not near]):
            return followed
        return [replace(old, located=better) if old is near else old for old in followed]

    def _is_known(self, located: Located, others: list[Tracked]) -> bool:
        return self._overlaps(located.part.box_xyxy, others)

    def _overlaps(self, box_xyxy: Box, others: list[Tracked]) -> bool:
        return any(overlap(box_xyxy, other.located.part.box_xyxy) > self.overlap for other in others)

    def _is_part(self, box_xyxy: Box, others: list[Tracked]) -> bool:
        # of newcomers only: whoever was met outside stays somebody in front of another face
        is_inside = self.model.same_box and any(
            share_inside(box_xyxy, other.located.part.xy) > INSIDE for other in others
        )
        return is_inside or self._overlaps(box_xyxy, others)

    def _named(self, view: View, followed: list[Tracked]) -> list[Tracked]:
        """Say who was there before: the nearest is meant, of the equally near the most alike."""
        taken = {tracked.track for tracked in followed}
        free = [old for old in (*self._live, *reversed(self._lost)) if old.track not in taken]
        offers = sorted(
            (-int(shared / NEARLY), self._unlikeness(view, new, old), -shared, place, old.track)
            for place, new in enumerate(followed)
            if new.track == NEWCOMER
            for old in free
            if (shared := self._overlap(new.located, old)) > self.overlap
        )
        names: dict[int, int] = {}
        for *_, place, track in offers:
            if place not in names and track not in names.values():
                names[place] = track
        for place, new in enumerate(followed):
            if new.track == NEWCOMER and place not in names:
                names[place] = self._next_track
                self._next_track += 1
        return [replace(one, track=names.get(place, one.track)) for place, one in enumerate(followed)]

    def _unlikeness(self, view: View, new: Tracked, old: Tracked) -> float:
        return unlikeness(self._afar(view, new), self._looked(old))

    def _looked(self, old: Tracked) -> Afar:
        """Return what a part looked like where it was seen last: in the frame before, if it is not lost."""
        lost = self._looks.get(old.track)
        return self._afar(self._before, old) if lost is None else lost

    @staticmethod
    def _afar(view: View, one: Tracked) -> Afar:
        scale = max(view.small.shape[:2]) / max(view.size_wh)
        return from_afar(view.small, one.located.part.box_xyxy * np.float32(scale))

    @staticmethod
    def _overlap(located: Located, other: Tracked) -> float:
        return overlap(located.part.box_xyxy, other.located.part.box_xyxy)


def _holds_middle(box_xyxy: Box, of_xyxy: Box) -> bool:
    middle = (of_xyxy[:2] + of_xyxy[2:]) / 2
    return bool((box_xyxy[:2] <= middle).all() and (middle <= box_xyxy[2:]).all())
