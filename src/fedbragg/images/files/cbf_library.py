"""CBF files of other kinds than Pilatus': several binary sections (CSPAD), packed counts (Rayonix), by CBFlib."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import MissingExtraError
from fedbragg.extras import require
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.header import Header, pair, stated_centre
from fedbragg.images.mask import TrustedRange
from fedbragg.types import Counts, Geometry

_one_at_a_time = threading.Lock()  # CBFlib keeps its state in globals
MOST_PIXELS = 1 << 28
"""No detector has more; a damaged header may claim it."""


def read_sections(content: bytes) -> tuple[Counts, Header]:
    """Decode all binary sections: (rows, cols), or (panels, rows, cols) where there are several of one shape.

    Raises UnreadableFileError, also where CBFlib is not installed.
    """
    try:
        require("cbf", "this kind of CBF file (several sections, or packed)")
    except MissingExtraError as error:
        raise UnreadableFileError(str(error)) from None
    with _one_at_a_time:
        return _read(content)


def _read(content: bytes) -> tuple[Counts, Header]:
    import pycbf

    handle: Any = pycbf.cbf_handle_struct()  # type: ignore[no-untyped-call]
    handle.read_buffer(content, pycbf.MSG_DIGEST)
    handle.select_datablock(0)
    handle.find_category(b"array_data")
    handle.find_column(b"data")
    panels = []
    elements = iter(re.findall(rb'X-Binary-Element-Type:\s*"([^"]*)"', content))
    for row in range(handle.count_rows()):
        handle.select_row(row)
        if handle.get_typeofvalue() == b"bnry":
            panels.append(_section(handle, real=b"real" in next(elements, b"")))
    # The places of several panels are more than a distance and a centre.
    return _joined(panels), _header(handle) if len(panels) == 1 else Header()


def _section(handle: Any, *, real: bool) -> NDArray[Any]:
    """Return the array of the selected value: (rows, cols), or (panels, rows, cols)."""
    _, _, size, signed, *_, fast, middle, slow, _ = handle.get_integerarrayparameters_wdims_fs()
    shape = tuple(int(length) for length in (slow, middle, fast) if length > 1)
    if not 0 < int(np.prod(shape, dtype=np.int64)) < MOST_PIXELS or len(shape) < 2:
        raise UnreadableFileError(f"a section has shape {shape}. Copy it again from its source.")
    if real:
        return _array(handle.get_realarray_as_string, f"f{size}", shape)
    return _array(handle.get_integerarray_as_string, f"{'i' if signed else 'u'}{size}", shape)


def _array(read: Callable[[], bytes], dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    return np.frombuffer(read(), f"<{dtype}").reshape(shape).copy()


def _joined(panels: list[NDArray[Any]]) -> Counts:
    if not panels:
        raise UnreadableFileError("it has no binary section. Check that the extension is right.")
    if len(panels) == 1:
        return panels[0]
    if len({panel.shape for panel in panels}) > 1:
        shapes = ", ".join(sorted({str(panel.shape) for panel in panels}))
        raise UnreadableFileError(f"its sections have several shapes ({shapes}). Convert it to NeXus.")
    return np.concatenate([panel.reshape(-1, *panel.shape[-2:]) for panel in panels])


def _header(handle: Any) -> Header:
    """Read imgCIF's categories for the first section's detector: angstrom, millimetres and pixels."""
    pixel = pair(*(_known(partial(handle.get_pixel_size_fs, 0, axis)) for axis in (1, 2)))
    distance = centre = None
    with suppress(Exception):
        detector = handle.construct_detector(0)
        distance = _known(lambda: abs(detector.get_detector_distance()))
        centre = stated_centre(*(float(index) for index in detector.get_beam_center_fs()[:2]))
    return Header(
        Geometry(
            wavelength=_known(handle.get_wavelength),
            distance=None if distance is None else distance * 1e-3,
            beam_centre=centre,
            pixel_size=None if pixel is None else (pixel[0] * 1e-3, pixel[1] * 1e-3),
        ),
        TrustedRange(high=_known(lambda: handle.get_overload(0))),
    )


def _known(ask: Callable[[], Any]) -> float | None:
    """Return a positive number of the header; None if missing."""
    with suppress(Exception):
        value = float(ask())
        return value if value > 0 else None
    return None
