"""``fedbragg simulate``: make a run of stills and its table of labels, for users without data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.folder import make_folder
from fedbragg.cli.show import Bar, bars
from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from fedbragg.simulate import Beamline, Still
    from fedbragg.types import Counts, Label


def simulate(
    beamline: Annotated[str, typer.Argument(help="Name of a beamline; --list shows them.")] = "",
    frames: Annotated[int, typer.Option(min=1, help="How many stills.")] = 200,
    out: Annotated[Path, typer.Option(help="Folder for BEAMLINE.h5 and labels.csv.")] = Path("simulated"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same frames.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Frames made at a time; changes the speed only.")] = 1,
    size: Annotated[int, typer.Option(min=0, help="Pixels along a smaller detector; 0 is the whole.")] = 0,
    listing: Annotated[bool, typer.Option("--list", help="Show the beamlines and end.")] = False,
) -> None:
    """Simulate a facility's run: an HDF5 file of stills, and labels.csv with what an expert would say."""
    from fedbragg.types import Label

    if listing:
        _show_beamlines()
        return
    facility = _sized(_facility(beamline), size)
    make_folder(out)
    path = out / f"{beamline}.h5"
    labels = _write(facility, path, frames, seed, workers)
    counted = Counter(labels)
    shares = ", ".join(f"{counted[label]} {label}" for label in Label)
    typer.echo(f"{path}: {frames} stills ({shares}); labels in {out / 'labels.csv'}")


def _facility(name: str) -> Beamline:
    from fedbragg.simulate import BEAMLINES

    if name not in BEAMLINES:
        known = ", ".join(BEAMLINES)
        raise ConfigError(f"no beamline is named {name!r}. Known ones: {known}.")
    return BEAMLINES[name]


def _sized(facility: Beamline, size: int) -> Beamline:
    from fedbragg.simulate import reduced

    detector = facility.detector
    return reduced(facility, min(size, detector.rows), min(size, detector.cols)) if size else facility


def _show_beamlines() -> None:
    from fedbragg.simulate import BEAMLINES

    for line in BEAMLINES.values():
        typer.echo(f"{line.name:10} {line.detector.rows} x {line.detector.cols}  {line.title}")


def _write(facility: Beamline, path: Path, frames: int, seed: int, workers: int) -> list[Label]:
    """Write the run and, beside it, the labels; return the labels in order."""
    from fedbragg.images import write_labels, write_run
    from fedbragg.simulate import simulate_run

    labels: list[Label] = []
    stills = iter(simulate_run(facility, frames, seed, workers))
    first = next(stills)
    counts = _counts(chain([first], stills), frames, labels)
    saturation = facility.detector.saturation
    write_run(path, counts, geometry=facility.geometry, mask=first.mask, saturation=saturation)
    write_labels(
        path.parent / "labels.csv", ((path.name, index, label) for index, label in enumerate(labels))
    )
    return labels


def _counts(stills: Iterator[Still], frames: int, labels: list[Label]) -> Iterator[Counts]:
    """Yield the stills' counts, note their labels, and show how far it is."""
    with bars() as place:
        bar = Bar(place, "Simulating", frames)
        for still in stills:
            labels.append(still.label)
            yield still.counts
            bar.step()
