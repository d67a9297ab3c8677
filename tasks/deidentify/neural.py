"""Which faces of a clip a neural swap draws, and with whose latents."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from tasks.deidentify.batching import Gathered
from tasks.deidentify.face_regions import FaceRegion, Kept
from tasks.deidentify.inswapper import Face, Inswapper, paste
from tasks.deidentify.render import Cover
from tasks.files.errors import GuiseError
from tasks.swap.cast import Cast, FaceKey
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
        self._swapper = make_inswapper(weights, rule)
        self._latents: dict[int, Embedding] = {}
        self._gathered = Gathered("inswapper", rule.inswapper.batch, self._face, self._swapper.swap)

    def ahead_of(self, frames: Iterable[Frame], regions: list[FaceRegion]) -> Iterator[Frame]:
        """Yield the frames as they came, their faces swapped and ready to be drawn."""
        return self._gathered.ahead_of(frames, regions)

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
            swapped = self._gathered.take(region)
            paste(rgb, region.box_xyxy, swapped)
            kept[region.frame, region.track] = Kept(swapped.in_front, 0.0)

        return draw
