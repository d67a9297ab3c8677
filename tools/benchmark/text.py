"""Measure how much of made overlays can still be read once they were covered, and what that costs.

    python -m tools.benchmark.text WORKSPACE [--frames 50] [--every 8] [--clip carphone.mp4]
                                           [--late 13] [--fade 12]
    python -m tools.benchmark.text WORKSPACE --cost CLIP...

Eight fonts, 12 to 40 pixels, light and dark, still and moving, at 1080p and 480p, over a clip of the sample,
from the first frame on or `--late`, at once or within `--fade` frames; WORKSPACE holds the weights. Prints a
row an overlay: in how many of the judged frames something could be read before and after. `--cost` extracts
clips instead, and prints the processor time of text beside the rest's.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryFile

import cv2
import hotcoco
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.demo.sample import CLIPS
from flows.host.environment import keep_to_ourselves
from flows.host.failures import exit_code_of
from flows.screen.console import show_table
from flows.workspace.make import HERE
from schemas.params.extract import Extract
from tasks.extract.clip import extract_people
from tasks.files.documents import read_params
from tasks.models.fetch import fetch_member
from tasks.text.following import Texts
from tasks.text.lines import fill
from tasks.text.reading import look_within, read_lines
from tasks.video import read_frames, read_rate
from tasks.vision.sessions import Weights, shared_weights

RgbImage = NDArray[np.uint8]
FPS = 25
OPENCV, PLEX = Path(cv2.__file__).parent / "qt/fonts", Path(hotcoco.__file__).parent / "_fonts"
FONTS = (
    OPENCV / "DejaVuSans.ttf", OPENCV / "DejaVuSans-Bold.ttf", OPENCV / "DejaVuSans-Oblique.ttf",
    OPENCV / "DejaVuSans-ExtraLight.ttf", OPENCV / "DejaVuSansCondensed.ttf",
    PLEX / "IBMPlexSans-Regular.ttf", PLEX / "IBMPlexSans-Medium.ttf", PLEX / "IBMPlexSans-SemiBold.ttf",
)  # fmt: skip
WORDS = ("Schmidt, Maria", "12.03.1957", "MRN 00482913", "St. Anna Hospital",
         "Jonas Weber", "2024-05-17 10:42", "Fall 7713-204", "Geb. 03.11.1948")  # fmt: skip
SIZES_WH, HEIGHTS_PX = ((1920, 1080), (854, 480)), (12, 16, 24, 40)


@dataclass(frozen=True)
class Overlay:
    """Eight lines, each in a font of its own; step_xy: how they move, in pixels a frame.

    first_frame, fade: when they come, and how many frames later they are wholly there.
    """

    size_wh: tuple[int, int]
    height_px: int
    is_light: bool
    step_xy: tuple[float, float] = (0.0, 0.0)
    first_frame: int = 0
    fade: int = 0

    def draw(self, rgb: RgbImage, frame: int) -> RgbImage:
        """Return a picture of this size with the lines of a frame."""
        plain = cv2.resize(rgb, self.size_wh, interpolation=cv2.INTER_AREA)
        if frame < self.first_frame:
            return np.asarray(plain, np.uint8)
        seen = min(1.0, (frame - self.first_frame + 1) / (self.fade + 1))
        written = self._written(np.asarray(plain, np.uint8), frame)
        return np.asarray(cv2.addWeighted(written, seen, plain, 1 - seen, 0), np.uint8)

    def _written(self, plain: RgbImage, frame: int) -> RgbImage:
        drawn = plain.copy()
        colour = (250, 250, 250) if self.is_light else (5, 5, 5)
        for row, (font, words) in enumerate(zip(FONTS, WORDS, strict=True)):
            column, line = divmod(row, 4)
            x = 0.06 * self.size_wh[0] + column * 0.45 * self.size_wh[0] + frame * self.step_xy[0]
            y = 0.2 * self.size_wh[1] + 2.2 * line * self.height_px + frame * self.step_xy[1]
            cv2.putText(drawn, words, (round(x), round(y)), colour, face(font), self.height_px)
        return np.asarray(drawn, np.uint8)


@cache
def face(font: Path) -> cv2.FontFace:
    return cv2.FontFace(str(font))


def overlays(first_frame: int, fade: int) -> Iterator[Overlay]:
    """Yield every size, height, shade and movement."""
    for size_wh, height_px, is_light, moves in itertools.product(
        SIZES_WH, HEIGHTS_PX, (True, False), (False, True)
    ):
        step_xy = (1.5, 0.7) if moves else (0.0, 0.0)
        yield Overlay(size_wh, height_px, is_light, step_xy, first_frame, fade)


@dataclass(frozen=True)
class Readable:
    """Of so many frames that were judged: in how many something could be read before, and after."""

    frames: int
    before: int
    after: int
    seconds: float


def measure(overlay: Overlay, pictures: list[RgbImage], weights: Weights, *, every: int) -> Readable:
    """Cover an overlay over pictures as `extract` and `deidentify` do, and read what is left."""
    texts = Texts(partial(look_within, weights), interval_s=3.0)
    drawn = [overlay.draw(rgb, frame) for frame, rgb in enumerate(pictures)]
    start = time.process_time()
    for frame, rgb in enumerate(drawn):
        texts.step(frame, frame / FPS, rgb)
    seconds = time.process_time() - start
    # a line that comes is judged right then, too
    start_frame = overlay.first_frame
    judged = sorted({*range(start_frame, len(drawn), every), start_frame + overlay.fade // 2, len(drawn) - 1})
    before = sum(bool(read_lines(drawn[frame], weights)) for frame in judged)
    for row in texts.table().filter(pl.col("kind") != "other").iter_rows(named=True):
        for frame in range(row["first_frame"], row["last_frame"] + 1):
            fill(drawn[frame], np.array(row["box_xyxy"], np.float32))
    after = sum(bool(read_lines(drawn[frame], weights)) for frame in judged)
    return Readable(len(judged), before, after, seconds)


class Timed(Texts):
    """Text of a clip, with the processor time that it took."""

    seconds = 0.0

    def step(self, frame: int, time_s: float, rgb: RgbImage, *, cut: bool = False) -> None:
        start = time.thread_time()
        super().step(frame, time_s, rgb, cut=cut)
        self.seconds += time.thread_time() - start

    def table(self) -> pl.DataFrame:
        start = time.thread_time()
        found = super().table()
        self.seconds += time.thread_time() - start
        return found


@dataclass(frozen=True)
class Cost:
    """Processor time of a clip's extraction, in seconds: of its text, and of all the rest."""

    frames: int
    clip_s: float
    text: float
    rest: float


