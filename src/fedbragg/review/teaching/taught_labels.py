"""Which labels taught a model: a table path,frame,label,part beside the model file."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from fedbragg.errors import LabelError
from fedbragg.files import written_whole
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.labels.entry import FrameKey
from fedbragg.review.labels.held_out import LabelParts
from fedbragg.review.labels.label_table import name_of
from fedbragg.types import Label

COLUMNS = ("path", "frame", "label", "part")
TEACHING, JUDGING = "taught", "held out"


def record_of(model: Path) -> Path:
    """Return the table that belongs to a model file."""
    return model.with_suffix(".labels.csv")


def write_record(table: Path, split: LabelParts, numbers: FrameNumbers) -> None:
    """Write which labels taught and which judged. Raises OSError."""
    with written_whole(table, durable=True) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for labels, part in ((split.teaching, TEACHING), (split.judging, JUDGING)):
            rows.writerows(
                (*_named(position, numbers, table.parent), label.value, part)
                for position, label in labels.items()
            )


def read_taught(model: Path, folder: Path) -> frozenset[FrameKey]:
    """Return the frames that taught a model, named from the labels' folder; none where there is no record.

    Raises LabelError where there is one that cannot be read.
    """
    table = record_of(model)
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["part"] == TEACHING]
            return frozenset(
                (name_of(str(table.parent / row["path"]), folder), int(row["frame"])) for row in rows
            )
    except FileNotFoundError:
        return frozenset()
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise LabelError(
            f"{table}: cannot be read ({error}), so which labels taught the model is not known. Restore or remove it."
        ) from None


def write_labels_of(table: Path, labels: Mapping[int, Label], numbers: FrameNumbers) -> None:
    """Write a table path,frame,label of some frames of a run. Raises OSError."""
    with written_whole(table) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS[:3])
        rows.writerows(
            (*_named(position, numbers, table.parent), label.value)
            for position, label in sorted(labels.items())
        )


def _named(position: int, numbers: FrameNumbers, folder: Path) -> tuple[str, int]:
    path, frame = numbers.place(position)
    return name_of(path, folder), frame


def free_name(folder: Path) -> Path:
    """Return the first name of a taught model that is not taken: taught.onnx, taught-2.onnx ..."""
    names = [folder / "taught.onnx", *(folder / f"taught-{number}.onnx" for number in range(2, 10_000))]
    return next(name for name in names if not os.path.lexists(name))
