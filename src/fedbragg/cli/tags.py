"""``fedbragg tags``: tag scattering images by what they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.exit_codes import UNREADABLE
from fedbragg.cli.options import PathsArgument, TagModelOption, ThreadsOption
from fedbragg.cli.show import say, warn
from fedbragg.cli.tags_evaluate import evaluate
from fedbragg.cli.tags_heal import heal
from fedbragg.cli.tags_train import train

if TYPE_CHECKING:
    from fedbragg.report.tag_tally import TagTally

tags = typer.Typer(
    name="tags",
    help="Tag scattering images by what they show.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@tags.command()
def identify(
    paths: PathsArgument,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("tags"),
    model: TagModelOption = None,
    table: Annotated[
        Path | None, typer.Option(help="The table as Parquet too: a name in OUT, such as tags.parquet.")
    ] = None,
    threads: ThreadsOption = 0,
    page: Annotated[bool, typer.Option(help="Write the page that sorts the run.")] = True,
) -> int:
    """Tag every image of a run by what it shows.

    Writes OUT/tags.csv (path, frame, then the probability of each tag: one row an image, in order) and OUT/tags.html,
    a page that filters and orders the images by tag. An image that cannot be read has an empty row; the exit code is
    then 3, or 2 if none could. The images are never changed.
    """
    from fedbragg.progress import bars
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.identify_tags import TagFolder, identify_tags, open_images
    from fedbragg.workflows.tag_images import open_tag_model

    predictor, folder = open_tag_model(model), TagFolder(out, table, page)
    run = open_images(paths, folder)
    with bars() as progress:
        found = identify_tags(run, predictor, folder, number_of_threads(threads), progress)
    return _show(found.tally, found.seconds, ", ".join(map(str, folder.files)))


def _show(tally: TagTally, seconds: float, written: str) -> int:
    """Print the counts of each tag; raise InputError if no image has tags, else return the exit code."""
    from fedbragg.errors import InputError
    from fedbragg.report.tag_tally import STATES

    if tally.tagged == 0:
        first = tally.reasons[0]
        raise InputError(
            first
            if tally.images == 1
            else f"none of the {tally.images} images could be tagged. First: {first}"
        )
    width = max(map(len, (*tally.names, "unreadable")))
    say(f"{'images':<{width}} {tally.images}")
    say(f"{'images/s':<{width}} {tally.images / seconds:.1f}")
    say(f"{'tag':<{width}} " + "  ".join(STATES))
    for name, counts in zip(tally.names, tally.counts.tolist(), strict=True):
        say(f"{name:<{width}} " + "  ".join(f"{n:>{len(s)}}" for n, s in zip(counts, STATES, strict=True)))
    _show_unreadable(tally, width)
    say(f"{'written':<{width}} {written}")
    return UNREADABLE if tally.unreadable else 0


def _show_unreadable(tally: TagTally, width: int) -> None:
    if tally.unreadable:
        say(f"{'unreadable':<{width}} {tally.unreadable}")
    for reason in tally.reasons:
        warn(reason)
    if tally.unreadable > len(tally.reasons):
        warn(f"and {tally.unreadable - len(tally.reasons)} more, whose rows are empty")


tags.command()(train)
tags.command()(evaluate)
tags.command()(heal)
