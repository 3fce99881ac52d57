"""Arrays as compiled functions get them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written; numba compiles once more for arrays that can be."""
    view = array.view()
    view.flags.writeable = False
    return np.asarray(view)
