import pytest

from fedbragg.simulation.scattering.lattices import BCC, FCC, HEXAGONAL, LAMELLAR


def test_bcc_shows_even_sums_of_indices() -> None:
    # 110, 200, 211, 220: squares 2, 4, 6, 8
    assert [place**2 for place, _ in BCC[:4]] == pytest.approx([1, 2, 3, 4])
    assert [number for _, number in BCC[:4]] == [12, 6, 24, 12]


def test_fcc_shows_unmixed_indices() -> None:
    # 111, 200, 220, 311, 222: squares 3, 4, 8, 11, 12
    assert [3 * place**2 for place, _ in FCC[:5]] == pytest.approx([3, 4, 8, 11, 12])
    assert [number for _, number in FCC[:5]] == [8, 6, 12, 24, 8]


def test_hexagonal_rods_lie_at_one_root_three_two_root_seven() -> None:
    assert [place**2 for place, _ in HEXAGONAL[:4]] == pytest.approx([1, 3, 4, 7])
    assert [number for _, number in HEXAGONAL[:4]] == [6, 6, 6, 12]


def test_lamellae_show_every_order() -> None:
    assert [place for place, _ in LAMELLAR[:4]] == [1, 2, 3, 4]
