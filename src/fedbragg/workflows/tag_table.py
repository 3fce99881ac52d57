"""The table of tags: one row an image, written as the answers come, and its copy as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.files import written_whole
from fedbragg.workflows.tag_images import TaggedView

DECIMALS = 4
"""Decimals of a probability; the page and the counts use the same rounded numbers."""
PLACE = ("path", "frame")


@contextmanager
def tag_table(path: Path, names: Sequence[str]) -> Iterator[Callable[[TaggedView], None]]:
    """Open the table ``path,frame,TAG,...`` and give a function that adds an image's row, empty if it has no tags.

    Paths that are not UTF-8 are written as they are (PEP 383). Raises InputError if the file cannot be written.
    """
    with written_or_refused(path):
        file = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    rows = csv.writer(file, lineterminator="\n")

    def add(image: TaggedView) -> None:
        with written_or_refused(path):
            rows.writerow((image.path, image.index, *_cells(image, len(names))))

    try:
        with written_or_refused(path):
            rows.writerow((*PLACE, *names))
        yield add
    finally:
        with written_or_refused(path):
            file.close()


def _cells(image: TaggedView, tags: int) -> list[str]:
    if image.probabilities is None:
        return [""] * tags
    return [f"{value:.{DECIMALS}f}" for value in image.probabilities.tolist()]


@contextmanager
def written_or_refused(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write a file into an InputError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}). Make room, or give another --out.") from None


def write_parquet(path: Path, table: Path, names: Sequence[str]) -> None:
    """Write the table as Parquet, null where an image has no tags; raise InputError if it cannot be written."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    types = (pa.string(), pa.int64(), *(pa.float64() for _ in names))
    schema = pa.schema(list(zip((*PLACE, *names), types, strict=True)))
    conversion = arrow_csv.ConvertOptions(column_types=schema, null_values=[""], strings_can_be_null=False)
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    with written_or_refused(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            written_whole(path) as unfinished,
            arrow_csv.open_csv(table, parse_options=parsing, convert_options=conversion) as batches,
            parquet.ParquetWriter(unfinished, schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
