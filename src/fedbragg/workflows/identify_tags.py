"""Tag a run into a folder: the table, its copy as Parquet, and the page that sorts the run."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from fedbragg.errors import RunError
from fedbragg.files import write_whole
from fedbragg.images import open_run
from fedbragg.images.paths import expand
from fedbragg.progress import SILENT, Progress
from fedbragg.report.tag_selection import TagSelection
from fedbragg.report.tag_tally import TagTally, limits
from fedbragg.report.tags import tags_page
from fedbragg.screening.outputs.requested import Outputs
from fedbragg.tasks.tags.predictor import TagPredictor
from fedbragg.types import Run
from fedbragg.workflows.folder import make_folder
from fedbragg.workflows.tag_images import TaggedView, tag_views
from fedbragg.workflows.tag_table import DECIMALS, tag_table, write_parquet, written_or_refused

TABLE, PAGE = "tags.csv", "tags.html"


@dataclass(frozen=True, slots=True)
class TagFolder:
    """The files to write for a tagged run."""

    out: Path
    parquet: Path | None = None  # the table as Parquet too; a relative path starts at ``out``
    page: bool = True

    @property
    def asked_for(self) -> Outputs:
        """Return the optional files that were asked for."""
        return Outputs(table=self.parquet).within(self.out)

    @property
    def files(self) -> list[Path]:
        """Return all files that exist at the end."""
        page = [self.out / PAGE] if self.page else []
        return [self.out / TABLE, *page, *self.asked_for.paths()]


@dataclass(frozen=True, slots=True, eq=False)
class TaggedRun:
    """The results of tagging a run."""

    tally: TagTally
    seconds: float


def open_images(paths: list[str], folder: TagFolder) -> Run:
    """Open the run after checking, before any work, that the files asked for can be written; raise FedbraggError."""
    files = expand(paths)
    folder.asked_for.check(files)
    run = open_run(files)
    if len(run) == 0:
        raise RunError(f"{paths[0]}: no file given holds an image. Check that its writer got any.")
    make_folder(folder.out)
    return run


def identify_tags(
    run: Run, predictor: TagPredictor, folder: TagFolder, threads: int, progress: Progress = SILENT
) -> TaggedRun:
    """Tag every image of a run into a folder; the table grows as answers come, other files come at the end.

    Raises InputError if a file cannot be written; the rows of the images before stay.
    """
    card, start = predictor.card, time.monotonic()
    tally = TagTally(card.names, limits(card.threshold))
    selection = TagSelection(len(card.names), len(run), card.threshold) if folder.page else None
    step = progress.stage("Tagging", len(run))
    with tag_table(folder.out / TABLE, card.names) as write:
        for image in map(_rounded, tag_views(run, predictor.tagger, threads)):
            write(image)
            _count(image, tally, selection)
            step()
    _write_other_files(folder, predictor.path.name, tally, selection)
    return TaggedRun(tally, time.monotonic() - start)


def _rounded(image: TaggedView) -> TaggedView:
    """Return an image with probabilities rounded as in the table, so that the page and the counts agree with it."""
    known = image.probabilities
    return image if known is None else replace(image, probabilities=known.round(DECIMALS))


def _count(image: TaggedView, tally: TagTally, selection: TagSelection | None) -> None:
    if image.probabilities is None or image.view is None:
        tally.add_unreadable(f"{image.path} frame {image.index}: {image.reason}")
        return
    if selection is not None:
        selection.add(tally.images, image.path, image.index, image.probabilities, image.view)
    tally.add(image.probabilities)


def _write_other_files(
    folder: TagFolder, model: str, tally: TagTally, selection: TagSelection | None
) -> None:
    for path in folder.asked_for.paths():
        write_parquet(path, folder.out / TABLE, tally.names)
    if selection is not None:
        path = folder.out / PAGE
        with written_or_refused(path):
            write_whole(path, tags_page(model, tally, selection.images()))
