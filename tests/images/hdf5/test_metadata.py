"""Geometry and trusted range, in whatever unit a file gives them."""

from __future__ import annotations

from typing import Any

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fedbragg.images.hdf5.metadata import read_header
from fedbragg.images.mask import TrustedRange
from fedbragg.types import Geometry


def in_memory() -> Any:
    return h5py.File("header.h5", "w", driver="core", backing_store=False)


def put(group: Any, name: str, value: Any, unit: str | None = None) -> None:
    group[name] = value
    if unit is not None:
        group[name].attrs["units"] = unit


@pytest.mark.parametrize(
    ("unit", "factor"), [("m", 1.0), ("mm", 1e3), ("um", 1e6), (None, 1.0)], ids=["m", "mm", "um", "none"]
)
def test_lengths_are_metres_whatever_their_unit(unit: str | None, factor: float) -> None:
    with in_memory() as file:
        detector = file.create_group("entry/instrument/detector")
        put(detector, "detector_distance", 0.2 * factor, unit)
        put(detector, "x_pixel_size", 75e-6 * factor, unit)
        put(detector, "y_pixel_size", 80e-6 * factor, unit)
        put(detector, "beam_center_x", 30.5)
        put(detector, "beam_center_y", 25.25 * 80e-6 * 1e3, "mm")
        geometry = read_header(file).geometry
    assert geometry.distance == pytest.approx(0.2)
    assert geometry.pixel_size == pytest.approx((75e-6, 80e-6))
    assert geometry.beam_centre == pytest.approx((30.5, 25.25))


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("incident_wavelength", 1.0, None),
        ("incident_wavelength", 0.1, "nm"),
        ("incident_energy", 12398.42, None),
        ("incident_energy", 12.39842, b"keV"),
        ("energy", 12398.42 * 1.602176634e-19, None),
    ],
)
def test_the_wavelength_is_given_or_follows_from_the_photons_energy(
    name: str, value: float, unit: str | None
) -> None:
    with in_memory() as file:
        put(file.create_group("entry/instrument/beam"), name, value, unit)
        assert read_header(file).geometry.wavelength == pytest.approx(1.0)


def test_a_detector_of_another_name_is_found_by_its_class() -> None:
    with in_memory() as file:
        group = file.create_group("entry/instrument/pilatus")
        group.attrs["NX_class"] = "NXdetector"
        group["description"] = "PILATUS 2M"
        put(group, "saturation_value", 1_048_575)
        put(group, "underload_value", -1)
        header = read_header(file)
    assert header.geometry == Geometry(detector="PILATUS 2M")
    assert header.trusted == TrustedRange(-1, 1_048_575)


NAMES = ("description", "distance", "x_pixel_size", "beam_center_x", "saturation_value", "underload_value")


def values() -> SearchStrategy[Any]:
    numbers = st.one_of(st.floats(), st.integers(-(2**31), 2**31 - 1))
    return st.one_of(
        numbers, st.lists(numbers, max_size=3), st.text(max_size=5).filter(lambda t: "\0" not in t)
    )


@settings(deadline=None, max_examples=60)
@given(fields=st.dictionaries(st.sampled_from(NAMES), values()))
def test_a_field_of_any_kind_is_read_or_left_out(fields: dict[str, Any]) -> None:
    with in_memory() as file:
        detector = file.create_group("entry/instrument/detector")
        for name, value in fields.items():
            detector[name] = value
        assert isinstance(read_header(file).geometry, Geometry)
