"""Draw figures as SVG text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.classification import Confusion
from fedbragg.metrics.reliability import ReliabilityBin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.4
"""Inches: narrow enough that the text is still legible where a telephone shrinks the figure."""
SMALL = 9
"""Points of the smallest text."""
SIZE_BINS = 24
INK, SOFT, ACCENT = "#1c2733", "#8a99a8", "#b3541e"
COLOURS = ("#b3541e", "#2a6f97", "#4f772d", "#7b4b94", "#c99700", "#3d405b", "#9c6644", "#468189")


def curves(series: Mapping[str, Sequence[tuple[float, float]]], x_name: str, y_name: str) -> str:
    """Draw named lines of (x, y) points."""
    figure, axes = _figure(WIDTH, 3.2)
    for (name, points), colour in zip(series.items(), _colours(len(series)), strict=True):
        xs, ys = zip(*points, strict=True) if points else ((), ())
        axes.plot(xs, ys, label=name, color=colour, marker="o", markersize=3, linewidth=1.4)
    axes.set(xlabel=x_name, ylabel=y_name)
    if series:
        axes.legend(frameon=False, fontsize=SMALL, ncols=2)
    return _svg(figure)


def bars(values: Mapping[str, tuple[float, float, float]], x_name: str) -> str:
    """Draw horizontal bars with intervals: name to (value, low, high)."""
    figure, axes = _figure(WIDTH, 0.6 + 0.36 * len(values))
    names = list(values)[::-1]
    middle = np.array([values[name][0] for name in names])
    errors = np.array([[values[n][0] - values[n][1], values[n][2] - values[n][0]] for n in names]).T
    axes.barh(names, middle, xerr=np.maximum(errors, 0), color="#2a6f97", ecolor=INK, height=0.62, capsize=2)
    axes.set(xlabel=x_name, xlim=(0, 1.02))
    return _svg(figure)


def arrows(moved: Mapping[str, tuple[float, float]], x_name: str) -> str:
    """Draw horizontal arrows: name to (from, to); blue where the figure grows, red where it falls."""
    figure, axes = _figure(WIDTH, 0.6 + 0.3 * len(moved))
    names = list(moved)[::-1]
    for place, name in enumerate(names):
        start, end = moved[name]
        colour = "#2a6f97" if end >= start else ACCENT
        axes.annotate(
            "", (end, place), (start, place), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.8}
        )
        axes.plot([start], [place], marker="o", markersize=4, color=SOFT)
        axes.plot([end], [place], marker="|", markersize=9, color=colour)
    lowest = min(value for pair in moved.values() for value in pair)
    axes.set(xlabel=x_name, xlim=(max(0.0, lowest - 0.05), 1.02), ylim=(-0.6, len(names) - 0.4))
    axes.set_yticks(range(len(names)), names)
    return _svg(figure)


def score_histogram(counts: NDArray[np.int64], threshold: float) -> str:
    """Draw a histogram of scores, counted in even bins from 0 to 1, with the threshold."""
    figure, axes = _figure(WIDTH, 2.6)
    edges = np.linspace(0, 1, len(counts) + 1)
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color="#2a6f97")
    axes.axvline(threshold, color=ACCENT, linewidth=1.5, label=f"threshold {threshold:.3g}")
    axes.set(xlabel="score (probability of a hit)", ylabel="frames", yscale="symlog", xlim=(0, 1))
    axes.set_ylim(0, 2 * max(1, int(counts.max(initial=0))))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, fontsize=SMALL)
    return _svg(figure)


def size_distributions(
    sizes: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]], x_name: str
) -> str:
    """Draw how diameters are distributed by number and by area: name to (diameters, areas), each a panel."""
    figure, panels = _panels(WIDTH, 2.2 * len(sizes), len(sizes))
    for axes, (name, (diameters, areas)) in zip(panels, sizes.items(), strict=True):
        bins = np.linspace(0, diameters.max() * 1.05, SIZE_BINS + 1)
        for weights, way, colour in ((None, "of the number", "#2a6f97"), (areas, "of the area", ACCENT)):
            shares, _ = np.histogram(diameters, bins, weights=weights)
            shares = shares / max(shares.sum(), 1e-9)
            axes.stairs(shares, bins, label=way, color=colour, fill=weights is None, alpha=0.8)
        axes.set_title(name, loc="left", fontsize=SMALL)
        axes.set(ylabel="share")
    panels[0].legend(frameon=False, fontsize=SMALL)
    panels[-1].set(xlabel=x_name)
    return _svg(figure)


def hit_rate_over_run(points: Sequence[tuple[float, float]]) -> str:
    """Draw the share of kept frames along the run: (last frame of a step, share from 0 to 1)."""
    figure, axes = _figure(WIDTH, 2.2)
    ends = [0.0, *(end for end, _ in points)]
    shares = [100 * share for _, share in points]
    axes.stairs(shares, ends, baseline=None, color="#2a6f97", linewidth=1.4)
    axes.set(xlabel="frame of the run", ylabel="kept, %", ylim=(-3, 103), xlim=(0, max(ends[-1], 1)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(_whole_numbers())
    return _svg(figure)


def heat_map(scores: NDArray[np.float32], threshold: float) -> str:
    """Draw the scores of a grid scan (rows, cols), NaN where there is none: red from the threshold on."""
    from matplotlib.colors import TwoSlopeNorm

    middle = min(max(threshold, 0.01), 0.99)
    return _grid_map(scores, "score", "RdBu_r", TwoSlopeNorm(middle, 0, 1))  # white at the threshold


def quantity_map(values: NDArray[np.float32], name: str) -> str:
    """Draw a quantity on a grid scan (rows, cols), NaN where there is none: the darker, the more."""
    return _grid_map(values, name, "viridis_r", None)


def _grid_map(values: NDArray[np.float32], name: str, colours: str, norm: Any) -> str:
    """Draw a number at each point of a grid, grey where there is none."""
    from matplotlib import colormaps

    rows, cols = values.shape
    figure, axes = _figure(WIDTH, min(max(WIDTH * rows / cols, 1.2), 9.0))
    shown = axes.imshow(
        np.ma.masked_invalid(values),
        cmap=colormaps[colours].with_extremes(bad="#9aa5b1"),
        norm=norm,
        interpolation="nearest",
    )
    bar = figure.colorbar(shown, ax=axes, label=name, shrink=0.9)
    bar.ax.tick_params(labelsize=SMALL)
    axes.set(xlabel="column", ylabel="row")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(_whole_numbers())
    return _svg(figure)


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True, min_n_ticks=1)


def reliability_diagram(curves_of: Mapping[str, Sequence[ReliabilityBin]], event: str = "hits") -> str:
    """Draw the share of hits, or of another event, against its predicted probability, each bin with its interval."""
    figure, axes = _figure(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle="--", label="perfect")
    for (name, bins), colour in zip(curves_of.items(), _colours(len(curves_of)), strict=True):
        predicted, observed = [part.predicted for part in bins], [part.observed for part in bins]
        shares = [share.value for share in observed]
        errors = [[s.value - s.low for s in observed], [s.high - s.value for s in observed]]
        axes.errorbar(
            predicted, shares, yerr=np.maximum(errors, 0), label=name, color=colour, fmt="o-", markersize=3,
            linewidth=1.2, elinewidth=0.8, capsize=2,
        )  # fmt: skip
    axes.set(
        xlabel="predicted probability",
        ylabel=f"share of {event}",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    axes.legend(frameon=False, fontsize=SMALL, loc="upper left")
    return _svg(figure)


def scores_by_class(hits: Sequence[float], misses: Sequence[float], threshold: float) -> str:
    """Draw a histogram of the probabilities of hits and of misses, with the threshold."""
    figure, axes = _figure(WIDTH, 2.6)
    places = list(np.linspace(0, 1, 41))
    axes.hist([misses, hits], bins=places, color=["#2a6f97", ACCENT], label=["misses", "hits"])
    axes.axvline(threshold, color=INK, linewidth=1.2, label=f"threshold {threshold:.3g}")
    axes.set(xlabel="probability of a hit", ylabel="labelled frames", yscale="symlog", xlim=(0, 1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, fontsize=SMALL)
    return _svg(figure)


def confusion_matrix(counts: Confusion) -> str:
    """Draw the four counts of a confusion matrix."""
    figure, axes = _figure(4.2, 2.8)
    grid = np.array(
        [[counts.true_positive, counts.false_negative], [counts.false_positive, counts.true_negative]]
    )
    share = grid / np.maximum(grid.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.3)
    for (row, column), number in np.ndenumerate(grid):
        dark = share[row, column] > 0.75
        label = f"{number}\n{share[row, column]:.0%}"
        axes.text(column, row, label, ha="center", va="center", color="white" if dark else INK)
    axes.set_xticks([0, 1], ["kept", "dropped"])
    axes.set_yticks([0, 1], ["hit or maybe", "miss"])
    axes.tick_params(length=0)
    return _svg(figure)


def _colours(number: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(number)]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of a size in inches, with one panel."""
    figure, (axes,) = _panels(width, height, 1)
    return figure, axes


def _panels(width: float, height: float, number: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels one below the other; pyplot, which has global state, is not used."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    panels: list[Any] = [figure.add_subplot(number, 1, place + 1) for place in range(number)]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=SMALL, colors=INK)
        axes.xaxis.label.set_size(SMALL + 1)
        axes.yaxis.label.set_size(SMALL + 1)
    return figure, panels


def _svg(figure: Figure) -> str:
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    canvas: Any = FigureCanvasSVG(figure)
    with rc_context({"svg.hashsalt": "fedbragg"}):  # equal figures give equal text
        canvas.print_svg(buffer, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
