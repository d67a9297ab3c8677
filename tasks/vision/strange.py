"""What lies before a face and has a tint that no skin has, as a tube or a plaster (pure)."""

import cv2
import numpy as np

from tasks.vision.skin import BLACK, Floats, Mask, is_foreign

LEAST_LIGHT = 8.0  # less says nothing
# how cold its tint is, or how light and colourless against the skin
ICY, LIGHTER, COLOURLESS = -6.0, 1.1, 8.0
# distances in a* and b*, 8-bit: of the middle four fifths of it (or, of a deep colour, a share of the other
# distance), and from it to what is around it along all but a seventh of its rim. Of 350 coloured lights on a
# part or a stripe of a face none has both; 86 of 112 painted things have
EVEN, EVEN_SHARE, APART = 20.0, 0.5, 24.0
# white is nearer to skin in tint: it is so evenly white, and so much lighter
EVEN_WHITE, APART_WHITE, LIGHT_WHITE = 6.0, 15.0, 20.0
MIDDLE, ALONG = (10, 90), 15  # percentiles
SAME_COLOUR = 16.0
GROWTH_PX = 9
OPEN = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))


def is_strange(lab: Floats, skin: Floats) -> Mask:
    """Return where a tint is one that neither skin nor hair has, or light and without colour.

    lab: height x width x 3, 8-bit.
    """
    light, red, yellow = _tints(lab, float(skin[0]))
    is_cold = np.minimum(red, yellow) <= ICY
    is_white = (light > LIGHTER * skin[0]) & (np.hypot(red, yellow) < COLOURLESS)
    return np.asarray(is_foreign(lab, skin) & (light >= LEAST_LIGHT) & (is_cold | is_white), np.bool_)


def strange_pieces(lab: Floats, skin: Floats, where: Mask, least_px: float) -> list[Mask]:
    """Return what is strange and hangs together; where: the face without brows, eyes and lips."""
    strange = (is_strange(lab, skin) & where).astype(np.uint8)
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(
        cv2.morphologyEx(strange, cv2.MORPH_OPEN, OPEN)
    )
    return [labels == at for at in range(1, count) if sizes[at, cv2.CC_STAT_AREA] >= least_px]


def has_an_edge(piece: Mask, lab: Floats, where: Mask, easier: float = 1.0) -> bool:
    """Return whether a piece has one colour, and nearly all around it lies another, as no light makes it.

    where: what of the picture is known; easier: by which factor less of both is asked.
    """
    light, red, yellow = cv2.split(lab)
    low, high = np.percentile(lab[piece][:, 1:], MIDDLE, axis=0)
    spread = float((high - low).sum()) / easier
    around = _grown(piece, GROWTH_PX) & ~_grown(piece, GROWTH_PX // 2 + 1) & where & (light >= LEAST_LIGHT)
    if not around.any():
        return False
    colour = np.median(lab[piece], axis=0)
    apart = float(np.percentile(np.hypot(red - colour[1], yellow - colour[2])[around], ALONG)) * easier
    lighter = float(np.percentile(colour[0] - light[around], ALONG)) * easier
    is_white = spread <= EVEN_WHITE and apart >= APART_WHITE and lighter >= LIGHT_WHITE
    return is_white or (spread <= max(EVEN, EVEN_SHARE * apart) and apart >= APART)


def whole_of(piece: Mask, lab: Floats, skin: Floats, where: Mask) -> Mask:
    """Return a thing with its shaded sides, as far as it goes."""
    colour = np.median(lab[piece], axis=0)
    light, red, yellow = _tints(lab, float(colour[0]))
    alike = np.hypot(red - (colour[1] - 128), yellow - (colour[2] - 128)) < SAME_COLOUR
    near = (alike & is_foreign(lab, skin) & (light >= LEAST_LIGHT)) | piece
    _, labels = cv2.connectedComponents((near & where).astype(np.uint8))
    at_piece = np.unique(labels[piece])
    grown = np.isin(labels, at_piece[at_piece > 0]).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(grown, cv2.MORPH_CLOSE, OPEN) > 0, np.bool_)


def _grown(piece: Mask, side_px: int) -> Mask:
    return np.asarray(cv2.dilate(piece.astype(np.uint8), np.ones((side_px, side_px))) > 0, np.bool_)


def _tints(lab: Floats, lightness: float) -> tuple[Floats, Floats, Floats]:
    """Return lightness, and a* and b* as they would be at another lightness."""
    light, red, yellow = (np.asarray(channel, np.float32) for channel in cv2.split(lab))
    gain = (lightness + BLACK) / (light + BLACK)
    return light, (red - 128) * gain, (yellow - 128) * gain
