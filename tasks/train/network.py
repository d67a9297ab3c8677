"""The network: one encoder for everybody, one decoder a face (pure).

Written from the published descriptions of face swapping by autoencoders (Perov et al. 2020, arXiv 2005.05535;
Zhu et al. 2020, arXiv 2003.00813). Nothing of a picture but its mean and spread leads past the bottleneck.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

CHANNELS = (32, 64, 128, 256)
CODE, DECODED = 128, (128, 64, 32, 16)
SLOPE = 0.1
# of what a decoder draws before it has learnt anything; of a picture's colours, in 0..1
FAINT, LEAST_SPREAD = 0.2, 0.02


class Encoder(nn.Module):
    """N x 3 x side x side in 0..1 -> N x 128 x side/16 x side/16."""

    def __init__(self, side_px: int) -> None:
        super().__init__()
        wide = (3, *CHANNELS)
        self.shrink = nn.ModuleList(
            nn.Conv2d(before, after, 5, stride=2, padding=2) for before, after in pairwise(wide)
        )
        self.small = side_px // 16
        self.squeeze = nn.Linear(CHANNELS[-1] * self.small**2, CODE)
        self.spread = nn.Linear(CODE, DECODED[0] * self.small**2)

    def forward(self, faces: Tensor) -> Tensor:
        for layer in self.shrink:
            faces = nn.functional.leaky_relu(layer(faces), SLOPE)
        code = self.spread(self.squeeze(faces.flatten(1)))
        return code.view(-1, DECODED[0], self.small, self.small)


class Decoder(nn.Module):
    """N x 128 x side/16 x side/16 -> N x 4 x side x side: RGB and weight, as the network scales them."""

    def __init__(self) -> None:
        super().__init__()
        wide = (*DECODED, DECODED[-1])
        self.grow = nn.ModuleList(
            nn.Conv2d(before, 4 * after, 3, padding=1) for before, after in pairwise(wide)
        )
        self.finish = nn.Conv2d(DECODED[-1], 4, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        for layer in self.grow:
            code = nn.functional.leaky_relu(nn.functional.pixel_shuffle(layer(code), 2), SLOPE)
        return self.finish(code)


class Network(nn.Module):
    """N x 3 x side x side in 0..1 -> N x 4 x side x side: RGB, and how much of it is the face in 0..1.

    The encoder, and a decoder for each of so many faces. The picture's mean and spread go past both: a face
    need not be learnt in every light.
    """

    def __init__(self, side_px: int, faces: int) -> None:
        super().__init__()
        self.encoder = Encoder(side_px)
        self.decoders = nn.ModuleList(Decoder() for _ in range(faces))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # He et al. 2015; a dense layer is not bent behind
                nn.init.kaiming_normal_(layer.weight, a=SLOPE if isinstance(layer, nn.Conv2d) else 1.0)
                nn.init.zeros_(layer.bias)
        for decoder in self.decoders:
            decoder.finish.weight.data.mul_(FAINT)

    def forward(self, faces: Tensor, whose: int) -> Tensor:
        mean = faces.mean((2, 3), keepdim=True)
        spread = (faces - mean).square().mean((1, 2, 3), keepdim=True).sqrt() + LEAST_SPREAD
        drawn = self.decoders[whose](self.encoder((faces - mean) / spread))
        return torch.cat([drawn[:, :3] * spread + mean, torch.sigmoid(drawn[:, 3:])], dim=1)
