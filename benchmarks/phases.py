"""Identify phases in measured micro-XRD patterns: ours, the published recipe, binary networks, a peak-position score.

    .venv/bin/python benchmarks/phases.py [choice] [synthetic] [ladder] [losses] [weighting] [baselines] [federated]
        [from_public] [from_packaged] [shipped] [labelled] [disagreements] [reliable]

Measured patterns only judge, but for the "plus x %" rows, whose training and test blocks of file numbers are disjoint;
unmasked and masked twins stay on one side. Every row is the mean over 5 seeds with its 95 % interval (Student's t); a
seed draws its own patterns of a simulated pool, other first weights and another order. Tables not asked
for keep their last state.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from baselines.peak_position import peak_position_score
from baselines.phases_disagreements import disagreements, identified, labelled
from baselines.phases_judging import (
    COLUMNS,
    JUDGED,
    KINDS,
    LABELS,
    PHASES,
    WAVELENGTH,
    Measured,
    Score,
    row,
    rows,
)
from baselines.phases_networks import probabilities as published_probabilities
from baselines.phases_networks import train_published
from baselines.phases_patterns import SEEDS, TASK, drawn
from baselines.phases_reliability import choice_of_loss, reliable, score_of
from baselines.phases_sites import federated, from_packaged, from_public
from baselines.phases_states import trained
from fedbragg.learn.settings import FitSettings
from fedbragg.metrics.roc import area_under_curve
from fedbragg.tasks.phases.build import PhasesRecipe
from fedbragg.tasks.phases.data import PhaseData, concatenate
from fedbragg.tasks.phases.settings import LossName
from harness import Table, publish, with_kept

PATTERNS, EPOCHS = 6_000, 8
FEW, FEW_EPOCHS = 3_000, 8
FEWEST, FEWEST_EPOCHS = 1_500, 6
"""Simulated patterns and epochs where variants are compared with one another."""
SHARES = (0, 1, 5, 10, 25)
LOSSES: tuple[LossName, ...] = ("plain", "tailored", "positive", "focal", "uncertainty")
DEFAULT_LOSS: LossName = PhasesRecipe().loss


def ours(state: dict[str, np.ndarray]) -> Score:
    return lambda data: TASK.probabilities(state, data)


def peak_rows(measured: dict[str, Measured]) -> list[list[str]]:
    listed = []
    for kind in KINDS:
        m = measured[kind]
        scores = np.array(
            [[peak_position_score(*raw, phase, WAVELENGTH) for phase in PHASES] for raw in m.raw]
        )
        for labels, truth in m.truth.items():
            areas = [_area(truth[:, k], scores[:, k]) for k in range(len(PHASES))]
            listed.append(["peak-position score", kind, labels, "-", "-", "-", *areas, *["-"] * 6])
    return listed


def _area(truth: np.ndarray, score: np.ndarray) -> str:
    known = truth >= 0
    return f"{area_under_curve(truth[known] > 0, score[known]).value:.3f}"


def synthetic(measured: dict[str, Measured]) -> Table:
    states = [_main_state(seed) for seed in SEEDS]
    listed = rows("phasenet, synthetic only", measured, [score_of(state) for state in states])
    notes = [
        f"phasenet: {PATTERNS} simulated patterns, {EPOCHS} epochs, no measured pattern; calibrated on "
        "simulated patterns. A phase is found from 0.5 on.",
        "Peak-position score: five strongest lines, highest point within 0.15 degrees over the median out to 0.4 "
        "degrees, in its MAD. Another definition gave 0.93 / 0.87 / 0.91 unmasked and 0.97 / 0.82 / 0.94 masked.",
        OPEN_LABELS,
    ]
    return Table(
        "Synthetic patterns only, judged by 72 measured ones", COLUMNS, [*listed, *peak_rows(measured)], notes
    )


OPEN_LABELS = (
    "Lines: what the phases' own lines show (docs/decisions/0119); patterns that the rule leaves open do not count. "
    '"Names where lines decide" judges the same patterns by their names. The table of names and lines says how many.'
)


def _main_state(seed: int) -> dict[str, np.ndarray]:
    return trained(PATTERNS, EPOCHS, seed, DEFAULT_LOSS)


def ladder(measured: dict[str, Measured]) -> Table:
    """Go on training with a contiguous block of measured patterns, judged by those outside the largest block."""
    listed = []
    for labels in LABELS:
        for share in SHARES:
            listed += adapted_rows(f"plus {share} % measured", measured, share, labels, _main_state, "domain")
    notes = [
        BLOCKS,
        "The domain-weighted loss is used: a measured pattern counts 20 times a simulated one. Rows "
        "judged by names were trained with names, those by lines with lines. Networks that saw measured patterns are "
        "not calibrated, nor does `fedbragg train` calibrate.",
        OPEN_LABELS,
    ]
    return Table("Plus a share of measured patterns", COLUMNS, listed, notes)


def weighting(measured: dict[str, Measured]) -> Table:
    """Compare the domain-weighted loss with the plain one where there are measured patterns."""
    listed = []
    for loss in ("plain", "domain"):
        listed += adapted_rows(f"{loss}, plus 10 % measured", measured, 10, "names", _few_state, loss)
    note = f"{FEWEST} simulated patterns, {FEWEST_EPOCHS} epochs, then as above."
    return Table("Domain-weighted against plain cross-entropy", COLUMNS, listed, [note, BLOCKS])


def _few_state(seed: int) -> dict[str, np.ndarray]:
    return trained(FEWEST, FEWEST_EPOCHS, seed)


BLOCKS = (
    "Seed s trains on a block of file numbers that starts s/4 of the way through; all shares of a seed are judged by "
    "the same patterns, those outside the block of 25 % and its neighbours. AUC is over the seeds whose test block "
    "holds both classes."
)


def adapted_rows(
    name: str,
    measured: dict[str, Measured],
    share: int,
    labels: str,
    state_of: Callable[[int], dict[str, np.ndarray]],
    loss: LossName,
) -> list[list[str]]:
    """Judge each seed's state after training on its block of measured patterns, both twins of each."""
    total = len(measured["unmasked"].number)
    largest, size = round(max(SHARES) / 100 * total), round(share / 100 * total)
    data = {kind: measured[kind].labelled(labels) for kind in KINDS}
    scores: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    kept = []
    for seed in SEEDS:
        start = round(seed * (total - largest) / (len(SEEDS) - 1))
        score = score_of(state_of(seed))
        if size:
            block = slice(start, start + size)
            score = ours(
                adapt(state_of(seed), concatenate([data[kind][block] for kind in KINDS]), seed, loss)
            )
        outside = np.ones(total, bool)
        outside[max(start - 1, 0) : start + largest + 1] = False  # neighbours of the block are near-copies
        kept.append(outside)
        for kind in KINDS:
            scores[kind].append(score(data[kind]))
    said = f"{name} ({size} of {total})"
    judged = [one for one, trains in JUDGED.items() if trains == labels]
    return [row(said, k, one, measured[k].truth[one], scores[k], kept) for one in judged for k in KINDS]


