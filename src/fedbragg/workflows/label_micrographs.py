"""Write the class of every pixel of micrographs as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.files import written_whole
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.segments.blocks import label_in_blocks
from fedbragg.tasks.segments.model_file import Segmenter
from fedbragg.tasks.segments.picture_file import read_picture
from fedbragg.workflows.apply import Applied, apply, unique
from fedbragg.workflows.folder import make_folder


def label_into(
    names: Sequence[str], out: Path, segmenter: Segmenter, progress: Progress = SILENT
) -> list[Applied[None, Path]]:
    """Write OUT/STEM.png with the class index of every pixel; return a row a micrograph.

    One that cannot be read has a reason and no answer. Raises InputError where the folder cannot be written.
    """
    make_folder(out)
    step, taken, rows = progress.stage("Labelling", len(names)), set[str](), list[Applied[None, Path]]()

    def classes(picture: NDArray[Any]) -> NDArray[np.uint8]:
        return label_in_blocks(picture, segmenter, progress)

    for row in apply(names, lambda name: read_picture(Path(name)), classes):
        path = out / f"{unique(Path(row.name).stem or 'micrograph', taken)}.png"
        if row.answer is not None:
            _write(path, row.answer)
        rows.append(Applied(row.name, None, path if row.answer is not None else None, row.reason))
        step()
    return rows


def _write(path: Path, classes: NDArray[np.uint8]) -> None:
    from PIL import Image

    try:
        with written_whole(path) as fresh:
            Image.fromarray(classes).save(fresh, "PNG")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}). Give another --out.") from None
