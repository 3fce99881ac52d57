from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fabio.edfimage import EdfImage
from matplotlib.image import imsave

from fedbragg.errors import InputError
from fedbragg.tasks.tags.healing.mask_file import read_mask

MASK = np.zeros((12, 9), np.bool_)
MASK[3:5] = True


def test_masks_of_every_kind_say_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", MASK)
    imsave(tmp_path / "a.png", MASK.astype(np.uint8), cmap="gray")
    EdfImage(data=MASK.astype(np.uint8)).write(str(tmp_path / "a.edf"))
    for name in ("a.npy", "a.png", "a.edf"):
        assert (read_mask(tmp_path / name) == MASK).all(), name


def test_what_is_no_mask_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "line.npy", MASK[0])
    np.save(tmp_path / "all.npy", ~(MASK & False))
    (tmp_path / "text.png").write_text("no picture")
    for name, reason in (
        ("line.npy", "has 1 axes"),
        ("all.npy", "ignores every pixel"),
        ("text.png", "cannot be read as a mask"),
        ("none.npy", "no such mask file"),
    ):
        with pytest.raises(InputError, match=reason):
            read_mask(tmp_path / name)
