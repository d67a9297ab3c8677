"""Which weights and pictures another face needs."""

from pathlib import Path

from schemas.params.deidentify import Deidentify
from tasks.files.hashing import sha256_document
from tasks.swap.kin import kin_recipes
from tasks.swap.latents import ARCFACE, latent_digests
from tasks.swap.pool import donor_digests, donor_names, target_digests
from tasks.vision.sessions import Weights

MODELS = ("face_detector", "centerface", "face_landmarks", "iris_landmarks")
INSWAPPER = "inswapper"
CHOOSERS = {
    "dlib": ("dlib_recogniser", "dlib_landmarks"),
    "mobilefacenet": ("mobilefacenet",),
    "arcface": ("arcface",),
}


def models_of(rule: Deidentify) -> set[str]:
    """Return the names of the weights that the settings need, donors' pictures among them."""
    return {*MODELS, *CHOOSERS[rule.targets.chooser], *_neural(rule), *donor_names(rule)}


def model_digests(weights: Weights, rule: Deidentify, *others: str) -> dict[str, str]:
    """Return name -> digest of what a swap draws with and of other weights, and the device."""
    names = (*MODELS, *others, *_neural(rule))
    models = {name: weights.digest(name) for name in names} | donor_digests(weights, rule)
    return models | {"device": weights.inference.device}


def given_digests(weights: Weights, rule: Deidentify, root: Path) -> dict[str, str]:
    """Return the digest of every target that can be given in a workspace."""
    neural = latent_digests(weights, rule) if rule.swaps_neurally else {}
    # a mixed one's name tells its donors already
    kin = {name: sha256_document(name) for name in kin_recipes(root, rule.targets.k)}
    return target_digests(weights, rule) | neural | kin


def _neural(rule: Deidentify) -> tuple[str, ...]:
    return (INSWAPPER, ARCFACE) if rule.swaps_neurally else ()
