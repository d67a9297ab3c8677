"""Whom a neural swap draws: latents that are mixed of several donors' and are nobody's."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from schemas.params.deidentify import Deidentify, Inswapper
from schemas.params.extract import Extract
from tasks.files.errors import InputError, ModelError
from tasks.files.hashing import sha256_document
from tasks.files.whole import write_bytes
from tasks.swap.pool import read_donor
from tasks.vision.alignment import Embedding
from tasks.vision.recognisers import make_recognisers
from tasks.vision.sessions import Weights

LATENTS = Path("data/targets/latents")
ARCFACE = "arcface"


class Latents(Mapping[str, Embedding]):
    """Every target's latent by name, of unit length; each is mixed when it is first asked for."""

    def __init__(self, weights: Weights, rule: Deidentify, extract: Extract) -> None:
        self._weights, self._rule, self._extract = weights, rule.inswapper, extract
        self._donors: dict[str, Embedding] = {}

    def __getitem__(self, name: str) -> Embedding:
        return mixed(list(self.donors_of(name).values()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._rule.pool)

    def __len__(self) -> int:
        return len(self._rule.pool)

    def donors_of(self, name: str) -> dict[str, Embedding]:
        """Return the latents of a target's donors."""
        return {donor: self._donor(donor) for donor in self._rule.pool[name]}

    def _donor(self, name: str) -> Embedding:
        if name not in self._donors:
            judges = self._weights.once("recognisers", lambda: make_recognisers(self._weights))
            if ARCFACE not in judges:
                raise ModelError("inswapper needs the recogniser arcface: add it to params/models.yaml")
            donor = read_donor(self._weights, name, self._extract)
            self._donors[name] = judges[ARCFACE](donor.rgb, donor.mesh_xy)
        return self._donors[name]


def load_latents(weights: Weights, rule: Deidentify, extract: Extract) -> Latents:
    """Return the latents that this thread keeps."""
    key = f"latents {sha256_document(rule.inswapper.model_dump(mode='json'))}"
    latents: Latents = weights.once(key, lambda: Latents(weights, rule, extract))
    return latents


def mixed(latents: Sequence[Embedding]) -> Embedding:
    """Return the direction in the middle of several latents."""
    mean = np.mean([latent / np.linalg.norm(latent) for latent in latents], axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def latent_digests(weights: Weights, rule: Deidentify) -> dict[str, str]:
    """Return a digest of every target: its donors, and what reads them."""
    return {
        name: sha256_document(
            {
                "recogniser": weights.digest(ARCFACE),
                "donors": {donor: weights.digest(donor) for donor in sorted(donors)},
            }
        )
        for name, donors in rule.inswapper.pool.items()
    }


def choose_latent(latents: Latents, free: Sequence[str], faces: Sequence[Embedding], rule: Inswapper) -> str:
    """Return the free target that is farthest from everybody's face.

    Raises InputError where none keeps away from its donors and from every face.
    """
    people = np.stack(faces)
    nearest = {
        name: float((people @ latents[name]).max()) for name in free if _is_nobody(latents, name, rule)
    }
    kept = {name: cosine for name, cosine in nearest.items() if cosine <= rule.nearest_subject}
    if not kept:
        raise InputError(
            "no target of deidentify.inswapper.pool keeps away from its donors and from every subject: "
            "mix others, of more donors"
        )
    return min(kept, key=lambda name: (kept[name], name))


def _is_nobody(latents: Latents, name: str, rule: Inswapper) -> bool:
    donors = np.stack(list(latents.donors_of(name).values()))
    return float((donors @ latents[name]).max()) <= rule.nearest_donor


def latent_path(digest: str) -> Path:
    return LATENTS / f"{digest}.f32"


def store_latent(root: Path, digest: str, latent: Embedding) -> Path:
    """Write a latent under its target's digest, unless it is there: an identity stays what it was."""
    path = latent_path(digest)
    if not (root / path).is_file():
        write_bytes(latent.astype("<f4").tobytes(), root / path)
    return path


def read_latent(root: Path, digest: str) -> Embedding:
    """Return a stored latent. Raises ModelError where it is missing or damaged."""
    path = root / latent_path(digest)
    latent = np.frombuffer(path.read_bytes(), "<f4") if path.is_file() else np.empty(0, np.float32)
    if not len(latent) or abs(float(np.linalg.norm(latent)) - 1) > 1e-3:
        raise ModelError("the latent of a target is missing or damaged: run `guise run targets` again")
    return np.asarray(latent, np.float32)
