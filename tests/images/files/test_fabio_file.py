"""Files that fabio decodes: their headers give geometry, and damage is found first."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import detector_files as written
import pytest
from detector_files import counts, square
from hdf5_files import nxmx
from hypothesis import given
from hypothesis import strategies as st
from run_checks import assert_refused

from fedbragg.images import open_run
from fedbragg.images.files import bruker, edf, mar345, smv
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.types import Geometry


@pytest.mark.parametrize(
    ("writer", "name", "expected"),
    [
        (
            written.cbf,
            "a.cbf",
            Geometry("PILATUS 2M, S/N 24-0107", 0.97, 0.25, (30.5, 25.25), (172e-6, 172e-6)),
        ),
        (written.smv, "a.img", Geometry("ADSC 457", 0.9791, 0.15, (30.0, 50.0), (102.4e-6, 102.4e-6))),
        (written.marccd, "a.mccd", Geometry("MarCCD", 0.979, 0.2, (32.0, 24.0), (79e-6, 79e-6))),
        (written.mar345, "a.mar345", Geometry("mar345", 0.71073, 0.25, (36.5, 35.5), (150e-6, 150e-6))),
        (written.bruker, "a.gfrm", Geometry(None, 0.71073, 0.05, (35.25, 30.75), None)),
        (written.edf, "a.edf", Geometry()),
    ],
)
def test_headers_give_geometry_in_our_units(
    tmp_path: Path, writer: Any, name: str, expected: Geometry
) -> None:
    writer(tmp_path / name, counts("i4", square(name[1:])))
    geometry = open_run(tmp_path / name).geometry
    assert geometry.detector == expected.detector
    for field in ("wavelength", "distance", "beam_centre", "pixel_size"):
        assert getattr(geometry, field) == pytest.approx(getattr(expected, field)), field


def test_hdf5_under_another_formats_name_says_so(tmp_path: Path) -> None:
    nxmx(tmp_path / "a.tif", counts("u2"))
    assert_refused(tmp_path / "a.tif", "is an HDF5 file")


READERS = (smv.D_TREK, edf.READER, mar345.READER, bruker.FORMAT_86)
KEYS = (*smv.KEYS, *edf.KEYS, *mar345.KEYS, "CENTER", "DISTANC", "WAVELEN", "MODEL")


@given(header=st.dictionaries(st.sampled_from(KEYS), st.one_of(st.text(max_size=20), st.floats(), st.none())))
def test_any_values_in_a_header_give_a_geometry_that_may_be_empty(header: dict[str, object]) -> None:
    for reader in READERS:
        assert isinstance(reader.header(header, b"").geometry, Geometry)


@given(content=st.binary(max_size=300))
def test_any_bytes_pass_the_check_for_completeness_or_are_refused(content: bytes) -> None:
    for reader in READERS:
        with contextlib.suppress(UnreadableFileError):
            reader.check(content)


def test_a_header_that_promises_more_pixels_than_the_file_has_is_cut_short() -> None:
    header = b"{\nHEADER_BYTES=  512;\nTYPE=unsigned_short;\nSIZE1=70;\nSIZE2=60;\n}\n".ljust(512)
    smv.D_TREK.check(header + bytes(2 * 60 * 70))
    with pytest.raises(UnreadableFileError, match="cut short"):
        smv.D_TREK.check(header + bytes(2 * 60 * 70 - 1))
