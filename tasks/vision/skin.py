"""Which colours can be skin (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
OTHER_COLOUR = 14.0  # distance in a* and b*, 8-bit
MOST_LIGHT = 250.0  # more has lost its colour
LIGHT_SKIN = 200.0  # which may shine itself
# every skin, pale or dark, is a little red and a little yellow (a*, b*)
LEAST_TINT, MOST_TINT = (3.0, 5.0), (40.0, 60.0)
BLACK = 41.0  # chroma grows with L* + 16, here in 8 bits


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
