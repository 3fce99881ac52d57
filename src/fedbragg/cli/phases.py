"""``fedbragg phases``: which minerals powder patterns show, and models for other minerals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.phases_train import train
from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from fedbragg.tasks.phases.model_card import PhaseCard
    from fedbragg.workflows.identify_phases import IdentifiedPattern

UNREADABLE = 3
"""Exit code where some patterns could not be read and the others are done."""
SHOWN = 20
"""Unreadable patterns listed on the screen; the table has all."""

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
    from fedbragg.progress import bars
    from fedbragg.tasks import phases as task
    from fedbragg.tasks.phases.files.integrate import Integration
    from fedbragg.workflows.identify_phases import IdentificationFolder, PatternReading, identify_into

    predictor = task.open_model(model or task.default_model())
    folder, reading = (
        IdentificationFolder(out, plots),
        PatternReading(wavelength, Integration(poni, mask_spots)),
    )
    with bars() as progress:
        rows = identify_into(folder, [str(path) for path in patterns], predictor, reading, progress)
    return _show(rows, predictor.card, folder.written)


def _show(rows: Sequence[IdentifiedPattern], card: PhaseCard, written: str) -> int:
    from fedbragg.errors import InputError

    unread = [row for row in rows if row.answer is None]
    if len(unread) == len(rows):
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        raise InputError(f"{unread[0].reason}{more}")
    done = [row.answer for row in rows if row.answer is not None]
    say(f"patterns     {len(rows)}")
    for position, name in enumerate(card.names):
        say(f"{name:<12} {sum(a.probabilities[position] >= card.threshold for a in done)}")
    if unread:
        say(f"unreadable   {len(unread)}")
        for row in unread[:SHOWN]:
            warn(row.reason)
        if len(unread) > SHOWN:
            warn(f"and {len(unread) - SHOWN} more, whose rows are empty")
    say(f"written      {written}")
    return UNREADABLE if unread else 0


phases.command()(train)
