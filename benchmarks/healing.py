"""Measure how well gaps of scattering images are healed, by symmetry, by a biharmonic surface and by the network.

    .venv/bin/python benchmarks/healing.py [simulated] [real] [beam] [speed]

Simulated images are of experiments that the network never saw; real ones lie in ``../shared/data/tags`` or where
FEDBRAGG_DATA says, and only judge. Needs the extra ``heal``. Tables not asked for keep their last state.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from baselines.healing_images import DATA, Hidden, measured, module_bars, simulated
from baselines.healing_judging import COLUMNS, Score, ceiling, ceiling_of_counts, figures, score
from fedbragg.errors import ModelFileError
from fedbragg.tasks.tags.healing.beam.estimate import Beam, estimate_beam
from fedbragg.tasks.tags.healing.healed import GappedImage, Healed
from fedbragg.tasks.tags.healing.network.healer import Healer, default_model
from fedbragg.tasks.tags.healing.smooth import heal_smoothly
from fedbragg.tasks.tags.healing.symmetry.heal import heal_by_symmetry
from harness import Table, publish, timed, with_kept

SEEDS = range(5)
EACH, LONGEST = 6, 512
"""Simulated images of each regime and seed, and pixels along their longer side."""
FEWEST = 200
"""Fewest judged pixels for an image to count."""
GROUPS = ("small angle", "wide angle", "grazing")
CEILING = "ceiling: counting noise"
DARK = 0.05
"""Mean expected counts of the judged pixels below which there is nothing to heal."""
BRIGHT = 0.999
"""Correlation that counting noise must allow for an image to count as bright."""

Heal = Callable[[GappedImage, tuple[float, float] | None], Healed]
Scores = dict[tuple[str, str], dict[int, list[Score]]]


@cache
def methods() -> dict[str, Heal]:
    """Return the ways to heal, by name."""
    found: dict[str, Heal] = {
        "symmetry": lambda image, beam: heal_by_symmetry(image, beam or _place(estimate_beam(image))),
        "smooth": lambda image, _: heal_smoothly(image),
    }
    try:
        healer = Healer(default_model())
        found["network"] = lambda image, _: healer(image)
    except ModelFileError as error:
        print(error, file=sys.stderr)
    return found


def _place(beam: Beam) -> tuple[float, float]:
    return beam.column, beam.row


def simulated_tables() -> list[Table]:
    """Judge on simulated images, against the expectation and against hidden counts."""
    expected, counted, bright = (defaultdict(lambda: defaultdict(list)) for _ in range(3))
    covered: dict[str, list[float]] = defaultdict(list)
    for seed in SEEDS:
        for hidden in simulated(seed, EACH, LONGEST):
            healed, judged = _healed(hidden, methods(), covered)
            noisy = judged & hidden.measured
            if noisy.sum() < FEWEST or hidden.expected is None or hidden.expected[judged].mean() < DARK:
                continue
            truth, counts = hidden.expected[judged].astype(float), hidden.counts[noisy].astype(float)
            best = ceiling(hidden.expected[noisy].astype(float), counts)
            counted[hidden.group, CEILING][seed].append(best)
            for name, result in healed.items():
                found = score(result[judged].astype(float), truth)
                expected[hidden.group, name][seed].append(found)
                if best.r >= BRIGHT:
                    bright[hidden.group, name][seed].append(found)
                counted[hidden.group, name][seed].append(score(result[noisy].astype(float), counts))
        print("simulated, seed", seed, file=sys.stderr, flush=True)
    notes = [
        f"{EACH} images of each regime and seed, {LONGEST} pixels along the longer side, under a real detector's mask; "
        "95 % intervals over 5 seeds. Judged are the mask's pixels that every method fills, outside masked beamstops.",
        _coverage(covered),
    ]
    more = f"{BRIGHT} is what counting noise lets a perfect expectation reach."
    return [
        _table("Simulated images, against the expectation", expected, notes),
        _table("Simulated images bright enough for r = 0.999, against the expectation", bright, [more]),
        _table(
            "Simulated images, against hidden counts",
            counted,
            ["The ceiling is the true expectation's own score."],
        ),
    ]


def real_table() -> list[Table]:
    """Judge on measured images, against hidden counts."""
    counted: Scores = defaultdict(lambda: defaultdict(list))
    covered: dict[str, list[float]] = defaultdict(list)
    for seed in SEEDS:
        for number, hidden in enumerate(measured(seed)):
            healed, judged = _healed(hidden, methods(), covered)
            if judged.sum() < FEWEST:
                continue
            counts = hidden.counts[judged].astype(float)
            best = ceiling_of_counts(counts, np.random.default_rng([seed, number]))
            counted[hidden.group, CEILING][seed].append(best)
            for name, result in healed.items():
                counted[hidden.group, name][seed].append(score(result[judged].astype(float), counts))
        print("real, seed", seed, file=sys.stderr, flush=True)
    notes = [
        "Bars of 17 rows and 7 columns every 212 and 494 pixels, at five places, over measured pixels; the beam "
        "is estimated. Images that hold fractions of counts are left out. Lone defects are not judged.",
        "The ceiling follows from the counts' own variance; detectors that are no photon counters are treated alike.",
        _coverage(covered),
    ]
    return [_table("Real images, against hidden counts", counted, notes)]


def _healed(
    hidden: Hidden, ways: dict[str, Heal], covered: dict[str, list[float]]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return each method's healed image, and the judged pixels that all of them fill."""
    healed = {name: heal(hidden.image, hidden.beam).counts for name, heal in ways.items()}
    for name, counts in healed.items():
        if hidden.judged.any():
            covered[name].append(float(np.isfinite(counts[hidden.judged]).mean()))
    judged = hidden.judged & np.logical_and.reduce([np.isfinite(counts) for counts in healed.values()])
    return healed, judged


