"""Follow lines of text from look to look, through every frame of a clip (pure)."""

from collections import deque
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from schemas.texts import KINDS, TEXTS, Kind
from tasks.files.tables import build_table
from tasks.text.backward import Past, way_back
from tasks.text.lines import Line, around, fill, is_same_place, with_neighbours
from tasks.text.recalling import Kept, recall, scaled
from tasks.text.seeing import GreyImage, cut_small, is_told_apart, shrunk
from tasks.text.standing import Run, Standing
from tasks.vision.regions import Box, RgbImage, share_within

# picture, whether every small letter is looked for, in which box (None: everywhere) -> what is readable
Look = Callable[[RgbImage, bool, Box | None], list[Line]]

# one look of so many sees every small letter, a scene's first one among them, and its last where there were
# others between; a line is small that is lower than such a share of the picture's longer side
THOROUGH, SMALL = 4, 1 / 64
# one looks back in time at so many small pictures, evenly spread, whose longer side is so long
PAST, PAST_PX = 150, 480
# what is lost is looked for after so many seconds, and after twice as many each time
SOON_S = 1.0
# what may identify and moves is looked around after so many seconds: what else is there may be seen before
# another ground only
AROUND_S, AROUND = 0.4, np.array([-4, -2.5, 4, 2.5], np.float32)
# pictures are kept to be read again so far apart in time, and no more of them at once
KEPT_S, KEPT = 0.4, 16
# less of a line than that lies in the box of the same line that is known: it has grown
WHOLE = 0.9


