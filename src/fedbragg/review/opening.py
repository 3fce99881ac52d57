"""Open a run for review: its frames, the labels beside it, and a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.images.open import open_files
from fedbragg.images.run import FileRun
from fedbragg.models.onnx_file import digest
from fedbragg.review.frames.frame_cache import FrameCache
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.frames.known_scores import KnownScores, found_beside, read_known_scores
from fedbragg.review.frames.scores import Scores
from fedbragg.review.labelling_session import LabellingSession, ReviewedRun, Reviewer, now
from fedbragg.review.labels.label_store import LabelStore
from fedbragg.screening.judge import FrameScorer
from fedbragg.screening.summary.grid import read_grid
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Geometry


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """The run to review, and the person."""

    paths: Sequence[str]  # image files, globs or folders
    table: Path  # labels.csv; the journal lies beside it
    person: str
    geometry: Path | None = None  # CrystFEL geometry file
    seed: int = 1  # of the random order
    verdicts: Path | None = None  # of a screening, or its folder; None looks beside the labels
    grid: str | None = None  # ROWSxCOLS
    snake: bool = False


def open_session(request: ReviewRequest, predictor: HitPredictor) -> tuple[LabellingSession, Geometry]:
    """Open everything and return the run's geometry too; raise FedbraggError for unusable inputs, or OSError."""
    if not request.person.strip() or not request.person.isprintable():
        raise InputError(f"--person {request.person!r}: give a name, such as ada.")
    run, again = (_open(request) for _ in range(2))  # the second is scored in the background
    numbers = FrameNumbers(run.files, request.table.parent)
    store = LabelStore(request.table)
    store.open(now())
    geometry, card = run.geometry, predictor.card
    model = digest(predictor.path)
    reviewer = Reviewer(request.person, predictor.path, model, card.threshold, request.seed)
    scores = Scores(
        again, FrameScorer(predictor.scorer, card.prepare), _known_scores(request, numbers, model)
    )
    grid = read_grid(request.grid, snake=request.snake, frames=len(numbers))
    reviewed = ReviewedRun(numbers, FrameCache(run, predictor), scores, grid)
    return LabellingSession(reviewer, reviewed, store), geometry


def _known_scores(request: ReviewRequest, numbers: FrameNumbers, model: str) -> KnownScores | None:
    if request.verdicts is None:
        return found_beside(request.table, numbers, model)
    return read_known_scores(request.verdicts, numbers, model)


def _open(request: ReviewRequest) -> FileRun:
    run = open_files(list(request.paths), geometry=request.geometry)
    for path, _ in run.files:
        if not path.isprintable():
            raise InputError(f"{path!r}: a table of labels cannot hold this name. Rename the file.")
    return run
