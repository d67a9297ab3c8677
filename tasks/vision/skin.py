"""Which colours can be skin, and which keypoints of a face a mask over mouth and nose hides (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import BROWS, EYES, FACE_POINTS, LIPS, NOSE_BASE, NOSE_BRIDGE, NOSE_END
from tasks.vision.regions import MESH_SIDE_PX, Points, RgbImage, crop_region, mesh_region, to_crop

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
OTHER_COLOUR = 14.0  # distance in a* and b*, 8-bit
MOST_LIGHT = 250.0  # more has lost its colour
LIGHT_SKIN = 200.0  # which may shine itself
# every skin, pale or dark, is a little red and a little yellow (a*, b*)
LEAST_TINT, MOST_TINT = (3.0, 5.0), (40.0, 60.0)
BLACK = 41.0  # chroma grows with L* + 16, here in 8 bits
# of a mask so much of lips and chin is no skin (of bare faces, bearded ones too, half is at most); below a
# bare nose it has a colour that neither hair nor skin has; its a* and b* (the middle four fifths) are alike
MOST_OF, COLD, EVEN, MIDDLE = 0.8, -3.0, 10.0, (10, 90)
SMOOTH_PX = 5
FEATURES = sorted({*np.ravel(BROWS[0]), *np.ravel(BROWS[1]), *np.ravel(EYES[0]), *np.ravel(EYES[1]), *LIPS})


def is_human(colour: Floats) -> bool:
    """Return whether a Lab colour can be a skin's in white light."""
    return all(
        low <= tint <= high for low, tint, high in zip(LEAST_TINT, colour[1:] - 128, MOST_TINT, strict=True)
    )


def is_foreign(lab: Floats, skin: Floats) -> Mask:
    """Return where a colour is neither this skin's nor any skin's, whatever light falls on it."""
    light, red, yellow = cv2.split(lab)
    gain = (skin[0] + BLACK) / (light + BLACK)
    red, yellow = (red - 128) * gain, (yellow - 128) * gain
    is_skin = cv2.magnitude(red - (skin[1] - 128), yellow - (skin[2] - 128)) <= OTHER_COLOUR
    is_any = (red >= LEAST_TINT[0]) & (red <= MOST_TINT[0])
    is_any &= (yellow >= LEAST_TINT[1]) & (yellow <= MOST_TINT[1])
    return np.asarray(~(is_skin | is_any) & (light <= MOST_LIGHT), np.bool_)


def shines(lab: Floats, skin: Floats) -> Mask:
    """Return where something is too light for this skin, as white cloth is."""
    return np.asarray((lab[..., 0] > MOST_LIGHT) & (skin[0] < LIGHT_SKIN), np.bool_)


def hidden_by_mask(rgb: RgbImage, mesh_xy: Points) -> Mask:
    """Return which of 468 keypoints lie behind a mask over mouth and nose; none where none is worn."""
    nothing = np.zeros(FACE_POINTS, np.bool_)
    square = mesh_region(mesh_xy)
    aim = to_crop(mesh_xy, square, MESH_SIDE_PX)
    lab = _colours(crop_region(rgb, square, MESH_SIDE_PX), aim)
    bare = aim[:, 1] < aim[NOSE_BRIDGE, 1]
    bare[FEATURES] = False
    skin = np.asarray(np.median(lab[bare], axis=0), np.float32)
    if not is_human(skin):
        return nothing
    foreign = (is_foreign(lab[None], skin) | shines(lab[None], skin))[0]
    below = aim[:, 1] > aim[NOSE_BASE, 1]
    if min(foreign[below].mean(), foreign[LIPS].mean()) < MOST_OF:
        return nothing
    tint = np.median(lab[below, 1:], axis=0) - 128
    if foreign[NOSE_END].mean() < MOST_OF and tint.min() > COLD:
        return nothing
    low, high = np.percentile(lab[below, 1:], MIDDLE, axis=0)
    return foreign & (aim[:, 1] > aim[NOSE_BRIDGE, 1]) if float((high - low).sum()) <= EVEN else nothing


def _colours(crop: RgbImage, xy: Points) -> Floats:
    """Return the Lab colours, N x 3, at N x 2 points of a picture."""
    lab = cv2.cvtColor(cv2.blur(crop, (SMOOTH_PX, SMOOTH_PX)), cv2.COLOR_RGB2LAB)
    x, y = np.clip(np.round(xy), 0, MESH_SIDE_PX - 1).astype(int).T
    return np.asarray(lab[y, x], np.float32)