class Texts:
    """Look for text at both ends of a scene, every few seconds and where a line was lost; follow it between.

    A line that is found is taken to be there since the look before, and one that is lost until it was looked
    for in vain.
    """

    def __init__(self, look: Look, interval_s: float) -> None:
        self._look, self._interval_s = look, interval_s
        self._standing: list[Standing] = []
        self._kinds: list[Kind] = []
        # all of them, and those since the look before
        self._runs: list[Run] = []
        self._recent: list[Run] = []
        self._past: deque[tuple[int, float, GreyImage]] = deque(maxlen=PAST)
        self._kept: list[Kept] = []
        self._soon_s = min(SOON_S, interval_s)
        self._looks, self._last_s, self._patience_s = 0, -np.inf, self._soon_s
        self._looked_at, self._thorough_at, self._around_s = 0, 0, -np.inf
        self._newest: tuple[int, float, RgbImage] | None = None

    def step(self, frame: int, time_s: float, rgb: RgbImage, *, cut: bool = False) -> None:
        """Take the next frame into account."""
        if cut:
            self._end_scene()
        for one in self._standing:
            if one.lost_s is None:
                self._follow(one, frame, time_s, rgb)
        is_early = any(one.lost_s is not None for one in self._standing)
        if time_s - self._last_s >= (self._patience_s if is_early else self._interval_s):
            self._patience_s = min(2 * self._patience_s, self._interval_s) if is_early else self._soon_s
            self._search(frame, time_s, rgb)
        if time_s - self._around_s >= AROUND_S:
            self._around_s = time_s
            self._look_around(frame, rgb)
        if not self._past or time_s - self._past[-1][1] >= self._interval_s / PAST:
            self._past.append((frame, time_s, shrunk(rgb, PAST_PX)))
        if not self._kept or time_s - self._kept[-1].time_s >= max(KEPT_S, self._interval_s / KEPT):
            self._kept.append(Kept.of(frame, time_s, rgb))
        self._newest = frame, time_s, rgb

    def table(self) -> pl.DataFrame:
        """Build the table of texts; the last frame so far ends the clip."""
        self._end_scene()
        rows = [
            {
                "line": run.line, "first_frame": run.first_frame, "last_frame": run.last_frame,
                "kind": self._kinds[run.line], "box_xyxy": run.box_xyxy.tolist(),
            }
            for run in sorted(self._runs, key=lambda run: (run.line, run.first_frame))
        ]  # fmt: skip
        return build_table(rows, TEXTS)

    def _end_scene(self) -> None:
        """Look at the last frame for what came since the last look, or was lost; then end every line."""
        if self._newest is None:
            return
        frame, time_s, rgb = self._newest
        if self._last_s < time_s:
            self._search(frame, time_s, rgb, thorough=self._looks > 1)
        self._end(list(self._standing), frame + 1)
        self._past.clear()
        self._kept.clear()
        self._looks, self._last_s, self._newest, self._patience_s = 0, -np.inf, None, self._soon_s

    def _follow(self, one: Standing, frame: int, time_s: float, rgb: RgbImage) -> None:
        box = one.follow(rgb)
        if box is None:
            self._move(one, frame, one.box_xyxy)
            one.lost_s = time_s
        elif box is not one.box_xyxy:
            one.step_xy = (box - one.box_xyxy)[:2]
            self._move(one, frame, box)

    def _search(self, frame: int, time_s: float, rgb: RgbImage, *, thorough: bool = False) -> None:
        lost = [one for one in self._standing if one.lost_s is not None]
        thorough = thorough or bool(lost) or self._looks % THOROUGH == 0
        known_so_far = len(self._kinds)
        for line in self._look(self._without_covered(rgb), thorough, None):
            known = next((one for one in self._standing if is_same_place(one.box_xyxy, line.box_xyxy)), None)
            if known is None:
                self._begin(frame, rgb, line)
            else:
                self._kinds[known.line] = min(line.kind, self._kinds[known.line], key=KINDS.index)
                known.unread_s = None
            if known in lost:
                lost.remove(known)
                self._find(known, frame, rgb, line)
            elif known is not None and share_within(line.box_xyxy, known.box_xyxy) < WHOLE:
                self._grow(known, frame, rgb, around(known.box_xyxy, line.box_xyxy))
        self._weigh()
        self._recall(known_so_far, Kept.of(frame, time_s, rgb), rgb)
        if thorough:
            self._cover_small(known_so_far, SMALL * max(rgb.shape[:2]))
            self._thorough_at = frame
        self._looks, self._last_s = self._looks + 1, time_s
        self._past.clear()
        self._kept.clear()
        self._recent.clear()
        self._looked_at = frame
        unread = [one for one in self._standing if one.unread_s is not None and one not in lost]
        since = [(one, one.lost_s) for one in lost] + [(one, one.unread_s) for one in unread]
        self._end([one for one, at_s in since if time_s - (at_s or 0.0) >= self._interval_s], frame)

    def _look_around(self, frame: int, rgb: RgbImage) -> None:
        """Look around what may identify and moves for what could not be read where it was."""
        moving = [one for one in self._standing if one.has_moved and self._kinds[one.line] != "other"]
        for one in moving:
            one.seen_xy = one.box_xyxy[:2]
            wide = (one.box_xyxy[3] - one.box_xyxy[1]) * AROUND
            for line in self._look(self._without_covered(rgb), True, one.box_xyxy + wide):
                if not any(is_same_place(known.box_xyxy, line.box_xyxy) for known in self._standing):
                    self._begin_beside(one, frame, rgb, line)
        if moving:
            self._weigh()

    def _begin_beside(self, one: Standing, frame: int, rgb: RgbImage, line: Line) -> None:
        """Take what is read beside a line that moves for what moved with it since the look before."""
        self._move(one, frame, one.box_xyxy)
        number = self._stand(frame, rgb, line).line
        for run in [run for run in self._recent if run.line == one.line]:
            shift = np.tile(run.box_xyxy[:2] - one.box_xyxy[:2], 2)
            self._run(number, max(run.first_frame, self._looked_at), run.last_frame, line.box_xyxy + shift)

    def _recall(self, known_so_far: int, now: Kept, rgb: RgbImage) -> None:
        """Read what is new and may identify again where it was since the look before."""
        new = [one for one in self._standing if one.line >= known_so_far]
        new = [one for one in new if self._kinds[one.line] != "other"]
        if not new or not self._kept:
            return
        lines = [Line(one.box_xyxy, self._kinds[one.line]) for one in new]
        paths = recall(lines, now, reversed(self._kept), partial(self._read_kept, known_so_far))
        for one, path in zip(new, paths, strict=False):
            if path.kind == "identifying" and path.more.any():
                one.box_xyxy, one.looks = path.now_xyxy, cut_small(rgb, path.now_xyxy)
        for path in paths[len(new) :]:
            one = self._stand(now.frame, rgb, Line(path.now_xyxy, path.kind))
            one.unread_s = now.time_s  # it goes on until it was looked for in vain
            new.append(one)
        for one, path in zip(new, paths, strict=True):
            self._kinds[one.line] = min(path.kind, self._kinds[one.line], key=KINDS.index)
            # a word was not there before it was seen; a name is rather covered too long
            is_word = self._kinds[one.line] != "identifying"
            known = one.followed_since if is_word and one.followed_since is not None else now.frame
            for first, last, box in path.stays(seen_only=is_word):
                self._run(one.line, first, min(last, known - 1), box)
        self._weigh()

    def _cover_small(self, known_so_far: int, height_px: float) -> None:
        """Take small letters that are new for what stood there since all small letters were looked for."""
        for one in self._standing:
            if one.line < known_so_far or self._kinds[one.line] != "identifying":
                continue
            runs = [run for run in reversed(self._recent) if run.line == one.line]
            box = min(runs, key=lambda run: run.first_frame).box_xyxy if runs else one.box_xyxy
            if min(box[2:] - box[:2]) <= height_px:
                self._run(one.line, self._thorough_at, self._looked_at - 1, box)

    def _read_kept(self, known_so_far: int, picture: Kept, box_xyxy: Box) -> list[Line]:
        """Return what can be read in a box of an earlier picture and was not known to be there, as bad."""
        standing = [Run(one.line, one.since_frame, picture.frame, one.box_xyxy) for one in self._standing]
        known = [run for run in (*self._recent, *standing) if run.line < known_so_far]
        known = [run for run in known if run.first_frame <= picture.frame <= run.last_frame]
        found = self._look(picture.rgb, True, box_xyxy * np.float32(picture.scale))
        lines = [scaled(line, 1 / picture.scale) for line in found]
        return [
            line
            for line in lines
            if not any(
                is_same_place(run.box_xyxy, line.box_xyxy)
                and KINDS.index(self._kinds[run.line]) <= KINDS.index(line.kind)
                for run in known
            )
        ]

    def _without_covered(self, rgb: RgbImage) -> RgbImage:
        """Return the picture without what is known to be covered there, which may hide more."""
        known = [
            one.box_xyxy
            for one in self._standing
            if one.lost_s is None and one.unread_s is None and self._kinds[one.line] != "other"
        ]
        left = rgb.copy() if known else rgb
        for box in known:
            fill(left, box)
        return left

    def _weigh(self) -> None:
        """Take a line that stands beside a worse one for as bad, whenever each was found."""
        lines = [Line(one.box_xyxy, self._kinds[one.line]) for one in self._standing]
        for one, line in zip(self._standing, with_neighbours(lines), strict=True):
            self._kinds[one.line] = line.kind

    def _find(self, known: Standing, frame: int, rgb: RgbImage, line: Line) -> None:
        """Take a line up again that was lost: in between it was somewhere between both places."""
        known.box_xyxy = around(known.box_xyxy, line.box_xyxy)
        self._move(known, frame, line.box_xyxy)
        known.looks, known.lost_s = cut_small(rgb, line.box_xyxy), None

    def _grow(self, known: Standing, frame: int, rgb: RgbImage, box_xyxy: Box) -> None:
        """Take a line that has grown since the look before for as long as it is now."""
        self._run(known.line, self._looked_at, frame - 1, box_xyxy)
        self._move(known, frame, box_xyxy)
        known.looks = cut_small(rgb, box_xyxy)

    def _begin(self, frame: int, rgb: RgbImage, line: Line) -> None:
        one = self._stand(frame, rgb, line)
        if self._past:
            self._go_back(one, frame, rgb)

    def _stand(self, frame: int, rgb: RgbImage, line: Line) -> Standing:
        """Take up a line that is new in a frame."""
        self._kinds.append(line.kind)
        one = Standing(len(self._kinds) - 1, line.box_xyxy, cut_small(rgb, line.box_xyxy), frame)
        self._standing.append(one)
        return one

    def _go_back(self, one: Standing, frame: int, rgb: RgbImage) -> None:
        """Say where a new line was since the look before.

        What may identify is covered all that time, since over a moving ground it may look like nothing there.
        """
        scale = np.float32(min(1.0, PAST_PX / max(rgb.shape[:2])))
        box = one.box_xyxy * scale
        looks = cut_small(shrunk(rgb, PAST_PX), box)
        may_be_late = self._kinds[one.line] != "identifying" and is_told_apart(looks)
        first_frames = [self._looked_at, *(at + 1 for at, _, _ in self._past)]
        past = [Past(first, at, grey) for first, (at, _, grey) in zip(first_frames, self._past, strict=False)]
        stays, one.followed_since = way_back(
            box, looks, reversed(past), since=self._looked_at, until=frame - 1, may_be_late=may_be_late
        )
        for first, last, place in stays:
            self._run(one.line, first, last, _wider(place) / scale)

    def _run(self, line: int, first: int, last: int, box_xyxy: Box) -> None:
        if first <= last:
            for runs in (self._runs, self._recent):
                runs.append(Run(line, first, last, box_xyxy))

    def _move(self, one: Standing, frame: int, box_xyxy: Box) -> None:
        self._run(one.line, one.since_frame, frame - 1, one.box_xyxy)
        one.box_xyxy, one.since_frame = box_xyxy, frame

    def _end(self, lines: list[Standing], frame: int) -> None:
        for one in lines:
            self._move(one, frame, one.box_xyxy)
            self._standing.remove(one)


def _wider(box: Box) -> Box:
    """Return a box a pixel larger: small pictures tell places no better."""
    return box + np.array([-1, -1, 1, 1], np.float32)
