"""Marks in files of hits written by fedbragg, so that reading a folder does not count their frames again."""

from __future__ import annotations

from typing import Any

NXMX_ORIGIN = "entry/screening"
"""The group that marks an NXmx file."""
CXI_ORIGIN = "entry_1/screening_1"
"""The group that marks a CXI file."""
PROGRAM = "program"
"""The field of these groups that names the program."""


def is_file_of_hits(file: Any) -> bool:
    """Tell whether fedbragg has written an open HDF5 file as a file of hits."""
    return any(f"{group}/{PROGRAM}" in file for group in (NXMX_ORIGIN, CXI_ORIGIN))
