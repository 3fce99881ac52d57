"""Draw simulated images healed by symmetry and by a smooth surface, beside the truth: docs/images/tags-healed.png.

    .venv/bin/python benchmarks/healing_examples.py

The first image of each regime that one seed draws with the beam on the detector and enough light, under a Pilatus'
gaps: none is picked by eye. Needs the extra ``heal``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray

from baselines.healing_images import module_bars
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.tasks.tags.healing import heal
from fedbragg.tasks.tags.healing.simulated import Known, known_image

OUT = Path(__file__).parent.parent / "docs" / "images" / "tags-healed.png"
SEED, LONGEST = 1093, 512
REGIMES = ("small angle", "wide angle", "grazing")
COLUMNS = ("measured", "healed by symmetry", "healed by smooth", "truth without noise")
UNKNOWN = (0.86, 0.90, 0.95)


def examples() -> dict[str, Known]:
    """Return the first simulated image of each regime that shows something."""
    found: dict[str, Known] = {}
    for child in np.random.SeedSequence(SEED).spawn(100):
        experiment = draw_experiment(ANY_INSTRUMENT, LONGEST, child)
        if experiment.regime not in found:
            image = known_image(experiment, child.spawn(1)[0])
            if shows_something(image):
                found[experiment.regime] = image
        if len(found) == len(REGIMES):
            break
    return found


def shows_something(image: Known) -> bool:
    """Return whether the beam meets the detector and an image has light that changes."""
    (col, row), (rows, cols) = image.centre, image.counts.shape
    low, high = np.percentile(image.counts[image.measured], (20, 99))
    return 0 < col < cols and 0 < row < rows and high >= max(20, 4 * low)


def row(image: Known, seed: int) -> list[NDArray[np.float32]]:
    """Return the image of each column; NaN where unknown."""
    gaps = ~image.measured | module_bars(image.counts.shape, np.random.default_rng(seed))
    healed = [heal(image.counts, gaps, method).counts for method in ("symmetry", "smooth")]
    nothing = np.float32(np.nan)
    return [np.where(gaps, nothing, image.counts), *healed, np.where(image.true, image.expected, nothing)]


def draw(axes: Axes, counts: NDArray[np.float32], limits: tuple[float, float]) -> None:
    """Draw the logarithm of counts; unknown pixels are pale blue."""
    colours = colormaps["inferno"].with_extremes(bad=UNKNOWN)
    axes.imshow(np.log1p(np.maximum(counts, 0)), cmap=colours, vmin=limits[0], vmax=limits[1])
    axes.set_xticks([])
    axes.set_yticks([])


def main() -> None:
    """Draw every example."""
    found = examples()
    figure, table = plt.subplots(len(REGIMES), len(COLUMNS), figsize=(10, 7.2), layout="constrained")
    for number, (regime, line) in enumerate(zip(REGIMES, table, strict=True)):
        pictures = row(found[regime], number)
        low, high = np.nanpercentile(np.log1p(np.maximum(pictures[0], 0)), (0.5, 99.8))
        for axes, counts in zip(line, pictures, strict=True):
            draw(axes, counts, (low, max(high, low + 0.1)))
        line[0].set_ylabel(regime, fontsize=9)
    for axes, title in zip(table[0], COLUMNS, strict=True):
        axes.set_title(title, fontsize=9)
    figure.savefig(OUT, dpi=80)


if __name__ == "__main__":
    main()
