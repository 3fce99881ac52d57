"""Hit finding: frames with hit, maybe or miss labels, spotnet, and the loss between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.models.spotnet import WINDOW, SpotNet, WholeFrame, peak_cells, windows
from fedbragg.prepare import PrepareSettings, prepare_with_peaks
from fedbragg.types import Frame, Label, Spot

NEAR = 2.5
"""Pixels within which a peak is a simulated spot's."""
SPOT_SHARE = 0.5
"""Weight of the spot map in the loss, where the true spots are known."""
UNKNOWN = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class HitExample:
    """One labelled frame, reduced to its peaks; the image itself is not kept."""

    windows: Tensor  # (peaks, 4 * 81), surroundings of each peak
    label: Label
    spots: Tensor  # (peaks,) 1 spot, 0 none, -1 unknown


@dataclass(frozen=True, slots=True, eq=False)
class HitData:
    """A site's labelled frames, ready to train on."""

    windows: Tensor  # (all peaks, 4 * 81)
    first: Tensor  # (frames + 1,) where each frame's peaks start
    hit: Tensor  # (frames,) 1 for hit or maybe
    spots: Tensor  # (all peaks,) 1 spot, 0 none, -1 unknown

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.hit)

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return how many frames are misses and how many hits or maybes."""
        hits = int(self.hit.sum())
        return ((len(self) - hits, hits),)


def hit_example(
    frame: Frame, label: Label, settings: PrepareSettings, true_spots: Sequence[Spot] | None = None
) -> HitExample:
    """Prepare one labelled frame; simulated ones say where their spots are."""
    view, peaks = prepare_with_peaks(frame, settings)
    channels = torch.from_numpy(view.channels)
    cells = peak_cells(channels)
    known = torch.full((len(cells),), UNKNOWN)
    if true_spots is not None:
        rows, columns = (torch.from_numpy(peaks.places[i]).float()[cells[:, 0], cells[:, 1]] for i in (0, 1))
        known = _near_a_spot(rows, columns, true_spots)
    return HitExample(windows(channels, cells), label, known)


def _near_a_spot(rows: Tensor, columns: Tensor, true_spots: Sequence[Spot]) -> Tensor:
    """Say for each peak (peaks,) whether a true spot lies within reach."""
    if not true_spots or not len(rows):
        return torch.zeros(len(rows))
    places = torch.tensor([[spot.row, spot.column] for spot in true_spots])
    distance = torch.cdist(torch.stack([rows, columns], dim=1), places)  # (peaks, spots)
    return (distance.min(dim=1).values <= NEAR).float()


def gather(examples: Iterable[HitExample]) -> HitData:
    """Put a site's examples together."""
    listed = list(examples)
    lengths = torch.tensor([0] + [len(example.windows) for example in listed])
    return HitData(
        windows=torch.cat([example.windows for example in listed]),
        first=torch.cumsum(lengths, dim=0),
        hit=torch.tensor([float(example.label.positive) for example in listed]),
        spots=torch.cat([example.spots for example in listed]),
    )


def join(parts: Sequence[HitData]) -> HitData:
    """Pool several sites' data: what a federation must do without, and what it is compared with."""
    ends = np.cumsum([0] + [len(part.windows) for part in parts])
    firsts = [part.first[:-1] + int(end) for part, end in zip(parts, ends, strict=False)]
    return HitData(
        windows=torch.cat([part.windows for part in parts]),
        first=torch.cat([*firsts, torch.tensor([int(ends[-1])])]),
        hit=torch.cat([part.hit for part in parts]),
        spots=torch.cat([part.spots for part in parts]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class HitProblem:
    """What the training loop asks: spotnet on a site's frames."""

    network: SpotNet
    data: HitData

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.data)

    def loss(self, examples: Tensor, generator: torch.Generator) -> Tensor:
        """Return the cross-entropy of the hit score, and of the spot map where the spots are known."""
        surroundings, owner, spots = _select(self.data, examples)
        logits = self.network.spots(_turned(surroundings, generator))
        count = torch.zeros(len(examples)).index_add(0, owner, torch.sigmoid(logits))
        entropy = nn.functional.binary_cross_entropy_with_logits
        loss = entropy(self.network.hit(count), self.data.hit[examples])
        known = spots >= 0
        if known.any():
            loss = loss + SPOT_SHARE * entropy(logits[known], spots[known])
        return loss


def _select(data: HitData, examples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return windows, owning position in the batch, and spot labels of the peaks of some frames."""
    spans = [(int(data.first[i]), int(data.first[i + 1])) for i in examples]
    owner = torch.repeat_interleave(
        torch.arange(len(spans)), torch.tensor([stop - start for start, stop in spans])
    )
    peaks = torch.cat([torch.arange(start, stop) for start, stop in spans])
    return data.windows[peaks], owner, data.spots[peaks]


def _turned(surroundings: Tensor, generator: torch.Generator) -> Tensor:
    """Turn and mirror all windows alike: a detector has no preferred corner."""
    turns, mirror = (
        torch.randint(8, (1,), generator=generator).item() // 2,
        torch.rand(1, generator=generator),
    )
    grid = torch.arange(WINDOW**2).reshape(WINDOW, WINDOW).rot90(int(turns))
    order = (grid.flip(0) if mirror.item() < 0.5 else grid).reshape(-1)
    return surroundings.reshape(len(surroundings), -1, WINDOW**2)[:, :, order].reshape(surroundings.shape)


def score(network: SpotNet, data: HitData) -> NDArray[np.float64]:
    """Return the probability of a hit of every frame, (frames,)."""
    network.eval()
    with torch.no_grad():
        probability = torch.sigmoid(network.spots(data.windows))
        owner = torch.repeat_interleave(torch.arange(len(data)), data.first.diff())
        count = torch.zeros(len(data)).index_add(0, owner, probability)
        result: NDArray[np.float64] = torch.sigmoid(network.hit(count)).double().numpy()
    return result


def new_network(generator: torch.Generator) -> SpotNet:
    """Return a spotnet with random weights that only the generator decides."""
    network = SpotNet()
    layers = [layer for layer in network.spot if isinstance(layer, nn.Linear)]
    for layer in layers:
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        nn.init.zeros_(layer.bias)
    nn.init.constant_(layers[-1].bias, -2.0)  # spots are rare: start from few
    return network


def whole_frame(network: SpotNet) -> WholeFrame:
    """Return the network as the model file holds it."""
    return WholeFrame(network)
