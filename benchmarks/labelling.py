"""Measure how many labels it takes to adapt a model, uncertain frames first or at random, and the effect on a bound.

    .venv/bin/python benchmarks/labelling.py [--facilities 20] [--frames 100]

Ten minutes of one core. Facilities are those of benchmarks/unseen.py, which no training has seen. The peaks of their
frames are measured once; every training starts from the packaged model and sees only peaks and labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.anywhere import anywhere
from fedbragg.learn.threads import keep_to_one_core
from fedbragg.metrics.proportions import proportion
from fedbragg.metrics.roc import area_under_curve
from fedbragg.models.onnx_file import read_state
from fedbragg.review.teaching.promise import random_sample
from fedbragg.screening.guarantee.risk import allowed_losses, threshold_at
from fedbragg.simulation import simulate_run
from fedbragg.tasks.adapt import Adapting, adapted
from fedbragg.tasks.hits import default_model, open_model
from fedbragg.tasks.hits.data import HitExample, from_examples, hit_example
from fedbragg.tasks.hits.learner import scores_of
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.types import Frame, Label, State
from harness import Table, publish

SEED = 4242
SEEDS = 5
POOL = 60
"""Frames of a facility that may be labelled; the others judge."""
NUMBERS = (5, 10, 20, 40)
"""Labels after which the model is adapted again; then all of the pool."""
SHARES = (0.5, 0.75, 0.9)
"""Share of the gain from labelling the whole pool."""
T95 = 2.776
"""Student's t for five seeds: half the width of a 95 % interval in standard errors of the mean."""
REPEATS = 400
LABELLED = 300
MAX_LOSS, CONFIDENCE = 0.05, 0.95


@dataclass(frozen=True)
class Facility:
    """Frames of one facility as peaks, in the order of the simulation."""

    examples: list[HitExample]
    truth: NDArray[np.bool_]  # (frames,)
    scores: NDArray[np.float64]  # (frames,) the packaged model's


Choose = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.intp]]


def by_uncertainty(scores: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.intp]:
    return np.argsort(np.abs(scores - 0.5), kind="stable")


def at_random(scores: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.intp]:
    return generator.permutation(len(scores))


ORDERS: dict[str, Choose] = {"most uncertain first": by_uncertainty, "at random": at_random}


def main() -> None:
    options = _options()
    keep_to_one_core()
    start = read_state(default_model())
    facilities = [_measured(number, options.frames, start) for number in range(options.facilities)]
    curves = {
        name: np.array([_mean_curve(facilities, start, choose, seed) for seed in range(SEEDS)])
        for name, choose in ORDERS.items()
    }
    whole = np.array([_mean_whole(facilities, start, seed) for seed in range(SEEDS)])  # the same in any order
    curves = {name: np.column_stack([curve, whole]) for name, curve in curves.items()}
    publish("labelling", [_needed(curves, options), _areas(curves), _bias(facilities)])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--facilities", type=int, default=20)
    parser.add_argument("--frames", type=int, default=100, help=f"of each; {POOL} of them may be labelled")
    return parser.parse_args()


def _measured(number: int, frames: int, start: State) -> Facility:
    line = anywhere(np.random.default_rng([SEED, number]), number)
    settings = open_model(default_model()).card.prepare
    examples = [
        hit_example(Frame(still.counts, still.mask, line.name, index), still.label, settings)
        for index, still in enumerate(simulate_run(line, frames, SEED + number))
    ]
    data = from_examples(examples)
    return Facility(examples, data.truth, scores_of(start, data))


def _mean_curve(
    facilities: Sequence[Facility], start: State, choose: Choose, seed: int
) -> NDArray[np.float64]:
    """Return the mean AUC over facilities after each number of labels, the first without any."""
    found = [list(_curve(one, start, choose, [seed, number])) for number, one in enumerate(facilities)]
    return np.nanmean(found, axis=0)


