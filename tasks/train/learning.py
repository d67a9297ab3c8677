"""How a network learns: each step by itself, so that a killed training goes on to the same bytes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from tasks.train.network import Network
from tasks.train.pairs import Pairs
from tasks.train.varying import Batch, plain, varied

SEED = 1
RATE, BETAS = 1e-3, (0.9, 0.99)
# what a pixel counts outside of what is drawn, and how much more within eyes and mouth
OUTSIDE, EMPHASIS, EDGES, MASK = 0.05, 2.0, 1.0, 0.5


class Learner:
    """A network, what optimises it, and how many steps it has made of how many."""

    def __init__(self, side_px: int, faces: int, steps: int, device: str = "cpu") -> None:
        torch.manual_seed(SEED)
        self.network = Network(side_px, faces).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=RATE, betas=BETAS)
        self.done, self._steps, self._side, self._device = 0, steps, side_px, device

    def step(self, pairs: Sequence[Pairs], batch: int) -> float:
        """Learn from so many pairs of one face, each face in its turn; return how far off it was."""
        whose = self.done % len(pairs)
        chance = Generator().manual_seed(SEED + self.done)
        own = pairs[whose]
        picks = torch.randint(len(own.face), (batch,), generator=chance)
        shown = varied(to_batch(own, picks, self._device), self._side, chance)
        for group in self.optimiser.param_groups:
            group["lr"] = RATE * (0.02 + 0.98 * (1 + math.cos(math.pi * self.done / self._steps)) / 2)
        self.optimiser.zero_grad(set_to_none=True)
        astray = loss(self.network(shown.patient, whose), shown)
        astray.backward()
        self.optimiser.step()
        self.done += 1
        return float(astray.detach())

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "done": self.done
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that was kept."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["done"]


def to_batch(pairs: Pairs, picks: Tensor, device: str) -> Batch:
    """Return some of the pairs as tensors."""
    at = picks.numpy()
    pictures = (torch.from_numpy(part[at]).permute(0, 3, 1, 2) for part in (pairs.patient, pairs.drawn))
    parts = (torch.from_numpy(part[at])[:, None] for part in (pairs.mask, pairs.emphasis))
    return Batch(*(one.to(device, torch.float32) / 255 for one in (*pictures, *parts)))


def loss(drawn: Tensor, shown: Batch) -> Tensor:
    """Return how far a drawn face is from the wanted one: colour, edges, and where it is."""
    rgb, mask = drawn[:, :3], drawn[:, 3:]
    weights = shown.mask * (1 + EMPHASIS * shown.emphasis) + OUTSIDE
    colour = _mean((rgb - shown.drawn).abs(), weights)
    edges = _edges(rgb, shown.drawn, weights)
    return colour + EDGES * edges + MASK * functional.l1_loss(mask, shown.mask)


def _edges(first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
    """Return how far the differences between neighbouring pixels are apart, across and down."""
    down, across = (
        _mean((first.diff(dim=axis) - second.diff(dim=axis)).abs(), _both(weights, axis)) for axis in (2, 3)
    )
    return down + across


def _mean(astray: Tensor, weights: Tensor) -> Tensor:
    return (astray * weights).sum() / (weights.sum() * astray.shape[1])


def _both(weights: Tensor, axis: int) -> Tensor:
    size = weights.shape[axis] - 1
    return torch.minimum(weights.narrow(axis, 0, size), weights.narrow(axis, 1, size))


class Astray(NamedTuple):
    """How far off a network is on pairs: colours and edges in the face, of 255, and its mask, of 1."""

    colour: float
    edges: float
    mask: float


def examine(network: Network, pairs: Sequence[Pairs], side_px: int, device: str) -> Astray:
    """Return how far a network is off on each face's pairs, as they were filmed."""
    found = []
    with torch.no_grad():
        for whose, own in enumerate(pairs):
            shown = plain(to_batch(own, torch.arange(len(own.face)), device), side_px)
            drawn = network(shown.patient, whose)
            rgb = drawn[:, :3]
            colour = _mean((rgb - shown.drawn).abs(), shown.mask) * 255
            edges = _edges(rgb, shown.drawn, shown.mask) * 255
            found.append((float(colour), float(edges), float((drawn[:, 3:] - shown.mask).abs().mean())))
    return Astray(*(sum(column) / len(column) for column in zip(*found, strict=True)))
