"""List a crystal's reflections with intensities from Wilson statistics or a coordinate file."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError
from fedbragg.simulation.beamline import Sample

# Atoms of an average protein (Matthews 1968), without hydrogen, which scatters very little.
_PROTEIN = (("C", 0.63), ("N", 0.17), ("O", 0.19), ("S", 0.01))


@dataclass(frozen=True, slots=True, eq=False)
class Reflections:
    """All reflections of a crystal up to its resolution, both of each Friedel pair."""

    indices: NDArray[np.int16]  # (n, 3), Miller indices
    intensity: NDArray[np.float32]  # (n,), |F|^2 with temperature factor; mean near 1 at d = 10 angstrom
    reciprocal: NDArray[np.float64]  # (3, 3), columns a*, b*, c* in 1/angstrom, unrotated


@lru_cache(maxsize=8)
def reflections(sample: Sample) -> Reflections:
    """Return a sample's reflections; the same sample always has the same structure factors.

    Raises ConfigError for an unknown space group.
    """
    import gemmi

    cell = gemmi.UnitCell(*sample.cell)
    group = gemmi.find_spacegroup_by_name(sample.space_group)
    if group is None:
        raise ConfigError(f"space group {sample.space_group!r} is unknown. Give a Hermann-Mauguin symbol.")
    unique = gemmi.make_miller_array(cell, group, sample.resolution, 60.0)
    if sample.structure is None:
        intensity = _wilson(sample, unique, group, cell)
    else:
        from fedbragg.simulation.crystal.structure import structure_intensities

        intensity = structure_intensities(sample.structure, unique, sample.resolution)
    indices, intensity = _whole_sphere(unique, intensity, group.operations())
    reciprocal = np.array(cell.frac.mat.tolist()).T
    return Reflections(indices, intensity, reciprocal)


def _wilson(sample: Sample, unique: NDArray[np.int32], group: Any, cell: Any) -> NDArray[np.float32]:
    """Draw intensities: acentric exponential, centric chi-squared (Wilson 1949), times the epsilon factor."""
    operations = group.operations()
    generator = np.random.default_rng(zlib.crc32(repr((sample.cell, sample.space_group)).encode()))
    acentric = generator.exponential(size=len(unique))
    centric = generator.chisquare(1, size=len(unique))
    drawn = np.where(operations.centric_flag_array(unique), centric, acentric)
    drawn *= operations.epsilon_factor_without_centering_array(unique)
    stol2 = cell.calculate_1_d2_array(unique) / 4
    return np.asarray(drawn * _scattering(stol2) * np.exp(-2 * sample.b_factor * stol2), dtype=np.float32)


def _scattering(stol2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean squared form factor of a protein's atoms at (sin theta / lambda)^2; 1 at the origin."""
    import gemmi

    grid = np.linspace(0, max(float(stol2.max()), 1e-6), 64)

    def square(element: str) -> NDArray[np.float64]:
        factor = gemmi.Element(element).it92
        return np.array([factor.calculate_sf(float(x)) for x in grid]) ** 2

    curve = np.sum([share * square(element) for element, share in _PROTEIN], axis=0)
    return np.asarray(np.interp(stol2, grid, curve / curve[0]))


def _whole_sphere(
    unique: NDArray[np.int32], intensity: NDArray[np.float32], operations: Any
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Expand by the group's rotations and Friedel's law, each reflection once."""
    turned = []
    for operation in operations.sym_ops:
        rotation = np.array(operation.rot) // 24  # gemmi's DEN: rotations are stored as 24ths
        turned.append(unique @ rotation)
        turned.append(-turned[-1])
    indices = np.concatenate(turned)
    strengths = np.tile(intensity, len(turned))
    key = ((indices[:, 0] + 2048) * 4096 + indices[:, 1] + 2048) * 4096 + indices[:, 2] + 2048
    _, first = np.unique(key.astype(np.int64), return_index=True)
    return indices[first].astype(np.int16), strengths[first]