def cost(clip: Path, weights: Weights, extract: Extract) -> Cost:
    """Extract a clip and return what its text took."""
    texts = Timed(partial(look_within, weights), extract.text_interval_s)
    start = time.process_time()
    with TemporaryFile() as spool:
        survey = extract_people(read_frames(clip), weights, extract.at(read_rate(clip)), spool, texts=texts)
    texts.table()
    seconds = time.process_time() - start
    times = survey.frame_table()["timestamp_s"].to_numpy()
    return Cost(len(times), float(times[-1]), texts.seconds, seconds - texts.seconds)


def show_costs(clips: list[Path], weights: Weights) -> None:
    """Print what text takes of each clip, and of all of them."""
    extract = read_params(HERE).extract
    found = {clip.name: cost(clip, weights, extract) for clip in clips}
    found["all"] = Cost(*(sum(values) for values in zip(*map(astuple, found.values()), strict=True)))
    rows = [
        [name, str(one.frames), f"{one.clip_s:.1f}", f"{one.text:.2f}", f"{one.rest:.2f}",
         f"{one.text / one.rest:.3f}"]
        for name, one in found.items()
    ]  # fmt: skip
    show_table("Cost of text", ["clip", "frames", "seconds", "text CPU s", "rest CPU s", "share"], rows)


def _pictures(name: str, count: int) -> list[RgbImage]:
    clip = next(clip for clip in CLIPS if clip.file == name)
    frames = read_frames(fetch_member(clip.source, clip.member, clip.sha256))
    return [frame.picture.original for frame in itertools.islice(frames, count)]


def main(words: list[str]) -> int:
    """Print the table; the exit code is 0 where nothing was left in 99 of 100 frames."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--clip", default="carphone.mp4")
    parser.add_argument("--late", type=int, default=0, metavar="FRAME")
    parser.add_argument("--fade", type=int, default=0, metavar="FRAMES")
    parser.add_argument("--cost", type=Path, nargs="+", metavar="CLIP")
    asked = parser.parse_args(words)
    if asked.late + asked.fade >= asked.frames:
        parser.error("--late and --fade leave no frame in which the lines are wholly there")
    weights = shared_weights(asked.workspace.resolve())
    if asked.cost:
        show_costs(asked.cost, weights)
        return 0
    pictures = _pictures(asked.clip, asked.frames)
    measured = {
        overlay: measure(overlay, pictures, weights, every=asked.every)
        for overlay in overlays(asked.late, asked.fade)
    }
    columns = ["picture", "px", "shade", "moves", "read before", "read after", "CPU s"]
    show_table("Made overlays", columns, [_row(overlay, one) for overlay, one in measured.items()])
    left, frames = (sum(getattr(one, name) for one in measured.values()) for name in ("after", "frames"))
    print(f"unreadable in {1 - left / frames:.4f} of {frames} frames")
    return int(left > 0.01 * frames)


def _row(overlay: Overlay, one: Readable) -> list[str]:
    return [
        "x".join(map(str, overlay.size_wh)),
        str(overlay.height_px),
        "light" if overlay.is_light else "dark",
        "moving" if any(overlay.step_xy) else "still",
        f"{one.before}/{one.frames}",
        f"{one.after}/{one.frames}",
        f"{one.seconds:.2f}",
    ]


if __name__ == "__main__":
    keep_to_ourselves()
    sys.exit(exit_code_of(lambda: main(sys.argv[1:])))
