"""Pairs as they might have been filmed: turned, blurred, from afar, in other light, behind things (pure)."""

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

# a square's side is this share of a stored picture's
INNER = 1 / 1.25
TURN_RAD, SCALED, SQUEEZED, MOVED = 0.2, (0.92, 1.1), 0.75, 0.06
BLURRED, FARTHER, HIDDEN = 0.35, 0.25, 0.3  # how often
MOST_BLUR_PX, MOST_FARTHER = 3.0, 4.0
GAIN, LEVEL, TINT, NOISE = (0.6, 1.3), 0.1, 0.08, 0.02


class Batch(NamedTuple):
    """N pairs: pictures N x 3 x side x side in 0..1, weights N x 1 x side x side."""

    patient: Tensor
    drawn: Tensor
    mask: Tensor
    emphasis: Tensor


def varied(batch: Batch, side_px: int, chance: Generator) -> Batch:
    """Return the pairs cut to squares of a side, each varied in its own way, both pictures alike."""
    batch = _hidden(_filmed(_moved(batch, side_px, chance), chance), chance)
    noise = torch.randn(batch.patient.shape, generator=chance).to(batch.patient) * NOISE
    return batch._replace(patient=(batch.patient + noise).clamp(0, 1))


def plain(batch: Batch, side_px: int) -> Batch:
    """Return the pairs cut to squares of a side, as they were filmed."""
    steady = torch.eye(2, 3).mul(INNER).repeat(len(batch.patient), 1, 1)
    return _laid(batch, steady, side_px)


def _uniform(chance: Generator, count: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=chance)


def _moved(batch: Batch, side_px: int, chance: Generator) -> Batch:
    count = len(batch.patient)
    angle = _uniform(chance, count, -TURN_RAD, TURN_RAD)
    scale = INNER * _uniform(chance, count, *SCALED)
    # a face that turns away becomes narrow
    across = scale / _uniform(chance, count, SQUEEZED, 1.0)
    way = torch.stack([_uniform(chance, count, -MOVED, MOVED) for _ in range(2)], dim=1)
    turned = torch.stack(
        [across * torch.cos(angle), -scale * torch.sin(angle), way[:, 0],
         across * torch.sin(angle), scale * torch.cos(angle), way[:, 1]], dim=1,
    )  # fmt: skip
    return _laid(batch, turned.view(count, 2, 3), side_px)


def _laid(batch: Batch, maps: Tensor, side_px: int) -> Batch:
    whole = torch.cat(batch, dim=1)
    grid = functional.affine_grid(maps.to(whole), [len(whole), whole.shape[1], side_px, side_px], False)
    laid = functional.grid_sample(whole, grid, padding_mode="border", align_corners=False)
    return Batch(laid[:, :3], laid[:, 3:6], laid[:, 6:7], laid[:, 7:])


def _filmed(batch: Batch, chance: Generator) -> Batch:
    """Blur a batch by one movement, or bring it from one distance, and light each pair by itself."""
    both = torch.cat([batch.patient, batch.drawn], dim=1)
    blurs, comes_from_afar = torch.rand(2, generator=chance) < torch.tensor([BLURRED, FARTHER])
    if blurs:
        both = _blurred(both, chance)
    if comes_from_afar:
        side = both.shape[-1]
        small = max(4, round(side / float(_uniform(chance, 1, 1.0, MOST_FARTHER))))
        both = functional.interpolate(both, (small, small), mode="bilinear", antialias=True)
        both = functional.interpolate(both, (side, side), mode="bilinear")
    count = len(both)
    gain, level = _uniform(chance, count, *GAIN), _uniform(chance, count, -LEVEL, LEVEL)
    tint = 1 + (torch.rand(count, 3, generator=chance) * 2 - 1) * TINT
    light = (gain[:, None] * tint).repeat(1, 2)[:, :, None, None].to(both)
    both = (both * light + level[:, None, None, None].to(both)).clamp(0, 1)
    return batch._replace(patient=both[:, :3], drawn=both[:, 3:])


def _blurred(both: Tensor, chance: Generator) -> Tensor:
    """Return pictures moved while the shutter was open."""
    length, angle = float(_uniform(chance, 1, 0.5, MOST_BLUR_PX)), float(_uniform(chance, 1, 0.0, 3.1416))
    reach = int(2 * MOST_BLUR_PX)
    across = torch.arange(-reach, reach + 1, dtype=torch.float32)
    along = across[None] * torch.cos(torch.tensor(angle)) + across[:, None] * torch.sin(torch.tensor(angle))
    beside = across[:, None] * torch.cos(torch.tensor(angle)) - across[None] * torch.sin(torch.tensor(angle))
    kernel = torch.exp(-((along / length) ** 2) / 2 - (beside / 0.6) ** 2 / 2)
    kernels = (kernel / kernel.sum()).to(both).repeat(both.shape[1], 1, 1, 1)
    padded = functional.pad(both, [reach] * 4, mode="replicate")
    return functional.conv2d(padded, kernels, groups=both.shape[1])


def _hidden(batch: Batch, chance: Generator) -> Batch:
    """Hold an ellipse of one colour before some faces; nothing is to be drawn there."""
    count, side = len(batch.patient), batch.patient.shape[-1]
    at = torch.linspace(-1, 1, side)
    middle = torch.rand(count, 2, 1, 1, generator=chance) * 2 - 1
    size = 0.1 + 0.4 * torch.rand(count, 2, 1, 1, generator=chance)
    colour = torch.rand(count, 3, 1, 1, generator=chance).to(batch.patient)
    inside = ((at[None, None] - middle[:, :1]) / size[:, :1]) ** 2
    inside = inside + ((at[None, :, None] - middle[:, 1:]) / size[:, 1:]) ** 2
    here = torch.rand(count, 1, 1, 1, generator=chance) < HIDDEN
    thing = ((inside < 1) & here).to(batch.patient)
    bare = 1 - thing
    return Batch(
        *(picture * bare + colour * thing for picture in batch[:2]), *(part * bare for part in batch[2:])
    )