def _mean_whole(facilities: Sequence[Facility], start: State, seed: int) -> float:
    """Return the mean AUC over facilities with all of the pool labelled."""
    found = []
    for number, one in enumerate(facilities):
        pool, judging, _ = _split(one, [seed, number])
        found.append(_area(one, judging, _adapted(one, pool.tolist(), start, seed)))
    return float(np.nanmean(found))


def _split(
    facility: Facility, seed: list[int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], np.random.Generator]:
    """Return the frames that may be labelled, those that judge, and the generator that drew them."""
    generator = np.random.default_rng([SEED, *seed])
    shuffled = generator.permutation(len(facility.examples))
    return shuffled[:POOL], shuffled[POOL:], generator


def _adapted(facility: Facility, given: Sequence[int], start: State, seed: int) -> State:
    labelled = from_examples([facility.examples[i] for i in given])
    return adapted(HitsTask(HitsSettings(), PrepareSettings()), start, labelled, Adapting(seed=seed))


def _area(facility: Facility, judging: NDArray[np.intp], state: State) -> float:
    held_out = from_examples([facility.examples[i] for i in judging])
    return area_under_curve(facility.truth[judging], scores_of(state, held_out)).value


def _curve(facility: Facility, start: State, choose: Choose, seed: list[int]) -> Iterator[float]:
    pool, judging, generator = _split(facility, seed)
    given: list[int] = []
    state = start
    for number in (0, *NUMBERS):
        scores = scores_of(state, from_examples([facility.examples[i] for i in pool]))
        ordered = [int(pool[i]) for i in choose(scores, generator)]
        given += [i for i in ordered if i not in given][: number - len(given)]
        if given:
            state = _adapted(facility, given, start, seed[0])
        yield _area(facility, judging, state)


def _needed(curves: dict[str, NDArray[np.float64]], options: argparse.Namespace) -> Table:
    """Return the labels that each order needs for a share of the whole pool's gain, by seed, and their ratio."""
    before = np.mean([curve[:, 0].mean() for curve in curves.values()])
    whole = np.mean([curve[:, -1].mean() for curve in curves.values()])
    rows = []
    for share in SHARES:
        target = before + share * (whole - before)
        needed = {name: np.array([_reached(one, target) for one in curve]) for name, curve in curves.items()}
        uncertain, random = (needed[name] for name in ORDERS)
        rows.append(
            [
                f"{target:.4f}",
                f"{100 * share:g} %",
                _mean(uncertain),
                _mean(random),
                _mean(_ratio(uncertain, random), 2),
            ]
        )
    notes = (
        f"{options.facilities} facilities that no training has seen, {options.frames} simulated frames of each: "
        f"{POOL} may be labelled, {options.frames - POOL} judge. The model is adapted from the packaged one after "
        f"{', '.join(map(str, NUMBERS))} and {POOL} labels, and frames are ordered by the model so far. Mean AUC over "
        f"facilities, {before:.4f} without a label and {whole:.4f} with all {POOL}; between the numbers it is "
        f"interpolated. Mean and 95 % interval (Student's t) of {SEEDS} seeds, which draw other frames to judge.",
        "Wanted: a ratio of 0.5 or less.",
    )
    columns = ("mean AUC", "of the gain", *(f"labels, {name}" for name in ORDERS), "ratio")
    return Table("How many labels does a facility need to adapt the model?", columns, rows, notes)