def adapt(state: dict[str, np.ndarray], block: PhaseData, seed: int, loss: LossName) -> dict[str, np.ndarray]:
    mixed = concatenate([drawn(1_000, 100 + seed), block])
    fitting = FitSettings(3, 32, 1e-3, annealed=True)
    return replace(TASK, loss=loss).train(state, mixed, fitting, torch.Generator().manual_seed(seed))[0]


def losses(measured: dict[str, Measured]) -> Table:
    """Judge each loss by measured patterns; ``choice`` is the table that chooses."""
    listed = []
    for loss in LOSSES:
        states = [trained(FEWEST, FEWEST_EPOCHS, seed, loss) for seed in SEEDS]
        listed += rows(f"{loss} cross-entropy", measured, [score_of(state) for state in states])
    notes = [
        f"{FEWEST} simulated patterns, {FEWEST_EPOCHS} epochs, calibrated on simulated patterns. Domain-weighting "
        "changes nothing without measured patterns. These figures choose nothing.",
        OPEN_LABELS,
    ]
    return Table("The cross-entropies, synthetic only, judged by measured patterns", COLUMNS, listed, notes)


def choice(_: dict[str, Measured]) -> Table:
    """Judge each loss on simulated validation patterns, which choose the default (docs/decisions/0120)."""
    return choice_of_loss(LOSSES, lambda loss, seed: trained(FEWEST, FEWEST_EPOCHS, seed, loss))


def baselines(measured: dict[str, Measured]) -> Table:
    sets = [drawn(FEW, seed) for seed in SEEDS]
    everything = list(range(len(PHASES)))
    together = [
        train_published(data, everything, FEW_EPOCHS, seed) for seed, data in zip(SEEDS, sets, strict=True)
    ]
    binary = [
        [train_published(data, [k], FEW_EPOCHS, seed) for k in everything]
        for seed, data in zip(SEEDS, sets, strict=True)
    ]
    ours_few = [TASK.pretrain(data, FEW_EPOCHS, seed) for seed, data in zip(SEEDS, sets, strict=True)]

    def each(networks: list) -> Score:
        return lambda data: np.hstack([published_probabilities(network, data) for network in networks])

    listed = rows("phasenet (multi-task)", measured, [ours(state) for state in ours_few])
    listed += rows("published recipe (multi-task)", measured, [each([network]) for network in together])
    listed += rows("one-phase binary networks", measured, [each(networks) for networks in binary])
    note = (
        f"All on the same {FEW} simulated patterns, {FEW_EPOCHS} epochs, prepared alike. Binary: the published "
        "network, one head each."
    )
    return Table(
        "Multi-task against binary and the published recipe, synthetic only", COLUMNS, listed, [note]
    )


def shipped(measured: dict[str, Measured]) -> Table:
    table = rows("phases.onnx", measured, [lambda data: identified(data.views.numpy())])
    note = (
        "One model: the intervals are over the patterns (Wilson; Hanley and McNeil for AUC; means of three)."
    )
    question = "The shipped model, by ONNX Runtime"
    return Table(question, COLUMNS, table, [note, OPEN_LABELS])


PARTS = {
    f.__name__: f
    for f in (
        choice, synthetic, ladder, losses, weighting, baselines, federated, from_public, from_packaged,
        shipped, labelled, disagreements, reliable,
    )
}  # fmt: skip


def main(asked: Sequence[str]) -> None:
    torch.set_num_threads(1)
    measured = {kind: Measured(kind) for kind in KINDS}
    for name in asked or PARTS:
        table = PARTS[name](measured)
        publish("phases", with_kept("phases", table))


if __name__ == "__main__":
    main(sys.argv[1:])
