import math

import pytest
import torch
from lit_rings import lit
from torch.nn import functional

from fedbragg.simulation.scattering.lattices import BCC, FCC, LATTICES, Peaks
from fedbragg.tasks.tags.comb import (
    BEFORE,
    COMB_WIDTH,
    PLACES,
    STEP,
    TEETH,
    WIDTHS,
    CombReader,
    comb_of,
    on_fixed_ratios,
    standing_out,
)
from fedbragg.tasks.tags.unroll import CLOSEST, RADII, PolarView, extent


def profile_of(beam: tuple[float, float], *rings: float) -> torch.Tensor:
    """Return the light and coverage (1, 2, PLACES) of rings about a beam."""
    views = lit(beam, radius=rings[0])
    for ring in rings[1:]:
        views[:, :1] += lit(beam, radius=ring)[:, :1]
    about = torch.tensor([beam])
    return on_fixed_ratios(PolarView()(views, about)[0][:, [0, 3]], *extent(about)[:2])


def begun() -> CombReader:
    reader = CombReader()
    reader.begin(torch.Generator().manual_seed(1))
    return reader.eval()


@pytest.mark.parametrize("beam", [(0.0, 0.0), (0.5, -0.4)])
def test_a_radius_has_the_same_place_about_every_beam(beam: tuple[float, float]) -> None:
    place = int(profile_of(beam, 0.4)[0, 0].argmax())
    assert place == pytest.approx(math.log(0.4 / CLOSEST) / STEP, abs=1.5)


def test_beyond_the_picture_nothing_was_measured() -> None:
    light, coverage = profile_of((0.0, 0.0), 0.4)[0]
    corner = math.ceil(math.log(2**0.5 / CLOSEST) / STEP)
    assert coverage[corner:].max() == 0 and light[corner:].max() == 0
    assert math.log(2 * 2**0.5 / CLOSEST) / STEP < PLACES  # the farthest corner of any beam on the picture


def test_interpolation_is_exact_on_a_line() -> None:
    near, far = torch.tensor([CLOSEST]), torch.tensor([1.4])
    step = math.log(1.4 / CLOSEST) / RADII
    logarithm = math.log(CLOSEST) + (torch.arange(RADII) + 0.5) * step
    found = on_fixed_ratios(logarithm[None, None], near, far)[0, 0]
    wanted = math.log(CLOSEST) + torch.arange(PLACES) * STEP
    inside = (wanted > logarithm[0]) & (wanted < logarithm[-1])
    torch.testing.assert_close(found[inside], wanted[inside], atol=1e-5, rtol=1e-5)
    assert found[~inside].abs().max() == 0


def profile_with(*places: float, width: float = 1.3) -> torch.Tensor:
    """Return a falling profile (1, 2, PLACES), measured everywhere, with peaks at places."""
    place = torch.arange(PLACES, dtype=torch.float32)
    light = 5 - place / 40
    for peak in places:
        light = light + torch.exp(-0.5 * ((place - peak) / width) ** 2)
    return torch.stack([light, torch.ones(PLACES)])[None]


def test_a_ring_stands_out_of_a_smooth_decay() -> None:
    above = standing_out(profile_with(80))[0, 0]
    assert int(above.argmax()) == 80
    assert above[80] > 2
    assert above[80] > 8 * above[10:50].abs().max()


def test_a_comb_has_a_tooth_at_each_line_of_its_lattice() -> None:
    """Body-centred cubic: the squares of the radii are as 1 : 2 : 3."""
    comb = comb_of(BCC, WIDTHS[0])
    for square in (1, 2, 3):
        at = BEFORE + round(math.log(square**0.5) / STEP)
        assert comb[at] > comb.abs().mean()
        assert comb[at] >= comb[[at - 3, at + 3]].max()
    assert float(comb.sum()) == pytest.approx(0, abs=1e-4)
    assert float(comb.square().sum()) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(("lattice", "name"), [(BCC, "bcc"), (FCC, "fcc")])
@pytest.mark.parametrize("first", [20, 55.5, 90])
def test_a_lattice_matches_its_own_comb_best_at_every_scale(lattice: Peaks, name: str, first: float) -> None:
    lines = [first + math.log(ratio) / STEP for ratio, _ in lattice[:7]]
    seen = standing_out(profile_with(*lines))[:, :1]
    padded = functional.pad(seen, (BEFORE, TEETH - 1 - BEFORE))
    best = {
        other: float(functional.conv1d(padded, comb_of(peaks, WIDTHS[0])[None, None]).max())
        for other, peaks in LATTICES.items()
    }
    assert max(best, key=best.__getitem__) == name


def test_the_reader_starts_from_the_lattices_and_its_seed() -> None:
    reader, again = begun(), begun()
    assert torch.equal(reader.kernels, again.kernels)
    torch.testing.assert_close(reader.kernels[0, 0], comb_of(next(iter(LATTICES.values())), WIDTHS[0]))
    rings = torch.rand(2, 13, RADII)
    features = reader(rings, torch.full((2,), CLOSEST), torch.full((2,), 1.4))
    assert features.shape == (2, COMB_WIDTH)
    assert torch.isfinite(reader(torch.zeros(1, 13, RADII), torch.tensor([0.0]), torch.tensor([1.4]))).all()
