"""``fedbragg simulate``: simulate a run of stills and its table of labels, for users without data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from fedbragg.simulation import Beamline


def simulate(
    beamline: Annotated[str, typer.Argument(help="Name of a beamline; --list shows them.")] = "",
    frames: Annotated[int, typer.Option(min=1, help="Number of stills.")] = 200,
    out: Annotated[Path, typer.Option(help="Folder for BEAMLINE.h5 and labels.csv.")] = Path("simulated"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same frames.")] = 1,
    workers: Annotated[
        int, typer.Option(min=1, help="Frames simulated at a time; changes only the speed.")
    ] = 1,
    size: Annotated[
        int, typer.Option(min=0, help="Pixels along a smaller detector; 0 keeps the whole one.")
    ] = 0,
    listing: Annotated[bool, typer.Option("--list", help="List the beamlines and end.")] = False,
) -> None:
    """Simulate a run: an HDF5 file of stills, and labels.csv with the label of each."""
    from fedbragg.progress import bars
    from fedbragg.types import Label
    from fedbragg.workflows.folder import make_folder
    from fedbragg.workflows.simulate import write_simulated_run

    if listing:
        _show_beamlines()
        return
    facility = _sized(_facility(beamline), size)
    make_folder(out)
    path = out / f"{beamline}.h5"
    with bars() as progress:
        step = progress.stage("Simulating", frames)
        labels = write_simulated_run(facility, path, frames, seed, workers, step)
    counted = Counter(labels)
    shares = ", ".join(f"{counted[label]} {label}" for label in Label)
    typer.echo(f"{path}: {frames} stills ({shares}); labels in {out / 'labels.csv'}")


def _facility(name: str) -> Beamline:
    from fedbragg.simulation import BEAMLINES

    if name not in BEAMLINES:
        known = ", ".join(BEAMLINES)
        raise ConfigError(f"no beamline is named {name!r}. Known ones: {known}.")
    return BEAMLINES[name]


def _sized(facility: Beamline, size: int) -> Beamline:
    from fedbragg.simulation import reduced

    detector = facility.detector
    return reduced(facility, min(size, detector.rows), min(size, detector.cols)) if size else facility


def _show_beamlines() -> None:
    from fedbragg.simulation import BEAMLINES

    for line in BEAMLINES.values():
        typer.echo(f"{line.name:10} {line.detector.rows} x {line.detector.cols}  {line.title}")
