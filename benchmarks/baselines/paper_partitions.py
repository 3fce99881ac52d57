"""How FedKL's table splits its frames: the test set at the server, and five sites' training and validation frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Label

LABELS = tuple(Label)
SITES = 5
VALIDATION = 0.2
"""Share of a site's frames that it does not train on (FedKL, section 4)."""
IN_TEST = {Label.HIT: 66, Label.MAYBE: 144, Label.MISS: 190}
"""The labels of the paper's 400 test frames: 52.5 % positive, where 27.3 % of the other 1,600 are."""
SKEWED = ((600, 12), (274, 27), (200, 60), (280, 140), (246, 197))
"""Frames and positive ones of five skewed sites: 2, 10, 30, 50 and 80 %."""
FEWEST = 40
"""Frames that a site has at least, so that it holds two batches; Dirichlet draws with fewer are drawn again."""
Indices = NDArray[np.int64]
Parts = list[Indices]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Positions of frames: who trains on which, and which judge."""

    train: tuple[Indices, ...]  # of each site
    validation: tuple[Indices, ...]  # of each site
    test: Indices  # (400,) at the server

    @property
    def pooled(self) -> Indices:
        """Return all sites' training frames."""
        return np.concatenate(self.train)

    @property
    def all_validation(self) -> Indices:
        """Return all sites' validation frames."""
        return np.concatenate(self.validation)


def split(labels: Indices, partition: str, seed: int) -> Split:
    """Draw the test set, share the other frames among the sites, and split each site's 8:2, stratified.

    ``labels`` (frames,) are positions in LABELS. Raises KeyError for an unknown partition.
    """
    generator = np.random.default_rng([seed, 20])
    test = np.sort(np.concatenate([_drawn(labels, label, n, generator) for label, n in IN_TEST.items()]))
    pool = generator.permutation(np.setdiff1d(np.arange(len(labels)), test))
    positive = labels != LABELS.index(Label.MISS)
    parts = PARTITIONS[partition](pool, positive[pool], generator)
    both = [_stratified(np.sort(part), positive, generator) for part in parts]
    return Split(tuple(train for train, _ in both), tuple(held for _, held in both), test)


def random_parts(pool: Indices, positive: NDArray[np.bool_], generator: np.random.Generator) -> Parts:
    """Share the frames by chance, equally."""
    return np.array_split(generator.permutation(pool), SITES)


def skewed_parts(pool: Indices, positive: NDArray[np.bool_], generator: np.random.Generator) -> Parts:
    """Give the sites the numbers of SKEWED."""
    hits, misses = pool[positive], pool[~positive]
    hit_ends = np.cumsum([number for _, number in SKEWED])
    miss_ends = np.cumsum([frames - number for frames, number in SKEWED])
    pieces = zip(np.split(hits, hit_ends)[:SITES], np.split(misses, miss_ends)[:SITES], strict=True)
    return [np.concatenate(both) for both in pieces]


def dirichlet_parts(
    beta: float, pool: Indices, positive: NDArray[np.bool_], generator: np.random.Generator
) -> Parts:
    """Draw each class's shares among the sites from a Dirichlet distribution (Li et al. 2022, NIID-Bench)."""
    while True:
        halves = [_by_shares(pool[chosen], beta, generator) for chosen in (positive, ~positive)]
        parts = [np.concatenate(both) for both in zip(*halves, strict=True)]
        if min(len(part) for part in parts) >= FEWEST:
            return parts


Partition = Callable[[Indices, NDArray[np.bool_], np.random.Generator], Parts]
PARTITIONS: Mapping[str, Partition] = {
    "random": random_parts,
    "skewed": skewed_parts,
    "dirichlet-0.1": lambda *known: dirichlet_parts(0.1, *known),
    "dirichlet-0.5": lambda *known: dirichlet_parts(0.5, *known),
}


def _drawn(labels: Indices, label: Label, number: int, generator: np.random.Generator) -> Indices:
    return generator.permutation(np.flatnonzero(labels == LABELS.index(label)))[:number]


def _by_shares(frames: Indices, beta: float, generator: np.random.Generator) -> Parts:
    shares = generator.dirichlet(np.full(SITES, beta))
    ends = np.rint(np.cumsum(shares)[:-1] * len(frames)).astype(np.int64)
    return np.split(frames, ends)


def _stratified(
    frames: Indices, positive: NDArray[np.bool_], generator: np.random.Generator
) -> tuple[Indices, Indices]:
    """Return training and validation frames with the same share of positive ones, as far as whole frames allow."""
    held = []
    for chosen in (frames[positive[frames]], frames[~positive[frames]]):
        held.append(generator.permutation(chosen)[: round(VALIDATION * len(chosen))])
    validation = np.sort(np.concatenate(held))
    return np.setdiff1d(frames, validation), validation
