"""The results of a micrograph: an overlay, the distribution of sizes, and the page about all micrographs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.segmentation import Instances, edges
from fedbragg.report.page import PageSection, drawing, gallery, key_figures, page, paragraph, table
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.grain_size import GrainSize
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.tasks.segments.measure.table import InstanceTable
from fedbragg.tasks.segments.prepare import scaling_of

LARGEST = 1024
"""pixel, the longest side of a picture on the page."""
OVERLAID = 4096
"""pixel, the longest side of an overlay."""
COLOURS = ((0.85, 0.15, 0.10), (0.10, 0.45, 0.85), (0.95, 0.60, 0.05), (0.15, 0.60, 0.25), (0.55, 0.25, 0.65))
"""Colours of the classes after the first, in turn."""
TINT = 0.35
"""Share of a class's colour in the overlay; its rim has the whole colour."""
BINS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The measurements of one micrograph."""

    name: str  # as the user named it
    overlay: bytes  # JPEG
    fractions: Mapping[str, Estimate]  # share of the area, by class
    table: InstanceTable
    size: GrainSize | None  # where there are grains and a scale
    scale: Scale


def overlay(picture: NDArray[Any], labels: NDArray[np.uint8], instances: Instances) -> NDArray[np.uint8]:
    """Return a picture (rows, cols, 3) with its classes tinted and its instances outlined.

    Of one with a side beyond OVERLAID only every second, third ... pixel is shown.
    """
    scaling = scaling_of(picture)
    every = -(-max(labels.shape) // OVERLAID)
    seen = (slice(None, None, every), slice(None, None, every))
    picture, labels, instances = picture[seen], labels[seen], instances[seen]
    planes = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    shown = np.clip((planes - scaling.middle) / scaling.half, -1, 1).astype(np.float32) / 2 + 0.5
    rim = edges(instances)
    for index in np.unique(labels[labels > 0]):
        colour, inside = np.array(COLOURS[(index - 1) % len(COLOURS)], np.float32), labels == index
        shown[inside] = (1 - TINT) * shown[inside] + TINT * colour
    shown[rim] = COLOURS[0]
    return (shown * 255).astype(np.uint8)


def as_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (rows, cols, 3) as JPEG, no larger than a page shows."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def size_distribution(found: InstanceTable, scale: Scale) -> str:
    """Return a drawing of the diameters of whole instances, by share of the number and of the area."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.add_subplot()
    whole = ~found.touches_edge
    diameters, areas = found.diameter[whole], found.area[whole]
    if len(diameters):
        bins = np.linspace(0, diameters.max() * 1.05, BINS + 1)
        for weights, name, colour in (
            (None, "of the number", COLOURS[1]),
            (areas, "of the area", COLOURS[2]),
        ):
            heights, _ = np.histogram(diameters, bins, weights=weights)
            axes.stairs(
                heights / max(heights.sum(), 1e-9),
                bins,
                label=name,
                color=colour,
                fill=weights is None,
                alpha=0.7,
            )
        axes.legend(frameon=False, fontsize=8)
    axes.set(xlabel=f"equivalent diameter ({scale.unit})", ylabel="share")
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def segments_page(measured: Sequence[Measured], classes: Classes, unread: Sequence[str]) -> str:
    """Return the page about all micrographs; ``unread`` has the reasons for those that could not be read."""
    micrographs = f"{len(measured)} micrograph" + ("s" if len(measured) != 1 else "")
    instances = sum(len(one.table.number) for one in measured)
    sections = [_section(one, classes) for one in measured]
    if unread:
        sections.append(PageSection("Not read", [paragraph(reason, warn=True) for reason in unread]))
    return page("Segments", f"{micrographs}, {instances} grains and particles.", sections)


def _section(one: Measured, classes: Classes) -> PageSection:
    rows = [[name, f"{100 * e.value:.2f} %", _interval(e, 100, " %")] for name, e in one.fractions.items()]
    parts = [
        gallery([(one.overlay, "Grains and particles are outlined; classes after the first are tinted.")]),
        key_figures(_figures(one)),
        table(["class", "share of the area", "95 % interval"], rows),
        drawing(
            size_distribution(one.table, one.scale),
            "Sizes of the grains and particles that do not touch the edge.",
        ),
    ]
    if one.size is None and classes.boundary_index is not None and one.scale.micrometres is None:
        parts.append(paragraph("Give --scale, the length of a pixel, for the ASTM E112 grain size number."))
    return PageSection(one.name, parts)


def _figures(one: Measured) -> list[tuple[str, str]]:
    whole = one.table.diameter[~one.table.touches_edge]
    figures = [("grains and particles", str(len(one.table.number)))]
    if len(whole):
        figures.append((f"mean equivalent diameter, {one.scale.unit}", f"{whole.mean():.3g}"))
    if one.size is not None:
        for how, number in (("intercepts", one.size.by_intercepts), ("area", one.size.by_area)):
            figures.append((f"ASTM E112 G by {how}, {_interval(number)}", f"{number.value:.2f}"))
    return figures


def _interval(estimate: Estimate, factor: float = 1.0, unit: str = "") -> str:
    return f"{factor * estimate.low:.2f} to {factor * estimate.high:.2f}{unit}"
