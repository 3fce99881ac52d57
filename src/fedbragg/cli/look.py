"""``fedbragg look``: show one frame as a picture with its spots and its score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import GeometryOption, ModelOption, open_hit_finder
from fedbragg.cli.show import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fedbragg.types import Frame, Geometry, Spot

SHOWN = 10
"""Spots printed; the table has all."""


def look(
    what: Annotated[
        str, typer.Argument(metavar="FILE[:FRAME]", help="Image file, and which of its frames, from 0.")
    ],
    model: ModelOption = None,
    out: Annotated[Path, typer.Option(help="Picture to write: .jpg, .png or .webp.")] = Path("look.jpg"),
    table: Annotated[
        Path | None, typer.Option(help="Table of all spots to write: column,row,intensity,...")
    ] = None,
    geometry: GeometryOption = None,
) -> int:
    """Show why a frame is kept or dropped: its picture with the found spots marked, its score, the list of spots."""
    from fedbragg.report.pictures import picture
    from fedbragg.screening.resolution import resolution

    form = _form(out)
    predictor = open_hit_finder(model)
    frame, where = _frame(what, geometry)
    verdict = predictor(frame)
    spots, decision = verdict.spots, "kept" if verdict.keep else "dropped"
    title = f"{Path(frame.path).name} frame {frame.index}: score {verdict.score:.3f}, {decision}, {len(spots)} spots"
    reach = resolution(_places(spots), where)
    title += f" to {reach:.3g} Å" if reach is not None else ""
    _write(out, picture(frame, spots, title, form), "--out")
    if table is not None:
        _write(table, _spot_table(spots).encode(), "--table")
    say(f"{title} (threshold {predictor.card.threshold:.3g})")
    say(f"{'column':>8} {'row':>8} {'counts':>10} {'sigma':>8}")
    for spot in spots[:SHOWN]:
        say(f"{spot.column:8.0f} {spot.row:8.0f} {spot.intensity:10.0f} {spot.significance:8.1f}")
    if len(spots) > SHOWN:
        say(f"... and {len(spots) - SHOWN} more; --table writes all.")
    say(f"written  {out}{f', {table}' if table else ''}")
    return 0


def _write(path: Path, content: bytes, option: str) -> None:
    """Write a file, making its folder; raise InputError, naming the option, where it cannot be written."""
    from fedbragg.errors import InputError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path}: cannot write there ({error.strerror}). Give another {option}.") from None


def _form(out: Path) -> str:
    """Return how the picture is written, by the extension of its file; raise InputError for an unknown one."""
    from fedbragg.errors import InputError
    from fedbragg.report.pictures import FORMATS

    form = FORMATS.get(out.suffix.lower())
    if form is None:
        raise InputError(f"--out {out}: give a name that ends with {', '.join(FORMATS)}.")
    return form


def _places(spots: Sequence[Spot]) -> NDArray[np.int64]:
    """Return row and column of the spots' pixels (2, spots)."""
    import numpy as np

    return np.array([[spot.row for spot in spots], [spot.column for spot in spots]], np.int64)


def _frame(what: str, geometry: Path | None) -> tuple[Frame, Geometry]:
    from fedbragg.images.frame_address import open_named

    run, index = open_named(what, geometry)
    return run[index or 0], run.geometry


def _spot_table(spots: Sequence[Spot]) -> str:
    """Return all spots as CSV."""
    rows = [f"{s.column:.0f},{s.row:.0f},{s.intensity:.1f},{s.significance:.2f}" for s in spots]
    return "\n".join(["column,row,intensity,significance", *rows]) + "\n"
