"""Open the files of a run that have labels."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable, open_run
from fedbragg.images.paths import expand
from fedbragg.types import Run


def labelled_run(paths: Sequence[str], table: LabelTable) -> Run:
    """Open the files that have a label; raise LabelError if none has."""
    known = {*table.files, *(path for path, _ in table.frames)}
    files = expand(paths)
    chosen = [file for file in files if os.path.abspath(file) in known]  # noqa: PTH100  as the table has them
    if not chosen:
        raise LabelError(
            f"none of the {len(files)} image files has a label. Paths in the table start at its folder."
        )
    return open_run(chosen)
