"""Instruments, hair, masks and glasses in front of a face, told from its skin and its look before (pure).

What could be the patient's own skin, in whatever light, is covered; so is what was there from the first,
unless it is a mask, the frame of glasses, or a tube or plaster with an edge of its own.
"""

from dataclasses import KW_ONLY, dataclass, field

import cv2
import numpy as np

from tasks.swap.attached import Attached
from tasks.swap.glasses import Glasses
from tasks.swap.layout import Layout, Mask
from tasks.swap.warping import Floats
from tasks.swap.worn import Worn
from tasks.vision.skin import is_foreign, is_human, shines
from tasks.vision.strange import LEAST_LIGHT

# distances in 8-bit Lab, lightness at half its weight; hair's lightness as a share of the skin's
CHANGED, SAME_COLOUR, OTHER_LIGHT, HAIR = 14.0, 14.0, 10.0, 0.55
# what lies in front comes in from outside and covers at least so much of the square, at most so much of
# the face
LEAST, MOST = 0.01, 0.2
# of a piece's lightness, then and now: 0.6 to 1 where light fell on a face, mostly below 0.35 where a
# bar is
SAME_SHADING = 0.4
MOST_HAIR = 0.35  # of the forehead
AROUND_PX = 61
# how fast the skin, the usual look, what is doubtful in it, and hair are followed, as a share of each frame
SKIN_RATE, LOOK_RATE, DOUBTFUL_RATE, HAIR_RATE = 0.04, 0.06, 0.004, 0.2
SMALL, MIDDLE, LARGE = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) for side in (3, 5, 7))
SOFT_PX = 1.5


@dataclass
class Occluders:
    """Follow one face, spread flat: its skin, its look at first and lately, and its hair.

    shade: the weights of that part of the hair which may be skin in a shadow. lasting: those of what was
    there from the first, as glasses. painted_over: whether some of that should have stayed and could not.
    """

    layout: Layout
    _: KW_ONLY
    keep_glasses: bool = True
    keep_attached: bool = True
    skin: Floats | None = None
    first: Floats | None = None
    look: Floats | None = None
    hair: Floats | None = None
    shade: Floats | None = None
    lasting: Floats | None = None
    painted_over: bool = False
    worn: Worn = field(init=False)
    glasses: Glasses = field(init=False)
    attached: Attached = field(init=False)

    def __post_init__(self) -> None:
        self.worn, self.glasses = Worn(self.layout), Glasses(self.layout)
        self.attached = Attached(self.layout)

    def step(self, lab: Floats) -> Floats:
        """Return side x side weights, 1 where something lies in front, given the next frame's face.

        lab: side x side x 3, 8-bit Lab, 0 beyond the picture.
        """
        things = self._things(lab)
        rims = self.glasses.step(lab) if self.keep_glasses else np.zeros_like(things)
        kept = np.maximum(things, rims)
        attached = self.attached.step(lab, self.skin, kept)
        is_lost = self.attached.is_lost
        if not self.keep_attached:
            # it may be a tube, too, which nobody should miss in silence
            is_lost, attached = is_lost or bool(attached.any()), np.zeros_like(attached)
        self.painted_over = is_lost or (self.keep_glasses and self.glasses.is_lost)
        self.lasting = np.maximum(rims, attached)
        return np.maximum(kept, attached)

    def _things(self, lab: Floats) -> Floats:
        """Return what lies in front beside glasses.

        Nothing does where no skin has been seen yet; where the cheeks change at once, all is learnt anew.
        """
        self.shade = None
        known = (lab[..., 0] >= LEAST_LIGHT) & (self.layout.index >= 0)
        mask = self._mask(lab, known)
        if mask is not None:
            return mask
        cheeks = lab[self.layout.cheeks & known]
        is_seen = len(cheeks) >= self.layout.cheeks.sum() / 2
        now = np.median(cheeks, axis=0).astype(np.float32) if is_seen else None
        if self.skin is not None and now is not None and _step(now, self.skin) > OTHER_LIGHT:
            # another light, another person, or a cloth over both cheeks: what is skin cannot be told
            self.skin = self.first = self.look = self.hair = None
            return np.zeros(known.shape, np.float32)
        if self.skin is None and now is not None and is_human(now):
            self.skin = now
        if self.skin is None:
            return np.zeros(known.shape, np.float32)
        foreign = self._foreign(lab, known, self.skin)
        hair = self._hair(lab, self.skin)
        if now is None:
            return np.zeros(known.shape, np.float32)
        self.skin = self.skin + (now - self.skin) * np.float32(SKIN_RATE)
        found = instrument(foreign, lab, self.layout)
        return np.maximum(found & ~self._seen_through(found, lab[..., 0]), hair)

    def _mask(self, lab: Floats, known: Mask) -> Floats | None:
        """Return the weights of a mask over nose and mouth, and of hair; None where none is worn.

        The cheeks are below it: skin is what lies around the eyes.
        """
        above = lab[self.layout.upper & known]
        skin = np.median(above, axis=0).astype(np.float32) if len(above) else np.zeros(3, np.float32)
        if len(above) < self.layout.upper.sum() / 2 or not is_human(skin):
            return None
        foreign = is_foreign(lab, skin) | shines(lab, skin)
        piece = self.worn.step(lab, known & foreign)
        if not piece.any():
            return None
        # what is below it is met when it comes off
        seen = np.where(piece[..., None], np.float32(0), lab)
        if self.first is None or self.look is None:
            self.first, self.look = seen, seen.copy()
        return np.maximum(piece.astype(np.float32), self._hair(lab, skin))

    def _seen_through(self, found: Mask, light: Floats) -> Mask:
        """Return the pieces whose shading is the face's own: another light fell on it."""
        looks = [look[..., 0] for look in (self.first, self.look) if look is not None]
        count, labels = cv2.connectedComponents(found.astype(np.uint8))
        own = [
            number
            for number in range(1, count)
            for piece in [labels == number]
            if any(_correlation(light[piece], look[piece]) > SAME_SHADING for look in looks)
        ]
        return np.asarray(np.isin(labels, own), np.bool_)

    def _foreign(self, lab: Floats, known: Mask, skin: Floats) -> Mask:
        """Return what is neither skin nor as it was, and follow the usual look."""
        if self.first is None or self.look is None:
            self.first, self.look = lab.copy(), lab.copy()
        # what was beyond the picture is met for the first time
        met = self.first[..., :1] < LEAST_LIGHT
        self.first, self.look = np.where(met, lab, self.first), np.where(met, lab, self.look)
        # a beard, or what was over the face from the first; over brows, eyes and lips `instrument` decides
        own = is_foreign(self.first, skin) & ~self.layout.features
        changed = (_apart(lab, self.look) > CHANGED) & (_apart(lab, self.first) > CHANGED)
        foreign = known & is_foreign(lab, skin) & changed & ~own
        # a beard or a brow must not be unlearnt under a hand
        doubtful = cv2.dilate((foreign | is_foreign(self.look, skin)).astype(np.uint8), MIDDLE) > 0
        rate = np.where(doubtful, DOUBTFUL_RATE, LOOK_RATE) * known
        self.look = self.look + (lab - self.look) * rate[..., None].astype(np.float32)
        return foreign

    def _hair(self, lab: Floats, skin: Floats) -> Floats:
        now = hair_of(lab, skin, self.layout)
        if self.first is not None:
            # a shadow that falls on the forehead later is no hair
            was_dark = (self.first[..., 0] < skin[0] * HAIR).astype(np.uint8)
            now = now * (cv2.dilate(was_dark, LARGE) > 0)
        self.hair = now if self.hair is None else self.hair + (now - self.hair) * np.float32(HAIR_RATE)
        # hair that has gone leaves no hole
        shown = np.minimum(self.hair, now)
        # brown hair has the colour of skin in a shadow
        doubtful = cv2.dilate((~is_foreign(lab, skin)).astype(np.uint8), LARGE)
        self.shade = shown * doubtful.astype(np.float32)
        return shown


