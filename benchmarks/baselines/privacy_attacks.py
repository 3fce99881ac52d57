"""Attacks on what leaves a site: its labels, its detector, which frames it has, and their content.

Label share and detector: shadow updates and ridge regression. Membership: LiRA (Carlini et al., IEEE S&P 2022, online).
Inversion: exact for a first linear layer, whose weight gradient over its bias gradient is an input wherever one peak
alone activates a neuron (Phong et al. 2018; Boenisch et al., EuroS&P 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import State

Floats = NDArray[np.float64]
STRENGTHS = 10.0 ** np.arange(-2, 7)
"""Strengths of ridge regression to try; the best on the shadows, each left out once, is taken."""
LAST = 196
"""Numbers at the end of ``flat``: biases, the last layer and the head, which reveal most about the labels."""
SAME = 0.01
"""Relative distance below which a reconstructed peak counts as found."""
FIRST_WEIGHT, FIRST_BIAS = "spot.0.weight", "spot.0.bias"


@dataclass(frozen=True)
class Guess:
    """An attack's error for a number, and that of the best guess without any update."""

    error: float  # mean absolute error
    blind: float  # of the shadows' median


def flat(state: State) -> Floats:
    """Return all numbers of a state as one vector, the largest tensors first."""
    names = sorted(state, key=lambda name: (-state[name].size, name))
    return np.concatenate([np.asarray(state[name], np.float64).reshape(-1) for name in names])


def guessed_number(shadows: Floats, known: Floats, observed: Floats, truth: Floats) -> Guess:
    """Learn a number from shadow vectors (shadows, numbers), and guess that of the observed ones."""
    found = ridge(shadows, known[:, None], observed)[:, 0]
    blind = np.abs(truth - np.median(known)).mean()
    return Guess(float(np.abs(np.clip(found, 0, 1) - truth).mean()), float(blind))


def guessed_kind(
    shadows: Floats, known: NDArray[np.int64], observed: Floats, truth: NDArray[np.int64]
) -> float:
    """Learn one of several kinds from shadow vectors; return the share of the observed ones guessed right."""
    one_hot = np.eye(int(known.max()) + 1)[known]
    return float((ridge(shadows, one_hot, observed).argmax(axis=1) == truth).mean())


def ridge(inputs: Floats, targets: Floats, asked: Floats) -> Floats:
    """Return ridge regression's answers (asked, targets); inputs are standardised.

    The strength, and whether to look at all numbers or at the last alone, are those that predict left-out shadows best.
    """
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-12
    known, new = (inputs - mean) / spread, (asked - mean) / spread
    centre = targets.mean(axis=0)
    options = [(strength, first) for strength in STRENGTHS for first in (0, max(0, known.shape[1] - LAST))]
    kernels = {first: known[:, first:] @ known[:, first:].T for _, first in options}
    best, first = min(options, key=lambda o: _left_out_error(kernels[o[1]], targets - centre, o[0]))
    weights = np.linalg.solve(kernels[first] + best * np.eye(len(known)), targets - centre)
    answers: Floats = new[:, first:] @ known[:, first:].T @ weights + centre
    return answers


def _left_out_error(kernel: Floats, targets: Floats, strength: float) -> float:
    """Return the squared error of each shadow when it is left out, by the closed form of ridge regression."""
    inverse = np.linalg.inv(kernel + strength * np.eye(len(kernel)))
    residual = (inverse @ targets) / np.diag(inverse)[:, None]
    return float((residual**2).mean())


def likelihood_ratios(confidence: Floats, member: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return LiRA's score of each model and frame, and whether the frame was a member.

    ``confidence`` (models, frames) is the logit of the right answer, ``member`` which frames each model was trained on.
    Each model in turn is attacked with all the others as shadows.
    """
    scores = np.empty_like(confidence)
    for model in range(len(confidence)):
        others = np.arange(len(confidence)) != model
        inside, outside = (
            _normal(np.where(member[others] == kind, confidence[others], np.nan)) for kind in (True, False)
        )
        scores[model] = _log_density(confidence[model], *inside) - _log_density(confidence[model], *outside)
    return scores.reshape(-1), member.reshape(-1)


def _normal(values: Floats) -> tuple[Floats, Floats]:
    """Return mean of each frame, and one spread for all: with few shadows its own is too uncertain."""
    spread = np.sqrt(np.nanmean(np.nanvar(values, axis=0)))
    return np.nanmean(values, axis=0), np.full(values.shape[1], spread + 1e-9)


def _log_density(values: Floats, mean: Floats, spread: Floats) -> Floats:
    density: Floats = -0.5 * ((values - mean) / spread) ** 2 - np.log(spread)
    return density


def true_rate_at(scores: Floats, member: NDArray[np.bool_], false_rate: float) -> float:
    """Return the share of members above the score that ``false_rate`` of the others exceed."""
    return float((scores[member] > np.quantile(scores[~member], 1 - false_rate)).mean())


def peaks_in(update: State) -> Floats:
    """Return an input for each neuron of the first layer: its weights' part of an update over its bias' part."""
    weight, bias = np.asarray(update[FIRST_WEIGHT], float), np.asarray(update[FIRST_BIAS], float)
    used = np.abs(bias) > 1e-12
    inputs: Floats = weight[used] / bias[used, None]
    return inputs


def share_found(found: Floats, peaks: Floats) -> float:
    """Return the share of peaks (peaks, measures) of which one of the reconstructed inputs is a copy."""
    if not len(found):
        return 0.0
    squares = (found**2).sum(axis=1)[:, None] + (peaks**2).sum(axis=1) - 2 * found @ peaks.T
    nearest = np.sqrt(np.maximum(squares.min(axis=0), 0))
    return float((nearest <= SAME * np.linalg.norm(peaks, axis=1)).mean())


def mean_of(states: Sequence[State]) -> dict[str, NDArray[np.float64]]:
    """Return the plain mean of updates: all that a sum over equal sites reveals."""
    return {name: np.mean([state[name] for state in states], axis=0) for name in states[0]}
