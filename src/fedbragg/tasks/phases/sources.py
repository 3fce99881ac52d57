"""Where labelled patterns come from: the simulator, or files and a table."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from fedbragg.errors import LabelError
from fedbragg.simulate.powder import Conditions, Phase, SimulatedPattern, draw_present, simulate_pattern
from fedbragg.tasks.phases.files.columns import read_pattern
from fedbragg.tasks.phases.learner import PhaseData
from fedbragg.tasks.phases.model_card import PhaseLines, strongest_lines
from fedbragg.tasks.phases.prepare import PatternSettings, prepare_pattern

Tick = Callable[[], None]


def lines_of(phases: Sequence[Phase], settings: PatternSettings) -> tuple[PhaseLines, ...]:
    """Return the lines by which phases are recognised."""
    return tuple(strongest_lines(phase.name, phase.q(), phase.intensity, settings) for phase in phases)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What simulated patterns may show, and how they are prepared."""

    phases: Sequence[Phase]
    settings: PatternSettings = field(default_factory=PatternSettings)
    conditions: Conditions = field(default_factory=Conditions)
    never: tuple[int, ...] = ()  # positions of the phases that do not occur


def simulated(scene: Scene, patterns: int, seed: int, tick: Tick = lambda: None) -> PhaseData:
    """Simulate labelled patterns."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(patterns):
        present = draw_present(len(scene.phases), scene.conditions, generator)
        present[list(scene.never)] = False
        made.append(simulate_pattern(scene.phases, present, scene.conditions, generator))
        tick()
    return gather(made, scene.settings)


def gather(made: Sequence[SimulatedPattern], settings: PatternSettings) -> PhaseData:
    """Prepare simulated patterns."""
    views = np.stack([prepare_pattern(one.pattern, settings) for one in made])
    labels = np.stack([one.seen for one in made]).astype(np.float32)
    return PhaseData(
        torch.from_numpy(views), torch.from_numpy(labels), torch.zeros(len(made), dtype=torch.bool)
    )


def measured(
    files: Sequence[Path], table: Path, names: Sequence[str], settings: PatternSettings, wavelength: float
) -> PhaseData:
    """Read and prepare those of the files, in their order, that the table ``path,PHASE,PHASE,...`` has labels for."""
    labels = read_phase_labels(table, names)
    chosen = [file for file in files if file.resolve() in labels]
    if not chosen:
        raise LabelError(
            f"{table}: none of the {len(files)} patterns has a label; paths start at the table's folder."
        )
    views = np.stack([prepare_pattern(read_pattern(file, wavelength), settings) for file in chosen])
    truth = np.array([labels[file.resolve()] for file in chosen], dtype=np.float32)
    return PhaseData(
        torch.from_numpy(views), torch.from_numpy(truth), torch.ones(len(chosen), dtype=torch.bool)
    )


def read_phase_labels(table: Path, names: Sequence[str]) -> dict[Path, list[float]]:
    """Read a table with a column path and one of 1, 0 or nothing (unknown) for each phase."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{table}: cannot be read ({error}). Give a table path,{','.join(names)}.") from None
    missing = [name for name in ("path", *names) if not rows or name not in rows[0]]
    if missing:
        raise LabelError(
            f"{table}: no column {missing[0]!r}. Give a table path,{','.join(names)} with 1 and 0."
        )
    labels: dict[Path, list[float]] = {}
    for line, row in enumerate(rows, start=2):
        path = _path(table, line, row["path"])
        said = [_label(table, line, row[name]) for name in names]
        if labels.setdefault(path, said) != said:
            raise LabelError(f"{table} line {line}: {path.name} has other labels above. Keep one row.")
    return labels


def _path(table: Path, line: int, text: str | None) -> Path:
    if not text or not text.strip():
        raise LabelError(f"{table} line {line}: names no pattern. Give its path in the column path.")
    return (table.parent / text.strip()).resolve()


def _label(table: Path, line: int, text: str | None) -> float:
    known = {"1": 1.0, "0": 0.0, "": -1.0}
    word = (text or "").strip()
    if word not in known:
        raise LabelError(
            f"{table} line {line}: {word!r} is no label. Give 1, 0, or nothing where it is not known."
        )
    return known[word]
