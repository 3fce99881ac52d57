"""Hit finding: frames with hit, maybe or miss labels, spotnet, and the loss between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.learn.loop import FitSettings, fit
from fedbragg.learn.state import load_state, state_of
from fedbragg.tasks.hits.features import measures_of
from fedbragg.tasks.hits.network import SpotNet, WholeFrame
from fedbragg.tasks.hits.prepare import PrepareSettings, prepare_with_peaks
from fedbragg.types import Frame, Label, Spot, State

NEAR = 2.5
"""Pixels within which a peak is a simulated spot's."""
SPOT_SHARE = 4.0
"""Weight of the spot map in the loss, where the true spots are known."""
VISIBLE, FAINT = 6.0, 3.0
"""Standard deviations from which a simulated spot must be found, and below which finding it is wrong.

Between them a peak teaches nothing: on an empty frame noise looks the same.
"""
UNKNOWN = -1.0
PRETRAINING_RATE = 4e-3


@dataclass(frozen=True, slots=True, eq=False)
class HitExample:
    """One labelled frame, reduced to its peaks; the image itself is not kept."""

    measures: Tensor  # (peaks, 57), each peak and its surroundings
    label: Label
    spots: Tensor  # (peaks,) 1 spot, 0 none, -1 unknown


@dataclass(frozen=True, slots=True, eq=False)
class HitData:
    """A site's labelled frames, ready to train on."""

    measures: Tensor  # (all peaks, 57)
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
    known = torch.full((len(view.cells),), UNKNOWN)
    if true_spots is not None:
        places = torch.from_numpy(peaks.places[:, view.cells[:, 0], view.cells[:, 1]]).float()  # (2, peaks)
        known = _is_spot(places.T, true_spots)
    return HitExample(measures_of(view), label, known)


def _is_spot(places: Tensor, true_spots: Sequence[Spot]) -> Tensor:
    """Say for peaks at row and column (peaks, 2) whether each is a true spot: 1, 0, or -1 for unknown."""
    if not true_spots or not len(places):
        return torch.zeros(len(places))
    spots = torch.tensor([[spot.row, spot.column, spot.significance] for spot in true_spots])
    near = torch.cdist(places, spots[:, :2]) <= NEAR  # (peaks, spots)
    strongest = torch.where(near, spots[:, 2], 0.0).amax(dim=1)
    unclear = torch.where(strongest >= FAINT, UNKNOWN, 0.0)
    return torch.where(strongest >= VISIBLE, 1.0, unclear)


def gather(examples: Iterable[HitExample]) -> HitData:
    """Put a site's examples together."""
    listed = list(examples)
    lengths = torch.tensor([0] + [len(example.measures) for example in listed])
    return HitData(
        measures=torch.cat([example.measures for example in listed]),
        first=torch.cumsum(lengths, dim=0),
        hit=torch.tensor([float(example.label.positive) for example in listed]),
        spots=torch.cat([example.spots for example in listed]),
    )


def part(data: HitData, start: int, stop: int) -> HitData:
    """Return the frames from ``start`` to before ``stop``: neighbours in time stay together."""
    first = data.first[start : stop + 1]
    peaks = slice(int(first[0]), int(first[-1]))
    return HitData(data.measures[peaks], first - first[0], data.hit[start:stop], data.spots[peaks])


def join(parts: Sequence[HitData]) -> HitData:
    """Pool several sites' data: what a federation must do without, and what it is compared with."""
    ends = np.cumsum([0] + [len(part.measures) for part in parts])
    firsts = [part.first[:-1] + int(end) for part, end in zip(parts, ends, strict=False)]
    return HitData(
        measures=torch.cat([part.measures for part in parts]),
        first=torch.cat([*firsts, torch.tensor([int(ends[-1])])]),
        hit=torch.cat([part.hit for part in parts]),
        spots=torch.cat([part.spots for part in parts]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class HitProblem:
    """What the training loop asks: spotnet on a site's frames."""

    network: SpotNet
    data: HitData
    spot_share: float = SPOT_SHARE
    hit_weight: float = 1.0  # of a hit or maybe, against a miss

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.data)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the cross-entropy of the hit score, and of the spot map where the spots are known."""
        measures, owner, spots = _select(self.data, examples)
        logits = self.network.spots(measures)
        count = torch.zeros(len(examples)).index_add(0, owner, self.network.votes(logits))
        loss = nn.functional.binary_cross_entropy_with_logits(
            self.network.hit(count), self.data.hit[examples], pos_weight=torch.tensor(self.hit_weight)
        )
        return loss + self.spot_share * _spot_loss(logits, spots, owner, len(examples))


def _spot_loss(logits: Tensor, spots: Tensor, owner: Tensor, frames: int) -> Tensor:
    """Return the cross-entropy of the known peaks, each frame counting the same however many it has."""
    known = spots >= 0
    entropy = nn.functional.binary_cross_entropy_with_logits(logits[known], spots[known], reduction="none")
    number = torch.zeros(frames).index_add(0, owner[known], torch.ones(len(entropy)))
    return (entropy / number[owner[known]]).sum() / frames


def _select(data: HitData, examples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return measures, owning position in the batch, and spot labels of the peaks of some frames."""
    spans = [(int(data.first[i]), int(data.first[i + 1])) for i in examples]
    owner = torch.repeat_interleave(
        torch.arange(len(spans)), torch.tensor([stop - start for start, stop in spans])
    )
    peaks = torch.cat([torch.arange(start, stop) for start, stop in spans])
    return data.measures[peaks], owner, data.spots[peaks]


def score(network: SpotNet, data: HitData) -> NDArray[np.float64]:
    """Return the probability of a hit of every frame, (frames,)."""
    network.eval()
    with torch.no_grad():
        votes = network.votes(network.spots(data.measures))
        owner = torch.repeat_interleave(torch.arange(len(data)), data.first.diff())
        count = torch.zeros(len(data)).index_add(0, owner, votes)
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


def pretrain(
    data: HitData | None,
    epochs: int,
    seed: int,
    watch: Callable[[int, float], None] | None = None,
    hit_weight: float = 1.0,
) -> dict[str, NDArray[Any]]:
    """Return the state of a new network, trained on frames with known spots and then end to end on their labels.

    ``hit_weight`` is what a hit counts in the end, against a miss.
    """
    generator = torch.Generator().manual_seed(seed)
    network = new_network(generator)
    if data is not None:
        settings = FitSettings(epochs, learning_rate=PRETRAINING_RATE, annealed=True)
        fit(network, HitProblem(network, data), settings, generator, watch)
        # End to end at last, for what matters is the frame; the spots still count, lest the map forget the strong ones.
        settings = FitSettings(max(epochs // 4, 1), learning_rate=PRETRAINING_RATE / 8, annealed=True)
        fit(network, HitProblem(network, data, SPOT_SHARE / 4, hit_weight), settings, generator)
    return state_of(network)


def scores_of(state: State, data: HitData) -> NDArray[np.float64]:
    """Return a model's scores of frames, (frames,)."""
    return score(_network_of(state), data)


def whole_frame_of(state: State) -> WholeFrame:
    """Return a model as the model file holds it."""
    return WholeFrame(_network_of(state))


def _network_of(state: State) -> SpotNet:
    network = SpotNet()
    load_state(network, state)
    return network
