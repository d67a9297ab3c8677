"""Find lines of text in a picture and read them: PaddleOCR's mobile models."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.text.lines import Line, fill, with_neighbours
from tasks.text.meaning import is_readable, kind_of
from tasks.vision.regions import Box, RgbImage, share_within
from tasks.vision.sessions import Weights

MODELS = ("text_detector", "text_reader")
# the longer side of what the detector sees: at least, though none grows by more than LARGER, and at most,
# where every small letter counts
SOME_PX, MOST_PX, STEP_PX, LARGER = 960, 1920, 32, 1.5
# PaddleOCR's own: from so much on a pixel is text, and a line is; how much larger a line is than its core
PIXEL, LINE, WIDER = 0.3, 0.5, 1.6
LEAST_AREA_PX, SLACK_PX = 9, 3
# of strips of a large picture, what neighbours share, and how much of a line that is found in both
STRIP_AREA_PX, SHARED_PX, TWICE = 1_000_000, 64, 0.8
READ_HEIGHT_PX, LEAST_WIDTH_PX = 48, 16
# what a bright line outshines is read once it is gone
ROUNDS = 3

Map = NDArray[np.float32]
Turned = tuple[tuple[float, float], tuple[float, float], float]  # centre, size and degrees, as OpenCV has it


def look_within(weights: Weights, rgb: RgbImage, thorough: bool, box_xyxy: Box | None) -> list[Line]:
    """Return every line that can be read in a box of a picture, or in all of it; see `read_lines`."""
    if box_xyxy is None:
        return read_lines(rgb, weights, thorough=thorough)
    height, width = rgb.shape[:2]
    x0, y0 = np.floor(np.maximum(box_xyxy[:2], 0)).astype(int)
    x1, y1 = np.ceil(np.clip(box_xyxy[2:], 0, [width, height])).astype(int)
    part = rgb[y0:y1, x0:x1]
    lines = read_lines(part, weights, thorough=thorough) if part.size else []
    return [replace(line, box_xyxy=line.box_xyxy + np.array([x0, y0, x0, y0], np.float32)) for line in lines]


def read_lines(rgb: RgbImage, weights: Weights, *, thorough: bool = True) -> list[Line]:
    """Return every line that can be read, and what can be read once these are gone.

    thorough: look for the smallest letters of large pictures, too, which takes some times as long.
    """
    left, found = rgb, list[Line]()
    for most_px in _scales(rgb, thorough=thorough):
        for _ in range(ROUNDS):
            lines = list(_readable(left, weights, most_px))
            if not lines:
                break
            found += lines
            left = left.copy()
            for line in lines:
                fill(left, line.box_xyxy)
    return with_neighbours(found)


def _scales(rgb: RgbImage, *, thorough: bool) -> tuple[int, ...]:
    """Return how large a picture is looked at: as a whole, too, where strips may cut a line that leans."""
    if not thorough or max(rgb.shape[:2]) <= SOME_PX:
        return (SOME_PX,)
    return (MOST_PX,) if rgb.shape[0] * rgb.shape[1] <= STRIP_AREA_PX else (SOME_PX, MOST_PX)


def _readable(rgb: RgbImage, weights: Weights, most_px: int) -> Iterator[Line]:
    for turned, box in _detect(rgb, weights, most_px):
        for upside_down in (False, True):
            words, confidence = _read(_flat(rgb, turned, upside_down=upside_down), weights)
            if is_readable(words, confidence):
                yield Line(box, kind_of(words))
                break


def _detect(rgb: RgbImage, weights: Weights, most_px: int) -> Iterator[tuple[Turned, Box]]:
    """Yield where lines may be, each as a turned rectangle and as a box."""
    height, width = rgb.shape[:2]
    longest = max(height, width)
    scale = min(float(np.clip(longest, SOME_PX, most_px)) / longest, LARGER)
    sized = _resized(rgb, (max(1, round(width * scale)), max(1, round(height * scale))))
    found: list[Box] = []
    for top, strip in _strips(sized):
        (answer,) = weights.free_onnx("text_detector")(_tensor(_padded(strip)))
        for center, size, degrees in _cores(answer[0, 0]):
            wider = WIDER * size[0] * size[1] / (2 * sum(size))
            x_px, y_px = (np.array(center) + np.array([0, top])) / scale
            along, across = ((side + 2 * wider + SLACK_PX) / scale for side in size)
            turned = (float(x_px), float(y_px)), (along, across), degrees
            corners = np.clip(cv2.boxPoints(turned), 0, [width, height])
            box = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
            if not any(share_within(box, other) > TWICE for other in found):
                found.append(box)
                yield turned, box


def _padded(rgb: RgbImage) -> RgbImage:
    """Return a picture whose sides are divisible, its edges gone on with."""
    down, right = (-side % STEP_PX for side in rgb.shape[:2])
    return np.asarray(cv2.copyMakeBorder(rgb, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _strips(rgb: RgbImage) -> Iterator[tuple[int, RgbImage]]:
    """Yield overlapping strips of a picture and where they begin: memory must not grow with it.

    A line that lies flat is whole in one of them.
    """
    height, width = rgb.shape[:2]
    most = max(2 * SHARED_PX, STRIP_AREA_PX // width)
    count = max(1, -(-(height - SHARED_PX) // (most - SHARED_PX)))
    step = (height - SHARED_PX) / count
    for number in range(count):
        top = round(number * step)
        yield top, rgb[top : min(height, round((number + 1) * step) + SHARED_PX)]


def _cores(text: Map) -> Iterator[Turned]:
    """Yield the turned rectangle around each place of a map where text is likely."""
    contours, _ = cv2.findContours((text > PIXEL).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        if cv2.contourArea(contour) < LEAST_AREA_PX:
            continue
        x, y, across, down = cv2.boundingRect(contour)
        inside = np.zeros((down, across), np.uint8)
        cv2.drawContours(inside, [contour - np.array([x, y])], -1, 1, -1)
        if cv2.mean(text[y : y + down, x : x + across], inside)[0] >= LINE:
            center, size, degrees = cv2.minAreaRect(contour)
            yield (center[0], center[1]), (size[0], size[1]), degrees


def _flat(rgb: RgbImage, turned: Turned, *, upside_down: bool) -> RgbImage:
    """Cut a turned rectangle out so that its longer side lies flat, its left end first or its right one."""
    center, size, degrees = turned
    along = np.radians(degrees if size[0] >= size[1] else degrees + 90)
    ahead_xy = np.array([np.cos(along), np.sin(along)])
    ahead_xy *= np.copysign(1.0, ahead_xy[0]) * (-1 if upside_down else 1)
    length, thickness = max(size), max(1.0, min(size))
    width = max(LEAST_WIDTH_PX, round(READ_HEIGHT_PX * length / thickness))
    right_xy = ahead_xy * length / width
    down_xy = np.array([-ahead_xy[1], ahead_xy[0]]) * thickness / READ_HEIGHT_PX
    corner_xy = np.array(center) - right_xy * width / 2 - down_xy * READ_HEIGHT_PX / 2
    matrix = np.stack([right_xy, down_xy, corner_xy], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size_wh = width, READ_HEIGHT_PX
    cut = cv2.warpAffine(rgb, matrix, size_wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def _read(line: RgbImage, weights: Weights) -> tuple[str, float]:
    """Return what a line says, and how sure that is, in 0..1."""
    (answer,) = weights.free_onnx("text_reader")(_tensor(line))
    letters = ["", *weights.note("text_reader", "character").splitlines(), " "]
    steps, sure = answer[0].argmax(axis=1), answer[0].max(axis=1)
    # a letter goes on until another one, or none, follows
    new = np.flatnonzero((steps > 0) & (steps != np.concatenate([[0], steps[:-1]])))
    return "".join(letters[step] for step in steps[new]), float(sure[new].mean()) if len(new) else 0.0


def _resized(rgb: RgbImage, size_wh: tuple[int, int]) -> RgbImage:
    if rgb.shape[1::-1] == size_wh:
        return rgb
    shrinks = rgb.shape[1] > size_wh[0]
    sized = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(sized, np.uint8)


def _tensor(rgb: RgbImage) -> Map:
    bgr = np.asarray(rgb, np.float32)[..., ::-1] / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(bgr.transpose(2, 0, 1)[None])
