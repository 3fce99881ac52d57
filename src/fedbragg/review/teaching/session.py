"""Adapt the model to the labels given so far, show whether it improved, and use it if the person accepts it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.extras import require
from fedbragg.files import written_whole
from fedbragg.review.labelling_session import LabellingSession
from fedbragg.review.labels.held_out import LabelParts, judging_frames, label_parts, stretches
from fedbragg.review.teaching.promise import distance, random_sample
from fedbragg.review.teaching.taught_labels import (
    free_name,
    read_taught,
    record_of,
    write_labels_of,
    write_record,
)
from fedbragg.review.teaching.teach_process import TeachProcess
from fedbragg.tasks import hits
from fedbragg.types import Label

CANDIDATE = "candidate.onnx"
RANDOM_TABLE = ".random.csv"
"""End of the table for ``calibrate``, beside the labels."""


class Teaching:
    """The page's requests about the model; safe to call from several threads."""

    def __init__(self, session: LabellingSession, command: Sequence[str]) -> None:
        """Teach by a worker process that ``command`` starts."""
        self._session, self._process = session, TeachProcess(command)
        self._folder = tempfile.TemporaryDirectory(prefix="fedbragg-teach")
        self._judges = judging_frames(session.numbers.files)
        self._parts: LabelParts | None = None  # of the current training

    def state(self) -> dict[str, Any]:
        """Return the progress of teaching, its result, and the distance from the promise."""
        labels = self._session.agreed()
        split = self._split(labels)
        report = self._process.report
        return {
            **asdict(report),
            "result": _without_nan(report.result),
            "lacking": split.lacking,
            "teaching": len(split.teaching),
            "judging": len(split.judging),
            "stretches": stretches(self._judges)[:50],
            "model": str(self._session.reviewer.model_file),
            "promise": asdict(distance(self._sample(labels), len(labels))),
        }

    def start(self) -> None:
        """Begin to train; raise InputError where labels do not suffice, MissingExtraError, OSError."""
        require("train", "teaching")
        split = self._split(self._session.agreed())
        if split.lacking:
            raise InputError(f"The labels do not suffice. {split.lacking}")
        folder = Path(self._folder.name)
        numbers = self._session.numbers
        tables = folder / "taught.csv", folder / "held-out.csv"
        for table, labels in zip(tables, (split.teaching, split.judging), strict=True):
            write_labels_of(table, labels, numbers)
        self._parts = split
        self._process.start(self._request(split, tables))

    def stop(self) -> None:
        """End the training, or forget the trained model."""
        self._process.stop()

    def close(self) -> None:
        """End the training and remove its files."""
        self._process.stop()
        self._folder.cleanup()

    def accept(self) -> Path:
        """Write the trained model and the labels that taught it beside the labels, and use it from now on.

        Raises InputError where there is none, OSError where it cannot be written.
        """
        if self._process.report.status != "done" or self._parts is None:
            raise InputError("There is no trained model to take.")
        path = free_name(self._session.store.table.parent)
        write_record(record_of(path), self._parts, self._session.numbers)
        with written_whole(path, durable=True) as fresh:
            shutil.copyfile(Path(self._folder.name) / CANDIDATE, fresh)
        self._session.use_model(hits.open_model(path))
        self._process.stop()
        return path

    def write_random_table(self) -> str:
        """Write the labels that may calibrate the model; return the command that does. Raises OSError."""
        session = self._session
        table = session.store.table.with_suffix(RANDOM_TABLE)
        write_labels_of(table, self._sample(session.agreed()), session.numbers)
        paths = " ".join(dict.fromkeys(path for path, _ in session.numbers.files[:3]))
        more = " ..." if len(session.numbers.files) > 3 else ""
        return f"fedbragg calibrate {paths}{more} --labels {table} --model {session.reviewer.model_file}"

    def _request(self, split: LabelParts, tables: tuple[Path, Path]) -> dict[str, Any]:
        numbers = self._session.numbers
        paths = dict.fromkeys(numbers.place(position)[0] for position in (*split.teaching, *split.judging))
        return {
            "paths": list(paths),
            "taught": str(tables[0]),
            "held_out": str(tables[1]),
            "model": str(self._session.reviewer.model_file),
            "out": str(Path(self._folder.name) / CANDIDATE),
        }

    def _split(self, labels: dict[int, Label]) -> LabelParts:
        return label_parts(labels, self._judging())

    def _judging(self) -> NDArray[np.bool_]:
        """Return which frames judge: those chosen by the rule that never taught the current model."""
        judges = self._judges.copy()
        judges[list(self._taught())] = False
        return judges

    def _taught(self) -> set[int]:
        numbers = self._session.numbers
        found = read_taught(self._session.reviewer.model_file, numbers.folder)
        return {position for key in found if (position := numbers.position(key)) is not None}

    def _sample(self, labels: dict[int, Label]) -> dict[int, Label]:
        session = self._session
        order = session.random_order().tolist()
        allowed = set(np.flatnonzero(self._judging()).tolist()) if self._taught() else None
        return random_sample(order, labels, session.cache.unreadable, allowed)


def _without_nan(values: Any) -> Any:
    """Return a result with NaN replaced, which JSON lacks."""
    if isinstance(values, dict):
        return {name: _without_nan(value) for name, value in values.items()}
    return None if isinstance(values, float) and not isfinite(values) else values
