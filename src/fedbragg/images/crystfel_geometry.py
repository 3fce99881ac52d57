"""CrystFEL's geometry files (.geom): positions of a detector's panels, and their bad regions.

The keys are those of `man crystfel_geometry`; a value before a panel's name holds for all panels defined after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError
from fedbragg.images.crystfel_mask import NamedMask, named_masks
from fedbragg.images.units import angstroms, metres, wavelength_of
from fedbragg.types import Geometry, Panel

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
QUANTITY = re.compile(rf"({NUMBER})\s*([A-Za-z]*)")
TERM = re.compile(r"([-+]?\s*(?:\d+\.?\d*|\.\d+)?(?:[eE][-+]?\d+)?)\s*([xyz])")
Keys = dict[str, str]
EDGES = ("min_fs", "max_fs", "min_ss", "max_ss")
REMEDY = "Check it with CrystFEL's check-geomfile."


@dataclass(frozen=True, slots=True)
class BadRegion:
    """A region that a geometry file marks to be ignored."""

    panel: str | None  # the panel's name where the limits are pixels of the file; None: all panels
    limits: Mapping[str, float]  # min_x, max_x, min_y, max_y in the laboratory; or EDGES in the file


@dataclass(frozen=True, slots=True)
class CrystfelGeometry:
    """A geometry file, read."""

    path: str
    geometry: Geometry
    bad: tuple[BadRegion, ...]
    ignored: tuple[str, ...]  # names of panels that must not be used at all
    masks: tuple[NamedMask, ...] = ()  # in files

    @property
    def shape(self) -> tuple[int, int]:
        """Return the least rows and columns of a frame that has all panels."""
        panels = self.geometry.panels
        return max(panel.rows[1] for panel in panels), max(panel.cols[1] for panel in panels)

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels of a frame (rows, cols) are bad or belong to no panel."""
        hidden = np.ones(shape, np.bool_)
        for panel in self.geometry.panels:
            if panel.name in self.ignored:
                continue
            rows, cols = np.mgrid[slice(*panel.rows), slice(*panel.cols)]
            x, y = panel.position(rows, cols)
            found = {"min_x": x, "max_x": x, "min_y": y, "max_y": y}
            found |= {"min_fs": cols, "max_fs": cols, "min_ss": rows, "max_ss": rows}
            bad = np.zeros(rows.shape, np.bool_)
            for region in self.bad:
                if region.panel in (None, panel.name):
                    bad |= _within(found, region.limits)
            hidden[slice(*panel.rows), slice(*panel.cols)] = bad
        return hidden


def _within(found: Mapping[str, NDArray[np.floating]], limits: Mapping[str, float]) -> NDArray[np.bool_]:
    inside = [
        found[key] >= limit if key.startswith("min") else found[key] <= limit for key, limit in limits.items()
    ]
    return np.asarray(np.logical_and.reduce(inside))


