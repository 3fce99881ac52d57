"""The page about measured micrographs: pictures, and for each class its share of the area and its sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate
from fedbragg.report.figures import size_distributions
from fedbragg.report.page import PageSection, drawing, gallery, key_figures, page, paragraph, table
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.grain_size import FEWEST, GrainSize
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.tasks.segments.measure.table import InstanceTable

NONE = "–"
MIDDLE = (0.1, 0.9)
"""Shares of the number between which sizes are given: the middle 80 %."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A micrograph on the page, as JPEG."""

    original: bytes
    overlay: bytes  # with what was found


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The measurements of one micrograph."""

    name: str  # as the user named it
    fractions: Mapping[str, Estimate]  # share of the area, by class
    table: InstanceTable
    size: GrainSize | None  # where there are grains and a scale
    scale: Scale

    @property
    def unit(self) -> str:
        """Return the unit of lengths as people read it."""
        return self.scale.unit.replace("um", "µm")

    def whole(self, kind: str) -> NDArray[np.bool_]:
        """Return which instances (instances,) are of a class and not cut off by the picture's edge."""
        chosen: NDArray[np.bool_] = (self.table.kind == kind) & ~self.table.touches_edge
        return chosen


def segments_page(sections: Sequence[PageSection], instances: int, unread: Sequence[str]) -> str:
    """Return the page about all micrographs, a section each; ``unread`` has the reasons for those not read."""
    micrographs = f"{len(sections)} micrograph" + ("s" if len(sections) != 1 else "")
    if unread:
        reasons = [paragraph(reason, warn=True) for reason in unread]
        sections = [*sections, PageSection("Not read", reasons)]
    return page("Segments", f"{micrographs}, {instances} grains and particles.", sections)


def segments_section(one: Measured, pictures: Pictures, classes: Classes) -> PageSection:
    """Return a micrograph's part of the page: pictures, figures, a table, and how its sizes are distributed."""
    parts = [
        gallery(
            [
                (pictures.original, "The micrograph."),
                (pictures.overlay, "Grains and particles outlined, classes after the first tinted."),
            ],
            large=True,
        ),
        key_figures(_figures(one, classes)),
        _table(one),
    ]
    sizes = {_many(kind, classes): _sizes(one, kind) for kind in one.fractions if one.whole(kind).any()}
    if sizes:
        caption = "Sizes of what does not touch the edge."
        parts.append(drawing(size_distributions(sizes, f"equivalent diameter ({one.unit})"), caption))
    if one.size is None and classes.boundary_index is not None and one.scale.micrometres is None:
        parts.append(paragraph("Give --scale, the length of a pixel, for the ASTM E112 grain size number."))
    if one.size is not None and one.size.too_few:
        parts.append(
            paragraph(
                f"{one.size.grains} grains are few for a grain size number: ASTM E112 asks for {FEWEST} in a picture. "
                "Take a lower magnification, or more of the specimen.",
                warn=True,
            )
        )
    return PageSection(one.name, parts)


def _sizes(one: Measured, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    whole = one.whole(kind)
    return one.table.diameter[whole], one.table.area[whole]


def _table(one: Measured) -> str:
    """Return a row for each class: its share of the area, and how many and how large its instances are."""
    columns = (
        "class",
        "share of the area",
        "95 % interval",
        "number",
        f"mean diameter, {one.unit}",
        f"middle 80 %, {one.unit}",
    )
    rows = []
    for kind, share in one.fractions.items():
        diameters, number = one.table.diameter[one.whole(kind)], int((one.table.kind == kind).sum())
        sizes = [NONE, NONE]
        if len(diameters):
            low, high = np.quantile(diameters, MIDDLE)
            sizes = [f"{diameters.mean():.3g}", f"{low:.3g} to {high:.3g}"]
        area = [f"{100 * share.value:.2f} %", _interval(share, 100, " %")]
        rows.append([kind, *area, str(number) if number else NONE, *sizes])
    return table(columns, rows)


def _figures(one: Measured, classes: Classes) -> list[tuple[str, str]]:
    kinds = [(kind, int((one.table.kind == kind).sum())) for kind in one.fractions]
    figures = [(_many(kind, classes), f"{number}") for kind, number in kinds if number]
    if one.size is not None:
        for how, number in (("intercepts", one.size.by_intercepts), ("area", one.size.by_area)):
            figures.append((f"ASTM E112 G by {how}, {_interval(number)}", f"{number.value:.2f}"))
    return figures


def _many(kind: str, classes: Classes) -> str:
    """Return what the instances of a class are called: those of the first are grains, where boundaries part them."""
    if classes.boundary_index is not None and kind == classes.names[0]:
        return f"grains of the {kind}"
    return f"parts of {kind}"


def _interval(estimate: Estimate, factor: float = 1.0, unit: str = "") -> str:
    return f"{factor * estimate.low:.2f} to {factor * estimate.high:.2f}{unit}"
