"""A crystalline phase: positions and intensities of its powder lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError, InputError
from fedbragg.simulation.crystal.structure import structure_intensities

Q_MAX = 8.0
"""Lines above this q, 1/angstrom, are left out; no grid extends that far."""
WEAKEST = 1e-3
"""Lines weaker than this share of the strongest are left out."""
SHIPPED = ("bastnaesite", "calcite", "rhenium")
"""Phases whose structures are in the package, in the order of the shipped model's columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """The lines of a phase, one for each family of symmetry-equivalent reflections."""

    name: str
    reciprocal: NDArray[np.float64]  # (3, 3), columns a*, b*, c* in 1/angstrom, without 2 pi
    tied: tuple[int, int, int]  # axes with the same number are equally long by symmetry
    equivalents: NDArray[np.int32]  # (lines, operations, 3), each reflection of a family equally often
    multiplicity: NDArray[np.int32]  # (lines,), reflections in the family
    intensity: NDArray[np.float64]  # (lines,), of an ideal powder, the strongest 1

    @property
    def indices(self) -> NDArray[np.int32]:
        """Return one reflection of each family (lines, 3)."""
        return self.equivalents[:, 0]

    def q(self, strain: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the lines' scattering vectors (lines,) in 1/angstrom, with the axes stretched by ``strain`` (3,)."""
        stretch = 1.0 + (np.zeros(3) if strain is None else strain)
        vectors: NDArray[np.float64] = (self.indices / stretch) @ self.reciprocal.T
        return np.asarray(2 * np.pi * np.linalg.norm(vectors, axis=1))

    def tilt(self) -> NDArray[np.float64]:
        """Return the squared cosines between the plane normals of each line's family and c*, (lines, operations).

        In a cubic cell, 100, 010 and 001 are one line, but only 001 is along c*.
        """
        vectors = self.equivalents @ self.reciprocal.T
        axis = self.reciprocal[:, 2] / np.linalg.norm(self.reciprocal[:, 2])
        return np.asarray((vectors @ axis) ** 2 / np.sum(vectors**2, axis=2))


def shipped_phases(names: tuple[str, ...] = SHIPPED) -> list[Phase]:
    """Return the phases of these names whose structures are in the package; raise ConfigError for others."""
    unknown = [name for name in names if name not in SHIPPED]
    if unknown:
        raise ConfigError(
            f"phase {unknown[0]!r} is unknown. Shipped: {', '.join(SHIPPED)}; give a CIF for any other."
        )
    return [read_phase(Path(__file__).with_name(f"{name}.cif")) for name in names]


def read_phase(path: Path) -> Phase:
    """Read a phase from a CIF and name it after the file; raise InputError where the file has no structure."""
    import gemmi

    structure = _read_structure(path)
    group = structure.spacegroup
    cell = structure.cell
    unique = gemmi.make_miller_array(cell, group, 2 * np.pi / Q_MAX, 1e3)
    squared = structure_intensities(str(path), unique, 2 * np.pi / Q_MAX).astype(np.float64)
    equivalents = _equivalents(unique, group.operations())
    multiplicity = _multiplicities(equivalents)
    spacing = np.asarray(cell.calculate_d_array(unique))
    # The Lorentz factor at small angles, (sin^2 theta cos theta)^-1, goes as d^2; a synchrotron's polarisation is
    # nearly constant there.
    strength = squared * multiplicity * spacing**2
    kept = strength > WEAKEST * strength.max()
    return Phase(
        name=path.stem,
        reciprocal=np.array(cell.frac.mat.tolist()).T,
        tied=_tied_axes(group),
        equivalents=equivalents[kept],
        multiplicity=multiplicity[kept],
        intensity=strength[kept] / strength.max(),
    )


def _read_structure(path: Path) -> Any:
    import gemmi

    if not path.is_file():
        raise InputError(f"{path}: no such file. Give a CIF with cell, space group and atoms.")
    try:
        structure = gemmi.read_small_structure(str(path))
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: not a CIF ({error}). Give a CIF with cell, space group and atoms."
        ) from None
    if not structure.sites or structure.spacegroup is None or not structure.cell.is_crystal():
        raise InputError(f"{path}: lacks cell, space group or atoms. Give a CIF with all three.")
    return structure


def _equivalents(unique: NDArray[np.int32], operations: Any) -> NDArray[np.int32]:
    """Return every symmetry operation's image of each reflection, its own first, (families, operations, 3)."""
    rotations = [np.array(operation.rot) // 24 for operation in operations.sym_ops]  # gemmi stores 24ths
    return np.stack([unique @ rotation for rotation in rotations], axis=1).astype(np.int32)


def _multiplicities(equivalents: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the number of reflections in each family (families,), Friedel mates included."""
    both = np.concatenate([equivalents, -equivalents], axis=1)  # (families, images, 3)
    return np.array([len(np.unique(images, axis=0)) for images in both], dtype=np.int32)


def _tied_axes(group: Any) -> tuple[int, int, int]:
    """Return the number of each axis; axes with the same number are equally long by symmetry."""
    system = group.crystal_system_str()
    if system == "cubic" or (system == "trigonal" and group.ext == "R"):
        return (0, 0, 0)
    return (0, 0, 1) if system in ("tetragonal", "trigonal", "hexagonal") else (0, 1, 2)
