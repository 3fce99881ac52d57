"""Compute structure factors from a coordinate file with gemmi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError


def structure_intensities(path: str, indices: NDArray[np.int32], resolution: float) -> NDArray[np.float32]:
    """Return |F|^2 (n,) in square electrons of reflections (n, 3), from a PDB, mmCIF or small-molecule CIF file.

    Raises InputError where the file is missing or holds no structure.
    """
    import gemmi

    if not Path(path).is_file():
        raise InputError(f"{path}: no such file. Give a coordinate file: PDB, mmCIF or small-molecule CIF.")
    try:
        small = gemmi.read_small_structure(path) if path.lower().endswith(".cif") else None
        if small is not None and small.sites:
            return _direct(small, indices)
        return _by_density(gemmi.read_structure(path), indices, resolution)
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: not a coordinate file ({error}). Give PDB, mmCIF or small-molecule CIF."
        ) from None


def _direct(small: Any, indices: NDArray[np.int32]) -> NDArray[np.float32]:
    import gemmi

    small.change_occupancies_to_crystallographic()  # an atom on a mirror counts once, not once per operation
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    factors = [calculator.calculate_sf_from_small_structure(small, hkl) for hkl in indices.tolist()]
    return np.asarray(np.abs(np.array(factors)) ** 2, dtype=np.float32)


def _by_density(structure: Any, indices: NDArray[np.int32], resolution: float) -> NDArray[np.float32]:
    """Sum a macromolecule's atoms on a grid and transform it: a direct sum over thousands of atoms is too slow."""
    import gemmi

    density = gemmi.DensityCalculatorX()
    density.d_min = resolution
    density.grid.setup_from(structure)
    density.put_model_density_on_grid(structure[0])
    transformed = gemmi.transform_map_to_f_phi(density.grid)
    return np.asarray(np.abs(transformed.get_value_by_hkl(indices)) ** 2, dtype=np.float32)
