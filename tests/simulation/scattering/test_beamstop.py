from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation.scattering.beamstop import Beamstop, draw_beamstop, shadow
from fedbragg.simulation.scattering.camera import Camera

DISC = Beamstop("circular", 0.0, 12.0, overhang=0.0, arm=0.0, half_angle=0.0, blur=0.5, transmission=0.0)


def test_a_disc_covers_its_area(camera: Camera) -> None:
    assert (1 - shadow(DISC, camera)).sum() == pytest.approx(np.pi * 12**2, rel=0.01)


def test_an_arm_reaches_the_edge_on_one_side_only(camera: Camera) -> None:
    passed = shadow(replace(DISC, arm=2.0, direction=np.pi / 2), camera)  # towards larger rows
    assert passed[250, 127] < 0.01 and passed[5, 127] > 0.99
    assert passed[200, 120] > 0.99


def test_a_rod_ends_its_overhang_past_the_beam(camera: Camera) -> None:
    rod = replace(DISC, kind="linear", size=4.0, overhang=10.0)  # from larger columns
    dark = shadow(rod, camera) < 0.5
    columns = np.flatnonzero(dark[127])
    assert (columns.min(), columns.max()) == (118, 255)
    assert dark[:, 200].sum() == 8


def test_a_wedge_opens_by_twice_its_half_angle(camera: Camera) -> None:
    wedge = replace(DISC, kind="wedge", overhang=20.0, half_angle=np.deg2rad(15))
    dark = shadow(wedge, camera) < 0.5
    widths = [dark[:, column].sum() for column in (157, 207)]  # 50 and 100 pixels from the tip at 107.5
    assert widths[1] - widths[0] == pytest.approx(2 * 50 * np.tan(np.deg2rad(15)), abs=2)


def test_what_passes_a_thin_stop_is_seen(camera: Camera) -> None:
    assert shadow(replace(DISC, transmission=0.1), camera)[127, 127] == pytest.approx(0.1)


def test_stops_of_all_kinds_are_drawn_equally_often() -> None:
    generator = np.random.default_rng(4)
    kinds = [draw_beamstop(1.0, generator).kind for _ in range(900)]
    assert all(240 < kinds.count(kind) < 360 for kind in ("circular", "linear", "wedge"))
