"""Scores of the run's frames from an earlier screening's verdicts.csv, so that none is scored twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.labels.label_table import name_of
from fedbragg.screening import checkpoint
from fedbragg.screening.outputs.open_tables import open_table
from fedbragg.screening.outputs.tables import VERDICTS, read_verdicts
from fedbragg.types import Verdict

SCREENING = "screening"
"""The folder that ``fedbragg screen`` writes without --out."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownScores:
    """Scores by position in the run."""

    scores: NDArray[np.float64]  # (frames,) NaN where there is none
    levels: NDArray[np.float32]  # (frames,) background in counts a pixel, NaN where it is not known
    looked: NDArray[np.bool_]  # (frames,) frames that were screened, even if they could not be scored


def nothing_known(frames: int) -> KnownScores:
    """Return empty scores for a number of frames."""
    return KnownScores(np.full(frames, np.nan), np.full(frames, np.nan, np.float32), np.zeros(frames, bool))


def read_known_scores(place: Path, numbers: FrameNumbers, model: str) -> KnownScores:
    """Read a verdicts.csv, or the one in a folder; ``model`` is the SHA-256 of the model file at hand.

    Raises InputError where another model gave the scores, where the table cannot be read, or where no row is of the
    run.
    """
    table = place / VERDICTS if place.is_dir() else place
    if not table.is_file():
        raise InputError(f"{table}: no such file. Give the folder that `fedbragg screen` wrote.")
    _check_model(table.parent, model)
    verdicts = _verdicts(table)
    for base in (Path(), table.parent.parent):  # the folder in which screening ran, if not this one
        found = _placed(verdicts, base, numbers)
        if found.looked.any():
            return found
    raise InputError(
        f"{table}: none of its {len(verdicts)} frames is of this run. Give the run's own verdicts."
    )


def found_beside(labels: Path, numbers: FrameNumbers, model: str) -> KnownScores | None:
    """Return the scores of a screening in the labels' folder, None where there is none of this run and model."""
    for place in (labels.parent / VERDICTS, labels.parent / SCREENING / VERDICTS):
        try:
            if place.is_file():
                return read_known_scores(place, numbers, model)
        except InputError:  # another run's or another model's
            continue
    return None


def _check_model(folder: Path, model: str) -> None:
    found = checkpoint.load(folder)
    if found is None:
        raise InputError(
            f"{folder}: has no {checkpoint.CHECKPOINT}, so which model gave its scores is not known. "
            "Give the folder that `fedbragg screen` wrote."
        )
    if found.identity.model != model:
        raise InputError(
            f"{folder}: another model gave these scores. Give that one with --model, or leave out --verdicts."
        )


def _verdicts(table: Path) -> Sequence[Verdict]:
    try:
        with open_table(table) as lines:
            return list(read_verdicts(lines))
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{table}: cannot be read ({error}). Screen the run again.") from None


def _placed(verdicts: Sequence[Verdict], base: Path, numbers: FrameNumbers) -> KnownScores:
    known = nothing_known(len(numbers))
    for verdict in verdicts:
        position = numbers.position((name_of(str(base / verdict.path), numbers.folder), verdict.index))
        if position is not None:
            known.looked[position] = True
            known.scores[position] = np.nan if verdict.score is None else verdict.score
            known.levels[position] = np.nan if verdict.background is None else verdict.background
    return known
