"""Which faces of a clip the workspace's own networks draw."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from schemas.params.deidentify import Deidentify
from tasks.deidentify.batching import Gathered
from tasks.deidentify.face_regions import FaceRegion, Kept
from tasks.deidentify.own_swap import Drawn, Face, Model, draw_all, lay
from tasks.deidentify.render import Cover
from tasks.files.errors import GuiseError
from tasks.swap.cast import Cast, FaceKey
from tasks.swap.own import network_digests, network_name, read_network
from tasks.tracks.meshes import Meshes
from tasks.video import Frame
from tasks.vision.providers import Batches, open_session
from tasks.vision.regions import RgbImage, without_margin
from tasks.vision.sessions import shared_weights


def drawable_tracks(root: Path, subject: str, cast: Cast) -> dict[int, str]:
    """Return track -> the network that draws its person's given face."""
    known = network_digests(root, subject)
    names = {track: network_name(subject, face) for track, face in cast.faces.items()}
    return {track: name for track, name in names.items() if name in known}


class OwnSwaps:
    """The faces of one clip that are drawn by networks, some frames ahead of where they are laid.

    networks: track -> the one that draws it. meshes: also those that cannot be trusted. sure: frame and
    track of those that can.
    """

    def __init__(
        self, root: Path, meshes: Meshes, networks: dict[int, str], sure: set[FaceKey], rule: Deidentify
    ) -> None:
        self._root, self._meshes, self._networks, self._sure = root, meshes, networks, sure
        self._rule, self._batch = rule, rule.own_swap.batch
        self._models: dict[str, Batches] = {}
        self._side_px = 0
        self._gathered = Gathered[Face, Drawn]("own_swap", self._batch, self._face, self._draw)

    def ahead_of(self, frames: Iterable[Frame], regions: list[FaceRegion]) -> Iterator[Frame]:
        """Yield the frames as they came, their faces drawn and ready to be laid."""
        return self._gathered.ahead_of(frames, regions)

    def _face(self, region: FaceRegion) -> Face:
        mesh = self._meshes.mesh(region.frame, region.track)
        network = self._networks.get(region.track)
        if mesh is None or network is None:
            raise GuiseError(f"frame {region.frame} cannot be swapped: its mesh or its network is not known")
        key = region.frame, region.track
        box = without_margin(region.box_xyxy, self._rule.margin)
        return Face(key, network, mesh, box, self._meshes.hands(region.frame), key in self._sure)

    def _draw(self, pictures: Sequence[RgbImage], faces: Sequence[Face]) -> list[Drawn]:
        return draw_all(self._model, pictures, faces)

    def _model(self, name: str) -> tuple[Model, int]:
        """Return a network and the side of its square; it is kept for this clip only."""
        if name not in self._models:
            inference = shared_weights(self._root).inference
            session = open_session(name, read_network(self._root, name), inference)
            self._side_px = session.get_inputs()[0].shape[2]
            self._models[name] = Batches(name, session, inference, self._batch)
        return self._models[name], self._side_px

    def cover(self, kept: dict[FaceKey, Kept]) -> Cover:
        """Return what lays a drawn face; kept takes the share before which hands stayed."""

        def draw(rgb: RgbImage, region: FaceRegion) -> None:
            in_front = lay(rgb, region.box_xyxy, self._gathered.take(region))
            kept[region.frame, region.track] = Kept(in_front, 0.0)

        return draw
