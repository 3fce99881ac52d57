"""Detectors of scattering instruments: outlines, modules and gaps, at any number of pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layout:
    """A detector's outline, in its own pixels."""

    name: str
    rows: int
    cols: int
    pixel_size: float  # metre
    module: tuple[int, int] = (0, 0)  # (rows, cols) of one sensor; (0, 0) is a single sensor
    gap: tuple[int, int] = (0, 0)  # (rows, cols) between sensors
    round: bool = False  # a round entrance: no light in the corners
    integrating: bool = False  # True: a CCD, flat panel or image plate, with offset, gain and read noise


def _pilatus(name: str, rows: int, cols: int) -> Layout:
    return Layout(name, rows, cols, 172e-6, (195, 487), (17, 7))


# Outlines as the makers state them (Dectris, X-Spectrum, Rayonix, marXperts).
LAYOUTS = (
    _pilatus("Pilatus 100K", 195, 487), _pilatus("Pilatus 200K", 407, 487), _pilatus("Pilatus 300K", 619, 487),
    _pilatus("Pilatus 300K-W", 195, 1475), _pilatus("Pilatus 900K-W", 619, 1475),
    _pilatus("Pilatus 1M", 1043, 981), _pilatus("Pilatus 2M", 1679, 1475),
    Layout("Eiger 500K", 514, 1030, 75e-6),
    Layout("Eiger 1M", 1065, 1030, 75e-6, (514, 1030), (37, 10)),
    Layout("Eiger 4M", 2167, 2070, 75e-6, (514, 1030), (37, 10)),
    Layout("Lambda 750K", 516, 1556, 55e-6, (516, 256), (0, 4)),
    Layout("MarCCD 165", 1024, 1024, 158e-6, round=True, integrating=True),
    Layout("Rayonix 225", 1536, 1536, 146e-6, integrating=True),
    Layout("mar345", 2300, 2300, 150e-6, round=True, integrating=True),
    Layout("flat panel", 1440, 1440, 150e-6, (720, 720), (1, 1), integrating=True),
)  # fmt: skip


def any_layout(generator: np.random.Generator) -> Layout:
    """Draw a detector that nobody sells: any outline, any modules, gaps up to a third of a module."""
    rows, cols = (int(n) for n in generator.integers(300, 1800, 2))
    pieces = generator.integers(1, 7, 2)
    module = (max(rows // int(pieces[0]), 40), max(cols // int(pieces[1]), 40))
    widest = 0.02 if generator.random() < 0.7 else 0.33
    gap = tuple(int(generator.uniform(1, 2 + widest * size)) for size in module)
    return Layout(
        "any", rows, cols, 100e-6, module, (gap[0], gap[1]), integrating=bool(generator.random() < 0.2)
    )


def resized(layout: Layout, longest: int) -> Layout:
    """Return the outline with pixels so large that the longer side has ``longest`` of them; modules stay in place."""
    factor = longest / max(layout.rows, layout.cols)
    rows, cols = max(round(layout.rows * factor), 8), max(round(layout.cols * factor), 8)
    return replace(layout, rows=rows, cols=cols, pixel_size=layout.pixel_size / factor)


def gap_mask(layout: Layout, longest: int) -> NDArray[np.bool_]:
    """Return (rows, cols) of the outline resized to ``longest`` pixels: True where there is no sensor."""
    small = resized(layout, longest)
    down = (np.arange(small.rows) + 0.5) * layout.rows / small.rows
    right = (np.arange(small.cols) + 0.5) * layout.cols / small.cols
    gap = np.zeros((small.rows, small.cols), bool)
    if layout.module != (0, 0):
        gap |= (down % (layout.module[0] + layout.gap[0]) >= layout.module[0])[:, None]
        gap |= (right % (layout.module[1] + layout.gap[1]) >= layout.module[1])[None, :]
    if layout.round:
        away = np.hypot(*np.meshgrid(down / layout.rows - 0.5, right / layout.cols - 0.5, indexing="ij"))
        gap |= away > 0.5
    return gap
