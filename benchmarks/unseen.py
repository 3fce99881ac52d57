"""Judge the packaged model on facilities drawn at random, which no training has seen, beside a spot count.

    .venv/bin/python benchmarks/unseen.py [--model model.onnx] [--facilities 60]

Three minutes of one core. Everything is simulated; real frames are judged in benchmarks/real.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.anywhere import anywhere
from baselines.counters import dispersion
from fedbragg.metrics.classification import summary
from fedbragg.metrics.roc import area_under_curve
from fedbragg.simulation import Beamline, simulate_run
from fedbragg.tasks.hits import default_model
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.tasks.hits.prepare import prepare
from fedbragg.types import Frame
from harness import Table, publish

FRAMES = 20
"""Frames of each facility."""
SEED = 4242
GIVEN = "fedbragg, beam centre in the file"
METHODS = ("fedbragg", GIVEN, "dispersion")


def main() -> None:
    options = _options()
    scorer = Scorer(options.model or default_model())
    results = [_judged(line, scorer, number) for number, line in enumerate(_lines(options.facilities))]
    kinds = np.concatenate([np.full(FRAMES, kind) for kind, _, _ in results])
    truth = np.concatenate([truth for _, truth, _ in results])
    scores = np.concatenate([scores for _, _, scores in results])
    rows = [
        _row(name, kind, truth[chosen], scores[chosen, column])
        for column, name in enumerate(METHODS)
        for kind, chosen in (
            ("all", kinds != ""),
            *((kind, kinds == kind) for kind in ("counter", "integrating")),
        )
    ]
    notes = (
        f"{options.facilities} facilities, {FRAMES} frames of each: detector, beam, sample and background drawn at "
        "random, every artefact equally often among the misses and on a third of the frames with crystals. The model "
        "was trained on nine others. Maybe counts as hit.",
        "fedbragg: the frames state no beam centre, as most TIFF and EDF files; in the second row they do, as CBF and "
        "NXmx files.",
        "dispersion: number of spots by DIALS' rule and the true gain, one threshold for all facilities, the best for "
        "these very frames; the model's is 0.5. Intervals take frames for independent.",
    )
    columns = ("method", "detectors", "frames", "AUC", "threshold", "balanced accuracy", "recall")
    publish(
        "unseen",
        [Table("Does the packaged model find hits at facilities it has never seen?", columns, rows, notes)],
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="model file; the packaged one unless given")
    parser.add_argument("--facilities", type=int, default=60)
    return parser.parse_args()


def _lines(number: int) -> Iterator[Beamline]:
    return (anywhere(np.random.default_rng([SEED, index]), index) for index in range(number))


def _judged(
    line: Beamline, scorer: Scorer, number: int
) -> tuple[str, NDArray[np.bool_], NDArray[np.float64]]:
    """Return the kind of detector, which frames are hits or maybes, and each method's scores (frames, methods)."""
    truth, scores = [], []
    for index, still in enumerate(simulate_run(line, FRAMES, SEED + number)):
        frame = Frame(still.counts, still.mask, line.name, index)
        found, _ = dispersion(frame, line.detector.beam_centre, line.detector.gain)
        truth.append(still.label.positive)
        given = replace(frame, beam_centre=line.detector.beam_centre)
        ours = [scorer(prepare(shown, scorer.card.prepare))[0] for shown in (frame, given)]
        scores.append((*ours, float(found)))
    return "integrating" if line.detector.integrating else "counter", np.array(truth), np.array(scores)


def _row(name: str, kind: str, truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[object]:
    threshold = 0.5 if name in ("fedbragg", GIVEN) else _best(truth, scores)
    found = summary(truth, scores, threshold)
    figures = [str(found[key]) for key in ("balanced accuracy", "recall")]
    return [name, kind, len(truth), str(area_under_curve(truth, scores)), f"{threshold:g}", *figures]


def _best(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the count with the best balanced accuracy on these frames themselves."""
    counts = np.unique(scores)
    gains = [(scores[truth] >= count).mean() - (scores[~truth] >= count).mean() for count in counts]
    return float(counts[int(np.argmax(gains))])


if __name__ == "__main__":
    main()