def _coverage(covered: dict[str, list[float]]) -> str:
    shares = ", ".join(f"{name} {np.mean(values):.1%}" for name, values in covered.items())
    return f"Share of the judged pixels that are filled: {shares}."


def _table(question: str, scores: Scores, notes: Iterable[str]) -> Table:
    rows = []
    for group in GROUPS:
        for name in ("symmetry", "smooth", "network", CEILING):
            found = scores.get((group, name))
            if found:
                rows.append([group, sum(map(len, found.values())), name, *figures(found)])
    return Table(question, ("images", "number", "method", *COLUMNS), rows, list(notes))


LEVELS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.65), (0.65, 0.8), (0.8, 1.01))


def beam_table() -> list[Table]:
    """Compare estimated beams with the simulator's."""
    found = []
    for seed in SEEDS:
        for hidden in simulated(seed, 2 * EACH, LONGEST):
            beam = estimate_beam(hidden.image)
            error = np.hypot(*np.subtract(_place(beam), hidden.beam or (np.nan, np.nan)))
            found.append((hidden.group, beam.confidence, error))
    rows = []
    for group in (*GROUPS, "all"):
        for low, high in LEVELS:
            errors = np.array([e for g, c, e in found if group in (g, "all") and low <= c < high])
            if errors.size:
                within = [f"{(errors <= limit).mean():.2f}" for limit in (1, 3, 10)]
                rows.append(
                    [group, f"{low:g} to {min(high, 1):g}", errors.size, float(np.median(errors)), *within]
                )
    columns = (
        "images",
        "confidence",
        "number",
        "median error, pixel",
        "within 1",
        "within 3",
        "within 10 pixels",
    )
    return [
        Table(f"Estimated beams of simulated images, {LONGEST} pixels along the longer side", columns, rows)
    ]


def speed_table() -> list[Table]:
    """Time each method on one core."""
    rows = []
    for shape in ((1043, 981), (1679, 1475), (2167, 2070)):
        image, beam = _rings(shape)
        for name, heal in {**methods(), "beam alone": lambda image, _: estimate_beam(image)}.items():
            seconds = timed(lambda heal=heal, image=image, beam=beam: heal(image, beam), 3)
            rows.append([f"{shape[0]} x {shape[1]}", name, seconds["best"], seconds["median"]])
    note = "A Pilatus' gaps; symmetry with the beam given. Best and median of three calls."
    return [Table("Seconds to heal an image", ("pixels", "method", "best, s", "median, s"), rows, [note])]


def _rings(shape: tuple[int, int]) -> tuple[GappedImage, tuple[float, float]]:
    beam = (0.49 * shape[1], 0.52 * shape[0])
    y, x = np.ogrid[: shape[0], : shape[1]]
    away = np.hypot(x - beam[0], y - beam[1]) * 981 / shape[1]
    light = 200 * np.exp(-away / 120) + 30 * np.exp(-0.5 * ((away - 200) / 3) ** 2) + 1
    counts = np.random.default_rng(0).poisson(light).astype(np.float32)
    measured_pixels = ~module_bars(shape, np.random.default_rng(1))
    return GappedImage(np.where(measured_pixels, counts, np.float32(0)), measured_pixels), beam


PARTS: dict[str, Callable[[], list[Table]]] = {
    "simulated": simulated_tables, "real": real_table, "beam": beam_table, "speed": speed_table,
}  # fmt: skip


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    if "real" in wanted and not (DATA / "labels.csv").exists():
        sys.exit(f"{DATA}: no labels.csv; set FEDBRAGG_DATA to the folder of the measured images.")
    for name in wanted:
        for table in PARTS[name]():
            publish("healing", with_kept("healing", table))


if __name__ == "__main__":
    main()
