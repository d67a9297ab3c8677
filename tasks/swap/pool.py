"""The pool of targets: donor pictures read, measured and mixed by their recipes."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.params.deidentify import Deidentify
from schemas.params.extract import Extract
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_document
from tasks.swap.irises import read_eyes
from tasks.swap.kin import donors_in, kin_recipes
from tasks.swap.mixing import Donor, mix
from tasks.swap.shape import shape_of
from tasks.swap.target import Target, make_target
from tasks.vision.detectors import View
from tasks.vision.faces import FaceMesh, face_region, locate_mesh, read_shape, search_faces
from tasks.vision.regions import RgbImage
from tasks.vision.sessions import Weights

# a donor of fewer pixels is enlarged before its face is measured; what surrounds a cut-out face is no skin
LEAST_PX = 384
BLACK, WHITE = 14, 245
LOOKS = 3


def donor_names(rule: Deidentify) -> set[str]:
    """Return the name of every picture that the recipes use."""
    names = {name for recipe in rule.targets.pool.values() for name in (*recipe.shape, *recipe.texture)}
    return names.union(*rule.inswapper.pool.values()) if rule.swaps_neurally else names


def donor_digests(weights: Weights, rule: Deidentify) -> dict[str, str]:
    """Return the SHA-256 of every picture that the recipes use."""
    return {name: weights.digest(name) for name in sorted(donor_names(rule))}


def target_digests(weights: Weights, rule: Deidentify) -> dict[str, str]:
    """Return a digest of every target: its recipe and the pictures that go into it."""
    donors = donor_digests(weights, rule)
    return {
        name: sha256_document(
            {
                "recipe": recipe.model_dump(mode="json"),
                "donors": {donor: donors[donor] for donor in sorted({*recipe.shape, *recipe.texture})},
            }
        )
        for name, recipe in rule.targets.pool.items()
    }


class Pool(Mapping[str, Target]):
    """Every target by name; each is mixed when it is first asked for, by whichever thread asks."""

    def __init__(
        self, weights: Weights, rule: Deidentify, extract: Extract, root: Path | None = None
    ) -> None:
        self.kin = kin_recipes(root, rule.targets.k) if root else {}
        self._of_patients = donors_in(root) if root else {}
        self._recipes, self._rim = {**rule.targets.pool, **self.kin}, rule.mesh_swap.rim
        self._weights, self._extract = weights, extract
        self._donors: dict[str, Donor] = {}
        self._targets: dict[str, Target] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Target:
        with self._lock:
            if name not in self._targets:
                recipe = self._recipes[name]
                donors = {donor: self._donor(donor) for donor in self.donors_of(name)}
                rgb, mesh_xy = mix(recipe, donors)
                irises = read_eyes(rgb, mesh_xy, self._weights)[:, :2]
                shape = shape_of([read_shape(rgb, mesh_xy, self._weights)])
                target = make_target(name, rgb, mesh_xy, rim=self._rim, shape=shape, irises=irises)
                self._targets[name] = target
            return self._targets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._recipes)

    def __len__(self) -> int:
        return len(self._recipes)

    def donors(self) -> dict[str, Donor]:
        """Return every donor of the recipes who is no patient: faces that are nobody's as well."""
        names = set().union(*map(self.donors_of, self)) - {*self._of_patients}
        return {donor: self._donor(donor) for donor in sorted(names)}

    def donors_of(self, name: str) -> set[str]:
        """Return the names of a target's donors."""
        return {*self._recipes[name].shape, *self._recipes[name].texture}

    def _donor(self, name: str) -> Donor:
        with self._lock:
            if name not in self._donors:
                path = self._of_patients.get(name) or self._weights.path(name)
                self._donors[name] = read_picture(path, name, self._weights, self._extract)
            return self._donors[name]


def load_pool(weights: Weights, rule: Deidentify, extract: Extract, root: Path | None = None) -> Pool:
    """Return the pool that this process keeps; root: of a workspace whose own people may be mixed."""
    kin = sorted(kin_recipes(root, rule.targets.k)) if root else []
    key = f"pool {sha256_document([rule.targets.model_dump(mode='json'), kin])} {rule.mesh_swap.rim}"
    pool: Pool = weights.shared(key, lambda: Pool(weights, rule, extract, root))
    return pool


def read_donor(weights: Weights, name: str, extract: Extract) -> Donor:
    """Read a donor's picture and fit the mesh to it. Raises ModelError where it shows no one face."""
    return read_picture(weights.path(name), name, weights, extract)


def read_picture(path: Path, name: str, weights: Weights, extract: Extract) -> Donor:
    """Do the same with a file; name: whose it is."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3:
        raise ModelError(f"donor {name} is no colour picture")
    rgb, is_skin = _free(np.asarray(image, np.uint8))
    mesh = _settle(rgb, weights, extract)
    if mesh is None:
        raise ModelError(f"donor {name} shows no face that can be measured")
    return Donor(rgb, mesh.xy, is_skin)


def _settle(rgb: RgbImage, weights: Weights, extract: Extract) -> FaceMesh | None:
    """Look again from each mesh, as in a video, where each look starts from the last one."""
    found = search_faces(View.of(rgb, extract.search_px), weights, extract)
    if not found:
        return None
    region = face_region(max(found, key=lambda face: float(face.box_xyxy[2] - face.box_xyxy[0])))
    mesh = locate_mesh(rgb, region, weights, extract.landmark_score)
    for _ in range(LOOKS):
        mesh = mesh and locate_mesh(rgb, mesh.next_region, weights, extract.landmark_score)
    return mesh


def _free(image: NDArray[np.uint8]) -> tuple[RgbImage, NDArray[np.bool_]]:
    """Return a picture whose empty surroundings continue the skin, and which pixels are its own."""
    bgr = np.ascontiguousarray(image[..., :3])
    empty = (bgr.max(axis=2) < BLACK) | (bgr.min(axis=2) >= WHITE)
    if image.shape[2] == 4:
        empty |= image[..., 3] < 250
    around = np.asarray(cv2.dilate(_at_border(empty), np.ones((5, 5), np.uint8)), np.uint8)
    filled = _surround_with_skin(bgr, around) if around.any() else bgr
    pad = max(image.shape[:2]) // 4
    wide = cv2.copyMakeBorder(filled, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    own = cv2.copyMakeBorder(1 - around, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    scale = max(1.0, LEAST_PX / max(wide.shape[:2]))
    large = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    is_own = cv2.resize(own, large.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_BGR2RGB), np.uint8), is_own


def _surround_with_skin(bgr: NDArray[np.uint8], around: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Let the skin go on into the empty surroundings of a face, so that a forehead is covered too."""
    soft = max(bgr.shape[:2]) / 40
    missing = cv2.dilate(around, np.ones((9, 9), np.uint8)).astype(np.float32)
    skin = np.percentile(bgr[around == 0], 60, axis=0)
    share = np.maximum(cv2.GaussianBlur(missing, (0, 0), soft), missing)[..., None]
    return np.asarray(np.clip(bgr * (1 - share) + skin * share, 0, 255), np.uint8)


def _at_border(empty: NDArray[np.bool_]) -> NDArray[np.uint8]:
    _, labels = cv2.connectedComponents(empty.astype(np.uint8))
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return (np.isin(labels, edge[edge > 0])).astype(np.uint8)
