"""A written run opens again as it was, also in the libraries of others."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from detector_files import counts

from fedbragg.errors import RunError
from fedbragg.images import open_run, write_run
from fedbragg.types import Frame, Geometry

GEOMETRY = Geometry("Eiger 1M", 0.9763, 0.175, (35.5, 20.25), (75e-6, 80e-6))


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4"])
def test_a_written_run_opens_again_as_it_was(tmp_path: Path, dtype: str) -> None:
    frames = np.minimum(counts(dtype, (5, 60, 70)), 200)
    mask = np.zeros((60, 70), np.bool_)
    mask[7, 9] = True
    assert write_run(tmp_path / "run.h5", frames, geometry=GEOMETRY, mask=mask, saturation=199) == 5

    run = open_run(tmp_path / "run.h5")

    assert len(run) == 5
    assert run.geometry == GEOMETRY
    for frame, expected in zip(run.frames(), frames, strict=True):
        assert isinstance(frame, Frame)
        assert frame.counts.dtype == expected.dtype
        np.testing.assert_array_equal(frame.counts, expected)
        np.testing.assert_array_equal(frame.mask, mask | (expected > 199))


def test_what_geometry_leaves_out_stays_out(tmp_path: Path) -> None:
    write_run(tmp_path / "run.h5", counts("u2", (1, 60, 70)), geometry=Geometry(wavelength=1.1))
    geometry = open_run(tmp_path / "run.h5").geometry
    assert geometry == Geometry(detector="unknown detector", wavelength=1.1)


def test_frames_are_taken_one_by_one(tmp_path: Path) -> None:
    def frames() -> Iterator[np.ndarray]:
        for number in range(60):
            yield np.full((500, 500), number, np.uint16)

    tracemalloc.start()
    write_run(tmp_path / "run.h5", frames(), geometry=GEOMETRY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 500 * 500 * 2
    assert open_run(tmp_path / "run.h5")[59].counts[0, 0] == 59


def test_frames_that_differ_and_no_frame_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.h5: no frame to write"):
        write_run(tmp_path / "run.h5", [], geometry=GEOMETRY)
    odd = [np.zeros((6, 7), np.uint16), np.zeros((6, 7), np.uint32)]
    with pytest.raises(RunError, match=r"run\.h5 frame 1: \(6, 7\) uint32, but the first"):
        write_run(tmp_path / "run.h5", odd, geometry=GEOMETRY)
    with pytest.raises(RunError, match="mask"):
        write_run(tmp_path / "run.h5", odd[:1], geometry=GEOMETRY, mask=np.zeros((7, 6), np.bool_))


def test_every_frame_is_one_bitshuffle_lz4_chunk(tmp_path: Path) -> None:
    write_run(tmp_path / "run.h5", counts("u2", (2, 60, 70)), geometry=GEOMETRY)
    with h5py.File(tmp_path / "run.h5") as file:
        data = file["entry/data/data"]
        assert data.chunks == (1, 60, 70)
        assert data.id.get_create_plist().get_filter(0)[0] == 32008


def test_nxmx_reads_what_dxtbx_needs(tmp_path: Path) -> None:
    """The fields that dxtbx builds its models from, read by the library that dxtbx reads them with."""
    nxmx = pytest.importorskip("nxmx", reason="pip install nxmx to check what is written against it")
    write_run(tmp_path / "run.h5", counts("u2", (2, 60, 70)), geometry=GEOMETRY, saturation=60000)
    with h5py.File(tmp_path / "run.h5") as file:
        (entry,) = nxmx.NXmx(file).entries
        assert entry.definition == "NXmx"
        assert entry.start_time is not None
        assert entry.source.name == "fedbragg"
        (data,), (sample,), (instrument,) = entry.data, entry.samples, entry.instruments
        assert data[data.signal].shape == (2, 60, 70)
        assert sample.depends_on is None  # a still: no goniometer axis
        (beam,), (detector,) = instrument.beams, instrument.detectors
        assert beam.incident_wavelength.to("angstrom").magnitude == pytest.approx(0.9763)
        assert detector.sensor_material == "Si"
        assert detector.sensor_thickness.to("mm").magnitude == pytest.approx(0.45)
        assert detector.saturation_value == 60000
        assert detector.distance.to("m").magnitude == pytest.approx(0.175)
        (module,) = detector.modules
        assert module.data_size.tolist() == [60, 70]
        assert module.fast_pixel_direction[()].to("um").magnitude == pytest.approx(75)
        assert module.slow_pixel_direction[()].to("um").magnitude == pytest.approx(80)
        chain = nxmx.get_dependency_chain(module.fast_pixel_direction.depends_on)
        place = nxmx.get_cumulative_transformation(chain)[0] @ [0, 0, 0, 1]
        # The first pixel: against fast and slow from the beam, at the distance along it. All in millimetre.
        np.testing.assert_allclose(place[:3], [35.5 * 0.075, 20.25 * 0.080, 175], atol=1e-9)
