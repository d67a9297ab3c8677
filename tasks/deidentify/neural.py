"""Which faces of a clip a neural swap draws, and with whose latents."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from tasks.deidentify.cast import Cast, FaceKey
from tasks.deidentify.face_regions import FaceRegion, Kept
from tasks.deidentify.inswapper import Face, Inswapper, Swapped, paste
from tasks.deidentify.render import Cover
from tasks.files.errors import GuiseError
from tasks.swap.latents import load_latents, read_latent
from tasks.swap.needs import INSWAPPER
from tasks.tracks.meshes import Meshes
from tasks.video import Frame
from tasks.vision.alignment import Embedding
from tasks.vision.insightface_models import swapper
from tasks.vision.providers import Batches
from tasks.vision.regions import RgbImage
from tasks.vision.sessions import Weights, shared_weights


def make_inswapper(weights: Weights, rule: Deidentify) -> Inswapper:
    """Return the swapper that this thread keeps. Raises ModelError where its weight is another model."""
    settings = rule.inswapper

    def build() -> Inswapper:
        model = swapper(weights, INSWAPPER)
        batches = Batches(INSWAPPER, model.session, weights.inference, settings.batch)
        return Inswapper(batches, model.emap, settings.feather)

    kept: Inswapper = weights.once(f"inswapper {settings.batch} {settings.feather}", build)
    return kept


class NeuralSwaps:
    """The faces of one clip that are swapped by the model, some frames ahead of where they are drawn."""

    def __init__(self, root: Path, meshes: Meshes, cast: Cast, *, rule: Deidentify, extract: Extract) -> None:
        weights = shared_weights(root)
        self._root, self._meshes, self._cast = root, meshes, cast
        self._pool = load_latents(weights, rule, extract)
        self._swapper, self._batch = make_inswapper(weights, rule), rule.inswapper.batch
        self._latents: dict[int, Embedding] = {}
        self._done: dict[FaceKey, Swapped] = {}

    def ahead_of(self, frames: Iterable[Frame], regions: list[FaceRegion]) -> Iterator[Frame]:
        """Yield the frames as they came, their faces swapped and ready to be drawn.

        A batch of faces is gathered from as many frames as it takes, but no more frames than faces.
        """
        wanted = [region for region in regions if region.method == INSWAPPER]
        by_frame = {number: list(group) for number, group in groupby(wanted, lambda one: one.frame)}
        waiting: list[tuple[Frame, list[Face]]] = []
        for frame in frames:
            waiting.append((frame, [self._face(region) for region in by_frame.get(frame.index, ())]))
            if len(waiting) == self._batch or sum(len(faces) for _, faces in waiting) >= self._batch:
                yield from self._flush(waiting)
                waiting = []
        yield from self._flush(waiting)

    def _flush(self, waiting: list[tuple[Frame, list[Face]]]) -> Iterator[Frame]:
        pairs = [(frame.rgb, face) for frame, faces in waiting for face in faces]
        found = self._swapper.swap([rgb for rgb, _ in pairs], [face for _, face in pairs])
        self._done.update({face.key: swapped for (_, face), swapped in zip(pairs, found, strict=True)})
        for frame, _ in waiting:
            yield frame

    def _face(self, region: FaceRegion) -> Face:
        mesh = self._meshes.mesh(region.frame, region.track)
        if mesh is None:
            raise GuiseError(f"frame {region.frame} cannot be swapped: its mesh is not known")
        hands = self._meshes.hands(region.frame)
        return Face((region.frame, region.track), mesh, self._latent(region.track), hands)

    def _latent(self, track: int) -> Embedding:
        if track not in self._latents:
            is_cast = self._cast.targets.get(track) in self._pool
            self._latents[track] = (
                read_latent(self._root, self._cast.digests[track])
                if is_cast
                else self._pool[self._cast.target(track, self._pool)]
            )
        return self._latents[track]

    def cover(self, kept: dict[FaceKey, Kept]) -> Cover:
        """Return what draws a swapped face; kept takes the share before which something stayed."""

        def draw(rgb: RgbImage, region: FaceRegion) -> None:
            swapped = self._done.pop((region.frame, region.track), None)
            if swapped is None:
                raise GuiseError(f"frame {region.frame} was not swapped: nothing was released")
            paste(rgb, region.box_xyxy, swapped)
            kept[region.frame, region.track] = Kept(swapped.in_front, 0.0)

        return draw
