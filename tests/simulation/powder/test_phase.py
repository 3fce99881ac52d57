"""Positions and intensities of lines, against published and measured values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.bragg import two_theta_of
from fedbragg.errors import ConfigError, InputError
from fedbragg.simulation.powder import Phase, read_phase, shipped_phases

WAVELENGTH = 0.5608


@pytest.fixture(scope="module")
def phases() -> dict[str, Phase]:
    return {phase.name: phase for phase in shipped_phases()}


def line(phase: Phase, *hkl: int) -> int:
    families = np.abs(np.sort(np.abs(phase.indices[:, :2]), axis=1))
    wanted = np.sort(np.abs(hkl[:2]))
    found = np.flatnonzero((families == wanted).all(axis=1) & (np.abs(phase.indices[:, 2]) == abs(hkl[2])))
    return int(found[np.argmax(phase.intensity[found])])


@pytest.mark.parametrize(
    ("name", "hkl", "degrees"),
    [
        ("bastnaesite", (0, 0, 2), 6.435),  # measured in the hydrothermal patterns
        ("bastnaesite", (1, 1, 0), 8.810),
        ("bastnaesite", (1, 1, 2), 10.920),
        ("bastnaesite", (1, 1, 4), 15.640),
        ("bastnaesite", (3, 0, 2), 16.615),
        ("calcite", (1, 0, 4), 10.60),
        ("rhenium", (1, 0, 1), 15.29),
    ],
)
def test_lines_lie_where_they_were_measured(
    phases: dict[str, Phase], name: str, hkl: tuple[int, int, int], degrees: float
) -> None:
    angles = two_theta_of(phases[name].q(), WAVELENGTH)
    assert angles[line(phases[name], *hkl)] == pytest.approx(degrees, abs=0.01)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("calcite", [(1, 0, 4)]),  # by far the strongest of any powder diffraction file
        ("rhenium", [(1, 0, 1), (0, 0, 2), (1, 0, 0)]),  # ICDD 5-702: 100, 34, 32
        ("bastnaesite", [(1, 1, 2), (1, 1, 0)]),  # Handbook of Mineralogy: 2.88 (100), 3.56 (71)
    ],
)
def test_the_strongest_lines_are_the_published_ones(
    phases: dict[str, Phase], name: str, order: list[tuple[int, int, int]]
) -> None:
    phase = phases[name]
    low = two_theta_of(phase.q(), WAVELENGTH) < 20
    strongest = [i for i in np.argsort(-phase.intensity) if low[i]]
    assert set(strongest[: len(order)]) == {line(phase, *hkl) for hkl in order}


def test_salt_has_its_lines_with_their_multiplicities(salt_cif: Path) -> None:
    """In rock salt 200 is strongest; 111, 200, 220 have 8, 6, 12 reflections; mixed indices are absent."""
    salt = read_phase(salt_cif)
    assert salt.name == "halite"
    assert salt.tied == (0, 0, 0)
    d = 2 * np.pi / salt.q()
    assert d[np.argmax(salt.intensity)] == pytest.approx(2.820, abs=1e-3)
    families = {round(float(x), 3): int(m) for x, m in zip(d, salt.multiplicity, strict=True)}
    assert [families[x] for x in (3.256, 2.82, 1.994)] == [8, 6, 12]
    assert all(len({h % 2, k % 2, m % 2}) == 1 for h, k, m in salt.indices.tolist())


def test_the_extension_of_a_cif_may_be_in_capitals(salt_cif: Path) -> None:
    path = salt_cif.rename(salt_cif.with_name("SALT.CIF"))
    assert read_phase(path).name == "SALT"


def test_a_longer_axis_moves_only_its_own_lines(phases: dict[str, Phase]) -> None:
    calcite = phases["calcite"]
    moved = calcite.q(np.array([0.0, 0.0, 0.01])) / calcite.q()
    basal, prism = line(calcite, 0, 0, 6), line(calcite, 1, 1, 0)
    assert moved[basal] == pytest.approx(1 / 1.01)
    assert moved[prism] == pytest.approx(1.0)


def test_the_normal_of_the_basal_plane_is_along_c(phases: dict[str, Phase]) -> None:
    tilt = phases["calcite"].tilt()
    assert tilt[line(phases["calcite"], 0, 0, 6)] == pytest.approx(1.0)
    assert tilt[line(phases["calcite"], 1, 1, 0)] == pytest.approx(0.0, abs=1e-12)


def test_a_third_of_the_cube_faces_of_a_cubic_cell_are_along_c(salt_cif: Path) -> None:
    salt = read_phase(salt_cif)
    faces = salt.tilt()[np.argmin(np.abs(2 * np.pi / salt.q() - 2.820))]
    assert np.sort(faces) == pytest.approx(np.repeat([0.0, 0.0, 1.0], len(faces) // 3), abs=1e-12)


@pytest.mark.parametrize("text", ["", "hello", "data_x\n_cell_length_a 5\n"])
def test_a_cif_without_a_structure_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.cif"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken\.cif"):
        read_phase(path)


def test_a_cif_with_an_unknown_space_group_is_refused_by_name(salt_cif: Path) -> None:
    salt_cif.write_text(salt_cif.read_text().replace("F m -3 m", "nonsense"))
    with pytest.raises(InputError, match=r"halite\.cif"):
        read_phase(salt_cif)


def test_a_missing_cif_and_an_unknown_phase_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_phase(tmp_path / "none.cif")
    with pytest.raises(ConfigError, match="'gold' is unknown"):
        shipped_phases(("gold",))
