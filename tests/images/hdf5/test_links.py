"""Which files a master links to."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.images.hdf5.links import linked_files
from fedbragg.images.hdf5.origin import CXI_ORIGIN, NXMX_ORIGIN, PROGRAM
from fedbragg.images.hdf5.virtual_names import from_virtual_name, to_virtual_name


def test_external_links_and_virtual_sources_are_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("x_data_000001.h5", "/entry/data/data")
        file["entry/data/elsewhere"] = h5py.ExternalLink("sub/y.h5", "/a")
        layout = h5py.VirtualLayout((2, 6, 7), np.uint16)
        layout[:] = h5py.VirtualSource(to_virtual_name("50%_z.h5"), "data", (2, 6, 7))
        file.create_virtual_dataset("entry/data/joined", layout)
        file["entry/data/own"] = h5py.SoftLink("/entry/data/joined")
    names = ("x_data_000001.h5", "sub/y.h5", "50%_z.h5")
    assert linked_files(str(tmp_path / "x_master.h5")) == {
        os.path.realpath(tmp_path / name) for name in names
    }


def test_a_link_below_the_levels_of_a_master_is_not_sought(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file["a/b/c/d/e"] = h5py.ExternalLink("other.h5", "/x")
    assert linked_files(str(tmp_path / "deep.h5")) == set()


def test_a_file_that_cannot_be_opened_links_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no HDF5")
    assert linked_files(str(tmp_path / "text.h5")) == set()
    assert linked_files(str(tmp_path / "missing.h5")) == set()


@pytest.mark.parametrize("group", [NXMX_ORIGIN, CXI_ORIGIN])
def test_a_file_of_hits_stands_for_none_of_the_files_that_it_links_to(tmp_path: Path, group: str) -> None:
    with h5py.File(tmp_path / "hits.h5", "w") as file:
        file[f"{group}/{PROGRAM}"] = "fedbragg"
        file["entry/data/data_000001"] = h5py.ExternalLink("run.h5", "/entry/data/data")
    assert linked_files(str(tmp_path / "hits.h5")) is None


@given(st.text())
def test_a_virtual_name_gives_the_name_back(name: str) -> None:
    assert from_virtual_name(to_virtual_name(name)) == name
