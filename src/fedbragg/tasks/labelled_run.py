"""Open the files of a run that have labels."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from fedbragg.errors import LabelError
from fedbragg.images import open_run
from fedbragg.images.paths import expand
from fedbragg.types import Run


def labelled_run(paths: Sequence[str], known: Collection[str]) -> Run:
    """Open those of the files whose absolute path is known to a table of labels; raise LabelError where none is."""
    files = expand(paths)
    chosen = [file for file in files if os.path.abspath(file) in known]  # noqa: PTH100  as the table has them
    if not chosen:
        raise LabelError(
            f"none of the {len(files)} image files has a label. Paths in the table start at its folder."
        )
    return open_run(chosen)
