"""Faces that a network swaps, gathered some frames ahead of where they are drawn."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from schemas.params.deidentify import Drawn
from tasks.deidentify.face_regions import FaceRegion
from tasks.files.errors import GuiseError
from tasks.swap.cast import FaceKey
from tasks.video import Frame
from tasks.vision.regions import RgbImage


class Keyed(Protocol):
    @property
    def key(self) -> FaceKey: ...


Face = TypeVar("Face", bound=Keyed)
Swapped = TypeVar("Swapped")


class Gathered(Generic[Face, Swapped]):
    """The faces of one clip that a method draws: swapped in batches, each taken when its frame comes."""

    def __init__(
        self,
        method: Drawn,
        batch: int,
        face_of: Callable[[FaceRegion], Face],
        swap: Callable[[Sequence[RgbImage], Sequence[Face]], Sequence[Swapped]],
    ) -> None:
        self._method, self._batch, self._face_of, self._swap = method, batch, face_of, swap
        self._done: dict[FaceKey, Swapped] = {}

    def ahead_of(self, frames: Iterable[Frame], regions: list[FaceRegion]) -> Iterator[Frame]:
        """Yield the frames as they came, their faces swapped and ready to be drawn.

        A batch of faces is gathered from as many frames as it takes, but no more frames than faces.
        """
        wanted = [region for region in regions if region.method == self._method]
        by_frame = {number: list(group) for number, group in groupby(wanted, lambda one: one.frame)}
        waiting: list[tuple[Frame, list[Face]]] = []
        for frame in frames:
            waiting.append((frame, [self._face_of(region) for region in by_frame.get(frame.index, ())]))
            if len(waiting) == self._batch or sum(len(faces) for _, faces in waiting) >= self._batch:
                yield from self._flush(waiting)
                waiting = []
        yield from self._flush(waiting)

    def _flush(self, waiting: list[tuple[Frame, list[Face]]]) -> Iterator[Frame]:
        pairs = [(frame.rgb, face) for frame, faces in waiting for face in faces]
        found = self._swap([rgb for rgb, _ in pairs], [face for _, face in pairs])
        self._done.update({face.key: swapped for (_, face), swapped in zip(pairs, found, strict=True)})
        for frame, _ in waiting:
            yield frame

    def take(self, region: FaceRegion) -> Swapped:
        """Return a swapped face. Raises GuiseError where it was not swapped."""
        swapped = self._done.pop((region.frame, region.track), None)
        if swapped is None:
            raise GuiseError(f"frame {region.frame} was not swapped: nothing was released")
        return swapped