def _ratio(uncertain: NDArray[np.float64], random: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(uncertain, random, out=np.full_like(random, np.nan), where=random > 0)


def _reached(curve: NDArray[np.float64], target: float) -> float:
    """Return the number of labels from which a curve is at the target, by linear interpolation; POOL where never."""
    numbers = np.array([0, *NUMBERS, POOL], float)
    above = np.flatnonzero(curve >= target)
    if len(above) == 0:
        return POOL
    first = int(above[0])
    if first == 0:
        return 0.0
    share = (target - curve[first - 1]) / (curve[first] - curve[first - 1])
    return float(numbers[first - 1] + share * (numbers[first] - numbers[first - 1]))


def _areas(curves: dict[str, NDArray[np.float64]]) -> Table:
    rows = [
        [number, *(_mean(curve[:, place], 4) for curve in curves.values())]
        for place, number in enumerate((0, *NUMBERS, POOL))
    ]
    return Table("What is the mean AUC after so many labels?", ("labels", *ORDERS), rows)


def _mean(values: NDArray[np.float64], digits: int = 1) -> str:
    if not np.isfinite(values).all():
        return "not defined"
    half = T95 * values.std(ddof=1) / np.sqrt(len(values))
    return (
        f"{values.mean():.{digits}f} [{values.mean() - half:.{digits}f}, {values.mean() + half:.{digits}f}]"
    )


def _bias(facilities: Sequence[Facility]) -> Table:
    """Return how a bound from labels in each order holds on the frames of the same facilities that nobody labelled."""
    scores = np.concatenate([one.scores for one in facilities])
    truth = np.concatenate([one.truth for one in facilities])
    found: dict[str, list[tuple[float, float]]] = {}
    for repeat in range(REPEATS):
        shuffled = np.random.default_rng([SEED, repeat]).permutation(len(scores))
        run, others = np.array_split(shuffled, 2)
        for name, labelled in _samples(scores[run], truth[run]).items():
            threshold = _threshold(scores[run[labelled]], truth[run[labelled]])
            lost = float(np.mean(scores[others][truth[others]] < threshold))
            discarded = float(np.mean(scores[others][~truth[others]] < threshold))
            found.setdefault(name, []).append((lost, discarded))
    rows = [
        [
            name,
            f"{100 * np.mean([lost for lost, _ in results]):.1f} %",
            str(proportion(sum(lost > MAX_LOSS for lost, _ in results), REPEATS)),
            f"{100 * np.mean([discarded for _, discarded in results]):.1f} %",
        ]
        for name, results in found.items()
    ]
    notes = (
        f"The promise: at most {100 * MAX_LOSS:g} % of hits lost, with {100 * CONFIDENCE:g} % confidence, so more "
        f"may be lost in {100 * (1 - CONFIDENCE):g} % of the cases. {REPEATS} times, half of all frames are the run, "
        f"in which {LABELLED} frames are labelled for each row, and the others tell the loss; the packaged model's "
        "scores. Repeats share frames, so the interval of the broken promises is too narrow.",
        "The page's sample: 150 frames by uncertainty and 150 at random are labelled, and those count that begin the "
        "random order without a gap. All of them: what it would be without that care.",
    )
    columns = ("labels that count", "hits lost, mean", "promise broken", "misses discarded, mean")
    return Table("What does labelling by uncertainty do to the bound on lost hits?", columns, rows, notes)


def _samples(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> dict[str, NDArray[np.intp]]:
    """Return which frames of a run, in random order, count by each way to label them."""
    uncertain = np.argsort(np.abs(scores - 0.5), kind="stable")
    half = uncertain[: LABELLED // 2].tolist()
    first = [i for i in range(len(scores)) if i not in set(half)][: LABELLED // 2]
    labels = {i: Label.HIT if truth[i] else Label.MISS for i in (*half, *first)}
    return {
        "at random": np.arange(LABELLED),
        "by uncertainty": uncertain[:LABELLED],
        "both, all of them": np.array(sorted(labels)),
        "both, the page's sample": np.array(list(random_sample(range(len(scores)), labels, set()))),
    }


def _threshold(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Return the threshold of the promise; 0, which loses nothing, where the hits are too few for one."""
    losses = allowed_losses(int(truth.sum()), MAX_LOSS, CONFIDENCE)
    return 0.0 if losses < 0 else threshold_at(scores[truth], losses)


if __name__ == "__main__":
    main()