def read_geometry(path: Path) -> CrystfelGeometry:
    """Read a geometry file; raise ConfigError, which names the line, where it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). Give a CrystFEL geometry file."
        ) from None
    whole, panels, bad = _sections(text, path)
    if not panels:
        raise ConfigError(f"{path}: describes no panel. {REMEDY}")
    heights = 1 + max(int(_edge(keys, "max_ss", name, path)) for name, keys in panels.items())
    found = tuple(_panel(name, keys, heights, path) for name, keys in panels.items())
    geometry = Geometry(detector=path.stem, wavelength=_wavelength(whole), panels=found)
    regions = tuple(_bad_region(name, keys, {p.name: p for p in found}, path) for name, keys in bad.items())
    ignored = tuple(name for name, keys in panels.items() if keys.get("no_index", "0") not in ("0", "false"))
    return CrystfelGeometry(str(path), geometry, regions, ignored, named_masks(panels.values(), path))


def _sections(text: str, path: Path) -> tuple[Keys, dict[str, Keys], dict[str, Keys]]:
    """Return the keys of the whole file, of each panel with the defaults before it, and of each bad region."""
    whole, panels, bad = Keys(), dict[str, Keys](), dict[str, Keys]()
    for key, value in _lines(text, path):
        name, slash, rest = key.partition("/")
        if not slash:
            whole[key] = value
        elif name.startswith("bad"):
            bad.setdefault(name, {})[rest] = value
        elif not name.startswith(("rigid_group", "group")):
            panels.setdefault(name, dict(whole))[rest] = value
    return whole, panels, bad


def _lines(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition(";")[0].strip()
        if not content:
            continue
        key, equals, value = content.partition("=")
        if not equals:
            raise ConfigError(f"{path}: line {number}: {content[:60]!r} has no '='. {REMEDY}")
        yield key.strip(), value.strip()


def _panel(name: str, keys: Keys, height: int, path: Path) -> Panel:
    """Return a panel; a fixed index along a further axis of the data puts it below the others."""
    first_col, last_col, first_row, last_row = (int(_edge(keys, edge, name, path)) for edge in EDGES)
    index = next(
        (int(value) for key, value in keys.items() if key.startswith("dim") and value.isdecimal()), 0
    )
    resolution = _number(keys.get("res", ""))
    if not resolution:
        raise ConfigError(f"{path}: panel {name}: res, the pixels in a metre, is missing. {REMEDY}")
    distance = _quantity(keys.get("clen", ""), metres, "m")
    offset = _quantity(keys.get("coffset", "0"), metres, "m") or 0.0
    corner = _edge(keys, "corner_x", name, path), _edge(keys, "corner_y", name, path)
    return Panel(
        name,
        rows=(first_row + index * height, last_row + 1 + index * height),
        cols=(first_col, last_col + 1),
        corner=corner,
        fast=_direction(keys.get("fs", "x"), name, path),
        slow=_direction(keys.get("ss", "y"), name, path),
        pixel=1 / resolution,
        distance=None if distance is None else distance + offset,
    )


def _edge(keys: Keys, key: str, name: str, path: Path) -> float:
    value = _number(keys.get(key, ""))
    if value is None:
        raise ConfigError(f"{path}: panel {name}: {key} is missing or no number. {REMEDY}")
    return value


def _direction(text: str, name: str, path: Path) -> tuple[float, float]:
    """Read a direction such as "-0.0021x +0.99y"; its component along the beam is dropped."""
    parts = {"x": 0.0, "y": 0.0, "z": 0.0}
    terms = TERM.findall(text)
    if not terms or TERM.sub("", text).strip():
        raise ConfigError(f"{path}: panel {name}: {text!r} is not a direction such as +0.1x -0.9y. {REMEDY}")
    for factor, axis in terms:
        compact = factor.replace(" ", "")
        parts[axis] += float(f"{compact}1" if compact in ("", "+", "-") else compact)
    return parts["x"], parts["y"]


def _number(text: str) -> float | None:
    return _quantity(text, lambda value, unit: None if unit else value, "")


def _quantity(text: str, convert: Callable[[float, str], float | None], unit: str) -> float | None:
    """Convert a number, in ``unit`` where it has none; None for other text, such as a path in an HDF5 file."""
    match = QUANTITY.fullmatch(text.strip())
    return None if match is None else convert(float(match[1]), match[2] or unit)


def _wavelength(whole: Keys) -> float | None:
    """Return the wavelength in angstrom; None where the file only refers to it."""
    given = _quantity(whole.get("wavelength", ""), angstroms, "m")
    return given or _quantity(whole.get("photon_energy", ""), wavelength_of, "eV")


def _bad_region(name: str, keys: Keys, panels: Mapping[str, Panel], path: Path) -> BadRegion:
    panel = keys.get("panel")
    if panel is not None and panel not in panels:
        raise ConfigError(f"{path}: {name}: there is no panel {panel}. {REMEDY}")
    edges = {key: text for key, text in keys.items() if key[:4] in ("min_", "max_")}
    limits = {key: value for key, text in edges.items() if (value := _number(text)) is not None}
    if not limits:
        raise ConfigError(f"{path}: {name}: gives no limits, such as min_x and max_x. {REMEDY}")
    return BadRegion(panel, limits)