def _step(now: Floats, skin: Floats) -> float:
    return float((np.abs(now - skin) * np.array([0.5, 1, 1])).max())


def instrument(foreign: Mask, lab: Floats, layout: Layout) -> Mask:
    """Return what came in from outside: over brows, eyes and lips only in one colour."""
    found = _from_outside(foreign & ~layout.features, layout)
    if found.any():
        near = cv2.blur(found.astype(np.float32), (AROUND_PX, AROUND_PX))
        colours = cv2.blur(lab * found[..., None].astype(np.float32), (AROUND_PX, AROUND_PX))
        colour = (colours / np.maximum(near, 1e-6)[..., None]).astype(np.float32)
        goes_on = (near > 0) & (_apart(lab, colour) < SAME_COLOUR)
        found = _from_outside(foreign & (goes_on | ~layout.features), layout)
    if found[layout.inside].mean() > MOST:
        # so much can only be another light: nothing is uncovered
        found[:] = False
    return found


def hair_of(lab: Floats, skin: Floats, layout: Layout) -> Floats:
    """Return the weights of the dark part of the forehead that hangs down from its upper edge."""
    light = cv2.blur(lab[..., 0], (3, 3))
    dark = layout.forehead & (light < skin[0] * HAIR) & (light >= LEAST_LIGHT)
    if dark.sum() > MOST_HAIR * layout.forehead.sum():
        return np.zeros(dark.shape, np.float32)
    whole = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, LARGE)
    hair = _touching(_large(whole > 0, layout.forehead), layout.rim)
    return np.asarray(cv2.GaussianBlur(hair.astype(np.float32), (0, 0), SOFT_PX), np.float32)


def _from_outside(foreign: Mask, layout: Layout) -> Mask:
    whole = cv2.morphologyEx(foreign.astype(np.uint8), cv2.MORPH_OPEN, SMALL)
    whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, MIDDLE)
    return _touching(_large(whole > 0, layout.inside) & (foreign | ~layout.features), layout.rim)


def _large(shape: Mask, where: Mask) -> Mask:
    count, labels = cv2.connectedComponents(shape.astype(np.uint8))
    size = np.bincount(labels[where], minlength=count)
    return np.asarray(shape & np.isin(labels, np.flatnonzero(size >= LEAST * labels.size)), np.bool_)


def _touching(shape: Mask, edge: Mask) -> Mask:
    _, labels = cv2.connectedComponents(shape.astype(np.uint8))
    at_edge = np.unique(labels[edge & shape])
    return np.asarray(np.isin(labels, at_edge[at_edge > 0]), np.bool_)


def _correlation(first: Floats, second: Floats) -> float:
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size else 0.0


def _apart(first: Floats, second: Floats) -> Floats:
    """Return the largest difference of the three channels, evened out."""
    light, red, yellow = cv2.split(cv2.absdiff(first, second))
    return np.asarray(cv2.blur(cv2.max(cv2.max(red, yellow), light / 2), (3, 3)), np.float32)
