"""The hits as CXI: read by fedbragg, and with h5py alone as CrystFEL documents it for ``peaks=cxi``."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import h5py
import numpy as np
import pytest
from example_runs import (
    GEOMETRY,
    PLACES,
    SHAPE,
    cbf_run,
    counts_of,
    gap_mask,
    hits_among,
    number_of_spots,
    nxmx_run,
    screen,
)

from fedbragg.images import open_run
from fedbragg.screening.outputs.cxi import HITS_IN_MEMORY, write_cxi
from fedbragg.screening.outputs.hits import read_hits

JOULE_ANGSTROM = 1.98644586e-15
"""Planck's constant times the speed of light, in joule angstrom."""


def written(files: list[Path], folder: Path, *, copy: bool) -> Path:
    run, _ = screen(files, folder)
    write_cxi(folder / "hits.cxi", read_hits(folder), run, folder, copy=copy)
    return folder / "hits.cxi"


def peaks_as_crystfel_reads_them(file: h5py.File, event: int) -> list[tuple[float, float, float]]:
    """Return (fast scan, slow scan, intensity): crystfel_geometry(5), "Peak lists"; half a pixel is added."""
    group = file["/entry_1/result_1"]
    number = int(group["nPeaks"][event])
    x, y, intensity = (
        group[name][event, :number] for name in ("peakXPosRaw", "peakYPosRaw", "peakTotalIntensity")
    )
    return [(float(a) + 0.5, float(b) + 0.5, float(c)) for a, b, c in zip(x, y, intensity, strict=True)]


@pytest.mark.parametrize("copy", [False, True])
def test_images_and_peaks_belong_together(tmp_path: Path, copy: bool) -> None:
    path = written([nxmx_run(tmp_path / "run.h5", 30)], tmp_path / "out", copy=copy)
    with h5py.File(path) as file:
        assert file["cxi_version"][()] == 160
        images = file["/entry_1/data_1/data"]
        assert images.shape == (10, *SHAPE)
        for event, index in enumerate(hits_among(30)):
            np.testing.assert_array_equal(images[event], counts_of(index, number_of_spots(index)))
            found = peaks_as_crystfel_reads_them(file, event)
            # The middle of the pixel in row r and column c is (c + 0.5, r + 0.5) from the detector's corner.
            made = {(col + 0.5, row + 0.5): 9 * 40 + 60 for row, col in PLACES[: number_of_spots(index)]}
            assert {(x, y) for x, y, _ in found} >= set(made)
            for x, y, intensity in found:
                if (x, y) in made:
                    assert intensity == pytest.approx(made[x, y], abs=40)
        assert file["/entry_1/result_1/nPeaks"].dtype.kind == "i"
        after = file["/entry_1/result_1/peakXPosRaw"][0, int(file["/entry_1/result_1/nPeaks"][0]) :]
        assert not after.any()


def test_fedbragg_reads_images_geometry_and_mask(tmp_path: Path) -> None:
    path = written([nxmx_run(tmp_path / "run.h5", 12)], tmp_path / "out", copy=False)
    run = open_run(path)
    assert run.geometry.wavelength == pytest.approx(GEOMETRY.wavelength)
    assert (run.geometry.distance, run.geometry.beam_centre) == (GEOMETRY.distance, GEOMETRY.beam_centre)
    assert run.geometry.pixel_size == GEOMETRY.pixel_size
    np.testing.assert_array_equal(run[0].mask, gap_mask())
    for frame, index in zip(run.frames(), hits_among(12), strict=True):
        np.testing.assert_array_equal(frame.counts, counts_of(index, number_of_spots(index)))  # type: ignore[union-attr]


def test_the_units_are_those_of_cxi(tmp_path: Path) -> None:
    """Lengths in metre, energy in joule (CXI file format 1.6, section 4)."""
    path = written([nxmx_run(tmp_path / "run.h5", 3)], tmp_path / "out", copy=False)
    with h5py.File(path) as file:
        instrument = file["/entry_1/instrument_1"]
        assert instrument["source_1/energy"][()] == pytest.approx(JOULE_ANGSTROM / 0.9763)
        assert instrument["detector_1/distance"][()] == 0.175
        assert instrument["detector_1/x_pixel_size"][()] == 75e-6
        assert instrument["detector_1/data"].shape == (1, *SHAPE)


def test_images_of_other_formats_are_copied(tmp_path: Path) -> None:
    files = cbf_run(tmp_path, 5)
    path = written(files, tmp_path / "out", copy=True)
    for file in files:
        file.unlink()
    with h5py.File(path) as cxi:
        for event, index in enumerate(hits_among(5)):
            np.testing.assert_array_equal(
                cxi["/entry_1/data_1/data"][event], counts_of(index, number_of_spots(index), "int32")
            )
            assert len(peaks_as_crystfel_reads_them(cxi, event)) >= number_of_spots(index)


def test_a_hit_without_spots_keeps_its_row(tmp_path: Path) -> None:
    """A model may keep a frame without marking a spot."""
    run, _ = screen([nxmx_run(tmp_path / "run.h5", 9)], tmp_path / "out")
    table = tmp_path / "out" / "spots.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join(line for line in lines if ",4," not in line.partition(".h5")[2][:4]) + "\n")
    write_cxi(tmp_path / "hits.cxi", read_hits(tmp_path / "out"), run, tmp_path / "out", copy=False)
    with h5py.File(tmp_path / "hits.cxi") as file:
        numbers = file["/entry_1/result_1/nPeaks"][()]
        assert numbers[1] == 0
        assert (numbers[[0, 2]] > 0).all()
        assert not file["/entry_1/result_1/peakXPosRaw"][1].any()
        assert file["/entry_1/result_1/peakXPosRaw"][2].any()


@pytest.mark.slow
def test_more_hits_than_fit_a_block(tmp_path: Path) -> None:
    frames = 3 * (2 * HITS_IN_MEMORY + 30)
    path = written([nxmx_run(tmp_path / "run.h5", frames)], tmp_path / "out", copy=False)
    listed: dict[int, list[float]] = defaultdict(list)
    with (tmp_path / "out" / "spots.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            listed[int(row["frame"])].append(float(row["column"]))
    with h5py.File(path) as file:
        group = file["/entry_1/result_1"]
        xs, numbers = group["peakXPosRaw"][()], group["nPeaks"][()]
    for event, index in enumerate(hits_among(frames)):
        assert xs[event, : numbers[event]].tolist() == listed[index]
        assert not xs[event, numbers[event] :].any()
