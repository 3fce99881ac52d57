"""``fedbragg phases``: which minerals powder patterns show, and models for other minerals."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.folder import make_folder
from fedbragg.cli.phases_train import train
from fedbragg.cli.show import Bar, bars, say

if TYPE_CHECKING:
    from fedbragg.tasks.phases.files.integrate import Integration
    from fedbragg.tasks.phases.model_file import Identified, Identifier
    from fedbragg.types import Pattern

TABLE, PLOTS = "phases.csv", "plots"
UNREADABLE = 3
"""Exit code where some patterns could not be read and the others are done."""
TOLD = 20
"""Patterns that cannot be read and are told on the screen; the table has all."""

phases = typer.Typer(
    name="phases",
    help="Say which minerals powder patterns show.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
WavelengthOption = Annotated[
    float | None,
    typer.Option(min=0.01, max=10, help="Angstrom.", show_default="the file's, else the model's"),
]


PatternsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATTERN...",
        help=".npy (2, N), .xy, .xye, .csv, .chi, .xrdml, or images; FILE:FRAME of several.",
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(help="Model file of `fedbragg phases train`.  [default: the one in the package]"),
]
PoniOption = Annotated[Path | None, typer.Option(help="Geometry of the images, a .poni file of pyFAI.")]
MaskOption = Annotated[
    bool, typer.Option("--mask-spots", help="Leave spots of single grains out when integrating images.")
]
PlotsOption = Annotated[bool, typer.Option(help="Plot each pattern with the lines of the phases found.")]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One pattern's line of the table."""

    path: str
    answer: Identified | None
    reason: str = ""  # why there is no answer


@phases.command()
def identify(
    patterns: PatternsArgument,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("phases"),
    model: ModelOption = None,
    wavelength: WavelengthOption = None,
    poni: PoniOption = None,
    mask_spots: MaskOption = False,
    plots: PlotsOption = True,
) -> int:
    """Say which phases powder patterns show.

    Writes OUT/phases.csv (path, then the probability of each phase; a phase is found from 0.5 on) and a plot of each
    pattern in OUT/plots. A pattern that cannot be read has an empty row; the exit code is then 3, or 2 if none could.
    """
    from fedbragg.tasks.phases.files.integrate import Integration
    from fedbragg.tasks.phases.model_file import Identifier, default_phases_model

    identifier = Identifier(model or default_phases_model())
    make_folder(out / PLOTS if plots else out)
    images = Integration(poni, mask_spots)
    rows: list[Row] = []
    names: set[str] = set()
    with bars() as place:
        bar = Bar(place, "Identifying", len(patterns))
        for path in patterns:
            rows.append(
                _row(
                    path,
                    identifier,
                    images,
                    wavelength,
                    out / PLOTS / _plot_name(path, names) if plots else None,
                )
            )
            bar.step()
    _write_table(out / TABLE, identifier, rows)
    return _tell(rows, identifier, f"{out / TABLE}, {out / PLOTS}" if plots else str(out / TABLE))


def _row(
    path: Path, identifier: Identifier, images: Integration, wavelength: float | None, plot: Path | None
) -> Row:
    from fedbragg.errors import InputError
    from fedbragg.tasks.phases.prepare import prepare_pattern

    try:
        pattern = _read(path, identifier, images, wavelength)
        answer = identifier(prepare_pattern(pattern, identifier.card.prepare))
    except InputError as error:
        return Row(str(path), None, str(error))
    if plot is not None:
        _plot(plot, pattern, answer, identifier, wavelength or identifier.card.wavelength)
    return Row(str(path), answer)


def _read(path: Path, identifier: Identifier, images: Integration, wavelength: float | None) -> Pattern:
    from fedbragg.tasks.phases.files.columns import is_pattern, read_pattern
    from fedbragg.tasks.phases.files.integrate import integrate

    if is_pattern(path):
        return read_pattern(path, wavelength or identifier.card.wavelength, given=wavelength is not None)
    return integrate(path, images, wavelength)


def _plot(
    path: Path, pattern: Pattern, answer: Identified, identifier: Identifier, wavelength: float
) -> None:
    from fedbragg.report.phases import Found, colour_of, write_plot

    card = identifier.card
    found = [
        Found(lines, float(probability), float(strain), colour_of(position))
        for position, (lines, probability, strain) in enumerate(
            zip(card.phases, answer.probabilities, answer.strains, strict=True)
        )
        if probability >= card.threshold
    ]
    write_plot(path, pattern, found, (card.prepare.q_low, card.prepare.q_high), wavelength)


def _plot_name(path: Path, taken: set[str]) -> str:
    """Return a name for a pattern's plot that no other pattern of this call has."""
    stem = "-".join([path.stem, *path.suffix.split(":")[1:]])  # run.h5:7 becomes run-7
    name, number = stem or "pattern", 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return f"{name}.png"


def _write_table(path: Path, identifier: Identifier, rows: Sequence[Row]) -> None:
    from fedbragg.errors import InputError

    names = identifier.card.names
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["path", *names])
            for row in rows:
                said = (
                    [""] * len(names)
                    if row.answer is None
                    else [f"{p:.4f}" for p in row.answer.probabilities]
                )
                table.writerow([row.path, *said])
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}). Give another --out.") from None


def _tell(rows: Sequence[Row], identifier: Identifier, written: str) -> int:
    from fedbragg.errors import InputError

    unread = [row for row in rows if row.answer is None]
    if len(unread) == len(rows):
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        raise InputError(f"{unread[0].reason}{more}")
    done = [row.answer for row in rows if row.answer is not None]
    say(f"patterns     {len(rows)}")
    for position, name in enumerate(identifier.card.names):
        say(f"{name:<12} {sum(a.probabilities[position] >= identifier.card.threshold for a in done)}")
    if unread:
        say(f"unreadable   {len(unread)}")
        for row in unread[:TOLD]:
            typer.echo(f"fedbragg: {row.reason}", err=True)
        if len(unread) > TOLD:
            typer.echo(f"fedbragg: and {len(unread) - TOLD} more, whose rows are empty", err=True)
    say(f"written      {written}")
    return UNREADABLE if unread else 0


phases.command()(train)
