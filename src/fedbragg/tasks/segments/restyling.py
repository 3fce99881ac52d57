"""Crops in other styles than their own: those of other sites, and styles drawn at random.

A network that has seen one style takes its grey levels for the classes. Where no other site has another style, levels
drawn at random for each class (domain randomisation, Tobin et al. 2017) teach it to go by structure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.segments.data import SegmentData
from fedbragg.tasks.segments.prepare import Scaled, prepare
from fedbragg.tasks.segments.style import Kind, Style, restyled, style_of_picture

RESTYLED = 0.5
"""Share of the crops that are seen in another site's style, where there are any."""
LEVELS = 0.8
"""Half ranges: drawn levels of the classes lie within this of the middle."""
APART = 0.2
"""Half ranges, the least difference of two classes' drawn levels, if ten draws find such levels."""
TINT, SHARPER = 0.05, 0.5
"""Standard deviations: of a colour's level about the grey one, and of the logarithm of a class' spread."""


@dataclass(frozen=True, slots=True)
class Restyling:
    """The styles in which a training shows its micrographs, besides their own."""

    others: Sequence[Style] = ()  # of other sites
    drawn: float = 0.0  # share of the remaining crops in a style that is drawn at random

    @property
    def patches(self) -> bool:
        """Return whether crops must be patches, whose spectra the styles hold."""
        return bool(self.others) and self.others[0].kind == "spectrum"


@dataclass(frozen=True, slots=True, eq=False)
class Restyler:
    """The micrographs' own styles, as restyling needs them."""

    restyling: Restyling
    own: Sequence[Style]  # of each micrograph, of the others' kind; empty where there are no others
    levels: Sequence[Style]  # statistics of each micrograph; empty where no style is drawn

    def __call__(
        self, part: Scaled, labels: NDArray[np.uint8], index: int, generator: np.random.Generator
    ) -> Scaled:
        """Return a crop of a micrograph, by its index, as it is or in another style."""
        others = self.restyling.others
        if others and generator.random() < RESTYLED:
            other = others[int(generator.integers(len(others)))]
            return restyled(part, labels, self.own[index], other)
        if self.levels and generator.random() < self.restyling.drawn:
            return restyled(part, labels, self.levels[index], drawn_style(self.levels[index], generator))
        return part


def restyler(data: SegmentData, scaled: Sequence[Scaled], restyling: Restyling) -> Restyler:
    """Measure the styles of scaled micrographs that a restyling needs."""
    own = styles(data, scaled, restyling.others[0].kind) if restyling.others else ()
    levels = styles(data, scaled, "statistics") if restyling.drawn else ()
    return Restyler(restyling, own, levels)


def drawn_style(own: Style, generator: np.random.Generator) -> Style:
    """Draw a level for every class, and how much it spreads against the picture's own; the rest stays."""
    values = own.values.copy()
    classes = len(values) - 1
    grey = _levels(classes, generator)
    values[:classes, :, 0] = grey[:, None] + generator.normal(0, TINT, (classes, 3))
    values[:classes, :, 1] *= np.exp(generator.normal(0, SHARPER, (classes, 1)))
    values[np.isnan(own.values)] = np.nan
    return Style("statistics", values)


def _levels(classes: int, generator: np.random.Generator) -> NDArray[np.float64]:
    for _ in range(10):
        levels = generator.uniform(-LEVELS, LEVELS, classes)
        if np.diff(np.sort(levels)).min(initial=2 * LEVELS) >= APART:
            break
    return levels


def styles_of(data: SegmentData, kind: Kind) -> list[Style]:
    """Return the style of every micrograph."""
    return styles(data, [prepare(one.picture) for one in data.pictures], kind)


def styles(data: SegmentData, scaled: Sequence[Scaled], kind: Kind) -> list[Style]:
    """Return the style of every micrograph, given as the network reads it."""
    pairs = zip(scaled, data.pictures, strict=True)
    return [style_of_picture(picture, one.labels, data.classes, kind) for picture, one in pairs]
