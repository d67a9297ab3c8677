"""The training of a workspace's network, part by part: what is kept of each is what the next goes on from."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from schemas.jobs import Span
from schemas.params.inference import Inference
from schemas.params.train import Train
from tasks.files.errors import ModelError
from tasks.files.hashing import sha256_document, sha256_file
from tasks.files.whole import write_bytes
from tasks.train.export import to_onnx
from tasks.train.learning import Astray, Learner, examine
from tasks.train.pairs import Pairs, read_pairs

HELD_OUT = 8  # the last of so many parts of a face's pairs is not learnt from
# on what the bytes of the weights depend beside what is learnt from
CODE = sorted(Path(__file__).parent.glob("*.py"))


def device_of(inference: Inference) -> str:
    """Return where the network is trained. Raises ModelError where that is not there."""
    if inference.provider == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        raise ModelError(
            f"inference.provider is {inference.provider}, and this PyTorch finds no such device: "
            "install its driver, or set inference.provider to cpu"
        )
    return "cuda"


def training_digest(inputs: Mapping[str, str], settings: Train, inference: Inference) -> str:
    """Return the digest of all that a state depends on: another training's must not be gone on from."""
    code = {path.name: sha256_file(path) for path in CODE}
    return sha256_document(
        {"inputs": dict(inputs), "train": settings.model_dump(mode="json"), "code": code,
         "torch": torch.__version__, "device": inference.device}
    )  # fmt: skip


class Training:
    """A network that learns from the pairs of everybody; faces: name -> the files of their pairs."""

    def __init__(
        self, root: Path, faces: Mapping[str, list[tuple[Path, int]]], settings: Train, inference: Inference
    ) -> None:
        torch.set_num_threads(settings.threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        self._settings, self._device = settings, device_of(inference)
        self.names = sorted(faces)
        pairs = [_pairs_of(root, faces[name]) for name in self.names]
        self.shown = [_some(own, held_out=False) for own in pairs]
        self._held_out = [_some(own, held_out=True) for own in pairs]
        self.learner = Learner(settings.side_px, len(pairs), settings.steps, self._device)
        self.curve: list[dict[str, float]] = []

    def restore(self, path: Path, digest: str) -> bool:
        """Go on from a state, if it is one of this training's; return whether it is."""
        if not path.is_file():
            return False
        state = torch.load(BytesIO(path.read_bytes()), map_location=self._device, weights_only=True)
        if state["of"] != digest:
            return False
        self.learner.restore(state)
        self.curve = state["curve"]
        return True

    def learn(self, span: Span, path: Path, digest: str) -> None:
        """Make the steps of a part, and keep the state."""
        lost = [self.learner.step(self.shown, self._settings.batch) for _ in range(*span)]
        found = self.examine()
        self.curve.append(
            {"steps": span[1], "loss": sum(lost) / len(lost), "colour_error": found.colour,
             "mask_error": found.mask}
        )  # fmt: skip
        packed = BytesIO()
        torch.save(self.learner.state() | {"of": digest, "curve": self.curve}, packed)
        write_bytes(packed.getvalue(), path)

    def examine(self) -> Astray:
        """Return how far the network is off on pairs that it did not learn from."""
        return examine(self.learner.network, self._held_out, self._settings.side_px, self._device)

    def graph(self, whose: int) -> bytes:
        """Return one of the faces as an ONNX graph."""
        return to_onnx(self.learner.network, whose, self._settings.side_px)


def _pairs_of(root: Path, files: list[tuple[Path, int]]) -> Pairs:
    """Return all pairs of one face."""
    parts: list[Any] = []
    for path, face in files:
        pairs = read_pairs(root / path)
        parts.append([column[pairs.face == face] for column in pairs])
    return Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _some(pairs: Pairs, *, held_out: bool) -> Pairs:
    last = len(pairs.face) // HELD_OUT
    chosen = np.arange(len(pairs.face)) >= len(pairs.face) - last
    return Pairs(*(column[chosen == held_out] for column in pairs))
