"""CBF files: sentinels, checksum, and the variants that CBFlib decodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycbf
import pytest
from detector_files import cbf, counts
from run_checks import assert_refused

from fedbragg import extras
from fedbragg.images import open_run


def test_pilatus_sentinels_and_counts_above_the_cutoff_are_masked(tmp_path: Path) -> None:
    image = np.full((20, 30), 7, np.int32)
    image[1, 1], image[2, 2], image[3, 3], image[4, 4] = -1, -2, 1000, 1001
    cbf(tmp_path / "a.cbf", image)
    masked = np.argwhere(open_run(tmp_path / "a.cbf")[0].mask)
    assert [tuple(place) for place in masked] == [(1, 1), (2, 2), (4, 4)]


def by_cbflib(path: Path, panels: Sequence[np.ndarray], compression: str) -> None:
    """Write panels as the sections of one file with CBFlib's own encoder."""
    handle = pycbf.cbf_handle_struct()
    handle.new_datablock(b"image_1")
    handle.new_category(b"array_data")
    for column in (b"binary_id", b"data"):
        handle.new_column(column)
    for number, panel in enumerate(panels, start=1):
        handle.new_row()
        handle.find_column(b"binary_id")
        handle.set_integervalue(number)
        handle.find_column(b"data")
        size, shape = panel.itemsize, (*panel.shape[::-1], 1)[:3]
        kind = (getattr(pycbf, f"CBF_{compression}"), number, panel.tobytes(), size)
        if panel.dtype.kind == "f":
            handle.set_realarray_wdims_fs(*kind, panel.size, b"little_endian", *shape, 0)
        else:
            handle.set_integerarray_wdims_fs(*kind, 1, panel.size, b"little_endian", *shape, 0)
    handle.write_widefile(str(path).encode(), pycbf.CBF, pycbf.MIME_HEADERS | pycbf.MSG_DIGEST, 0)


@pytest.mark.parametrize("compression", ["PACKED", "PACKED_V2", "CANONICAL", "NONE"])
@pytest.mark.parametrize("dtype", ["<i2", "<i4"])
def test_every_compression_of_cbflib_is_read(tmp_path: Path, compression: str, dtype: str) -> None:
    image = counts(dtype, (90, 70))
    by_cbflib(tmp_path / "rayonix.cbf", [image], compression)
    frame = open_run(tmp_path / "rayonix.cbf")[0]
    np.testing.assert_array_equal(frame.counts, image)
    assert not frame.mask.any()


@pytest.mark.parametrize("compression", ["PACKED", "BYTE_OFFSET", "NONE"])
def test_several_sections_are_panels_one_below_the_other(tmp_path: Path, compression: str) -> None:
    panels = [counts("<i4", (30, 40), seed=seed) - 3 for seed in range(5)]
    by_cbflib(tmp_path / "cspad.cbf", panels, compression)
    run = open_run(tmp_path / "cspad.cbf")
    assert len(run) == 1
    np.testing.assert_array_equal(run[0].counts, np.concatenate(panels))


def test_sections_of_real_numbers_are_read(tmp_path: Path) -> None:
    panels = [np.random.default_rng(seed).normal(3, 5, (30, 40)) for seed in range(3)]
    by_cbflib(tmp_path / "cspad.cbf", panels, "NONE")
    frame = open_run(tmp_path / "cspad.cbf")[0]
    np.testing.assert_allclose(frame.counts, np.concatenate(panels), rtol=1e-6)
    assert not frame.mask.any()  # values below zero are noise about a pedestal


def test_sections_of_several_shapes_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    by_cbflib(tmp_path / "shapes.cbf", [counts("<i4", (30, 40)), counts("<i4", (40, 30))], "PACKED")
    assert_refused(tmp_path / "shapes.cbf", "several shapes")
    by_cbflib(tmp_path / "packed.cbf", [counts("<i4", (60, 70))], "PACKED")
    content = bytearray((tmp_path / "packed.cbf").read_bytes())
    content[content.find(b"\x0c\x1a\x04\xd5") + 500] ^= 1
    (tmp_path / "altered.cbf").write_bytes(content)
    (tmp_path / "short.cbf").write_bytes(content[: len(content) // 2])
    assert_refused(tmp_path / "altered.cbf", "cannot be decoded")
    assert_refused(tmp_path / "short.cbf", "cannot be decoded")


def test_without_cbflib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_cbflib(tmp_path / "rayonix.cbf", [counts("<i4")], "PACKED")
    monkeypatch.setitem(extras.EXTRAS, "cbf", ("no_such_package",))
    assert_refused(tmp_path / "rayonix.cbf", r"pip install 'fedbragg\[cbf\]'")


def test_a_cbf_whose_counts_were_altered_fails_its_checksum(tmp_path: Path) -> None:
    cbf(tmp_path / "a.cbf", counts("i4"))
    content = bytearray((tmp_path / "a.cbf").read_bytes())
    content[content.find(b"\x0c\x1a\x04\xd5") + 1000] ^= 1
    (tmp_path / "a.cbf").write_bytes(content)
    assert_refused(tmp_path / "a.cbf", "checksum")
