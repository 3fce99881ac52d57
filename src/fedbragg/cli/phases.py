"""``fedbragg phases``: identify the minerals in powder patterns, and train models for other minerals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.applied import reaching, show_rows
from fedbragg.cli.phases_train import train

phases = typer.Typer(
    name="phases",
    help="Identify the minerals in powder patterns.",
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
        help=".npy (2, N), .xy, .xye, .csv, .chi, .xrdml, or images; FILE:FRAME for one frame of a file.",
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(help="Model file of `fedbragg phases train`.  [default: the one in the package]"),
]
PoniOption = Annotated[Path | None, typer.Option(help="Geometry of the images, a .poni file of pyFAI.")]
MaskOption = Annotated[
    bool, typer.Option("--mask-spots", help="Mask the spots of single grains when integrating images.")
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        help="Table path,PHASE,PHASE,... with 1, 0, or nothing for unknown: writes OUT/report.html."
    ),
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
    labels: LabelsOption = None,
) -> int:
    """Identify the phases in powder patterns.

    Writes OUT/phases.csv (path, then the probability of each phase; a phase is found from 0.5 on) and a plot of each
    pattern in OUT/plots. With --labels, OUT/report.html compares the answers with the labels and shows how reliable
    the probabilities are. A pattern that cannot be read has an empty row; the exit code is then 3, or 2 if none could.
    """
    from fedbragg.progress import bars
    from fedbragg.tasks import phases as task
    from fedbragg.tasks.phases.files.integrate import Integration
    from fedbragg.tasks.phases.labels import read_phase_labels
    from fedbragg.workflows.apply import apply, write_answers
    from fedbragg.workflows.identify_phases import (
        REPORT,
        PatternReading,
        presentation,
        reader,
        write_evaluation,
    )

    predictor = task.open_model(model or task.default_model())
    card, reading = predictor.card, PatternReading(wavelength, Integration(poni, mask_spots))
    written = presentation(predictor, reading, plots)
    if labels is not None:
        read_phase_labels(labels, card.names)  # a table that cannot be used is refused before the work
    with bars() as progress:
        applied = apply(map(str, patterns), reader(card, reading), predictor)
        rows = write_answers(out, applied, written, progress.stage("Identifying", len(patterns)))
    files = written.files(out)
    if labels is not None and any(row.values for row in rows):
        write_evaluation(out / REPORT, rows, labels, card)
        files.append(out / REPORT)
    return show_rows("pattern", rows, reaching(rows, card.names, card.threshold), files)


phases.command()(train)
