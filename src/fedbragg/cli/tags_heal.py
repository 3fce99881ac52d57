"""``fedbragg tags heal``: fill the gaps of scattering images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.applied import SHOWN, refuse_if_all_failed
from fedbragg.cli.exit_codes import UNREADABLE
from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from fedbragg.tasks.tags.healing.healed import FilledBy
    from fedbragg.workflows.heal import HealedFile, HealedRow

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE[:FRAME]...", help="Images; the frame counts from 0.")
]
BeamOption = Annotated[
    str | None,
    typer.Option(
        metavar="COL,ROW",
        help="Direct beam in pixels; it may lie outside.",
        show_default="the file's, else estimated",
    ),
]
MaskOption = Annotated[
    Path | None,
    typer.Option(help="Image of more gaps: pixels that are not 0 are ignored (.npy, .png, .edf ...)."),
]


def heal(
    files: FilesArgument,
    out: Annotated[Path, typer.Option(help="Folder for the healed images.")] = Path("healed"),
    method: Annotated[str, typer.Option(help="symmetry, smooth or network.")] = "symmetry",
    beam: BeamOption = None,
    mask: MaskOption = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Network of scripts/build-healing-model.  [default: the one in the package]"),
    ] = None,
) -> int:
    """Fill the gaps of scattering images, for viewing and for tools that cannot handle gaps.

    Writes for each image OUT/NAME.tif (float32; measured pixels unchanged, NaN where it cannot be filled),
    OUT/NAME-steps.tif (uint8: 0 measured, 1 by symmetry, 2 along the azimuth, 3 by radius, 4 across the gap, 5 smooth,
    6 network, 255 unfilled) and OUT/NAME.png, before and after. The exit code is 3 where some images could not be
    healed, and 2 where none could.
    """
    from fedbragg.progress import bars
    from fedbragg.tasks.tags.healing.methods import known_method
    from fedbragg.workflows.heal import Request, heal_into

    request = Request(out, known_method(method), _beam(beam), mask, model)
    with bars() as progress:
        rows = heal_into(files, request, progress)
    return _show(rows, out)


def _beam(text: str | None) -> tuple[float, float] | None:
    from fedbragg.errors import ConfigError

    if text is None:
        return None
    try:
        column, row = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--beam {text!r} is not a place. Give column and row, as in --beam 480.5,512."
        ) from None
    if not (abs(column) < 1e6 and abs(row) < 1e6):
        raise ConfigError(f"--beam {text!r} is too far away. Give column and row in pixels.")
    return column, row


def _show(rows: Sequence[HealedRow], out: Path) -> int:
    failed = [row for row in rows if row.answer is None]
    refuse_if_all_failed([row.reason for row in failed], len(rows))
    done = [row.answer for row in rows if row.answer is not None]
    for answer in done[:SHOWN]:
        _show_one(answer)
    if len(done) > SHOWN:
        say(f"... and {len(done) - SHOWN} more")
    for row in failed[:SHOWN]:
        warn(row.reason)
    say(f"written    {out}")
    return UNREADABLE if failed else 0


def _show_one(answer: HealedFile) -> None:
    from fedbragg.tasks.tags.healing.beam.estimate import SURE

    name, beam = answer.written.stem, answer.beam
    say(f"{name:<10} {_filled(answer.counted)}")
    if beam is not None:
        sure = f", confidence {beam.confidence:.2f}" if answer.source == "estimated" else ""
        say(f"           beam {beam.column:.1f},{beam.row:.1f} ({answer.source}{sure})")
        if beam.confidence < SURE:
            warn(f"{name}: the beam is uncertain. Look at the picture, or give --beam COL,ROW.")


def _filled(counted: dict[FilledBy, int]) -> str:
    """Describe how many pixels each method filled."""
    from fedbragg.tasks.tags.healing.healed import FilledBy

    gaps = {step: number for step, number in counted.items() if step is not FilledBy.MEASURED}
    if not gaps:
        return "no gaps; give --mask where the file does not mark them"
    left = gaps.pop(FilledBy.UNFILLED, 0)
    total = sum(gaps.values())
    parts = ", ".join(f"{step.name.lower()} {number / total:.0%}" for step, number in gaps.items())
    return f"{total} pixels filled{f' ({parts})' if parts else ''}, {left} left"
