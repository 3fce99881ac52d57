"""The structures in a settings file: shipped ones by name, others by the path of a CIF."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.simulation.powder import SHIPPED, Phase, read_phase, shipped_phases
from fedbragg.tasks.phases.settings import PhasesSettings


def located(settings: PhasesSettings, folder: Path | None) -> PhasesSettings:
    """Return the settings with paths of CIFs joined to ``folder``.

    Raises ConfigError for an unknown structure, and for a CIF without a folder.
    """
    unknown = [name for name in settings.structures if name not in SHIPPED and not is_file(name)]
    if unknown:
        raise ConfigError(
            f"[phases]: structures: {unknown[0]!r} is not a shipped structure ({', '.join(SHIPPED)}). "
            "Name one of those, or give the path of a .cif file."
        )
    files = [name for name in settings.structures if is_file(name)]
    if files and folder is None:
        raise ConfigError(
            f"[phases]: structures: {Path(files[0]).name}: real sites have only the shipped structures. "
            f"Choose from {', '.join(SHIPPED)}."
        )
    names = tuple(str(folder / name) if folder and is_file(name) else name for name in settings.structures)
    return settings.model_copy(update={"structures": names})


def is_file(structure: str) -> bool:
    """Tell whether a structure is given as the path of a CIF."""
    return structure.lower().endswith(".cif")


@lru_cache(maxsize=4)
def read_structures(structures: tuple[str, ...]) -> tuple[Phase, ...]:
    """Read shipped structures by name and others by path; raise InputError if one cannot be read."""
    return tuple(shipped_phases((s,))[0] if s in SHIPPED else read_phase(Path(s)) for s in structures)
