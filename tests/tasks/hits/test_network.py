"""spotnet: few parameters, a score that rises with the count, no preferred direction."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fedbragg.tasks.hits.features import MEASURES, surroundings
from fedbragg.tasks.hits.network import SpotNet
from fedbragg.tasks.hits.prepare import CHANNELS, CONTEXT, PROFILE

CORE, WINGS, RIM, MASKED = range(len(CHANNELS))


def random_view(seed: int, rows: int = 20, cols: int = 25) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    view = torch.rand(len(CHANNELS), rows, cols, generator=generator)
    peak = torch.rand(rows, cols, generator=generator) < 0.15
    view[CORE] = torch.where(peak, 1.7 + 3 * view[CORE], 0.0)
    view[WINGS] = torch.where(peak, 3 * view[WINGS], 0.0)
    view[RIM] = torch.where(peak, 6 * view[RIM] - 2, 0.0)
    view[MASKED] = (view[MASKED] > 0.9).float()
    return view


def seen(channels: Tensor, cells: Tensor) -> Tensor:
    """Return the measures of cells whose peaks have empty profiles."""
    return surroundings(channels, cells, torch.zeros(len(cells), len(PROFILE) + len(CONTEXT)))


def network(seed: int) -> SpotNet:
    torch.manual_seed(seed)
    return SpotNet().eval()


def test_there_are_at_most_100000_parameters() -> None:
    assert sum(parameter.numel() for parameter in SpotNet().parameters()) <= 100_000


@given(st.integers(0, 1000), st.lists(st.floats(0, 1e5), min_size=2, max_size=30), st.floats(-5, 5))
@settings(max_examples=50, deadline=None)
def test_one_spot_more_never_lowers_the_score(seed: int, counts: list[float], weight: float) -> None:
    head = network(seed)
    with torch.no_grad():
        head.count_weight.fill_(weight)
        hits = head.hit(torch.tensor(sorted(counts)))
    assert (hits.diff() >= 0).all()


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=40), st.floats(-30, 30), st.floats(-5, 5))
@settings(max_examples=50, deadline=None)
def test_one_peak_more_never_lowers_the_score(logits: list[float], more: float, certainty: float) -> None:
    head = network(1)
    with torch.no_grad():
        head.certainty.fill_(certainty)
        few = head.hit(head.votes(torch.tensor(logits)).sum())
        many = head.hit(head.votes(torch.tensor([*logits, more])).sum())
    assert many >= few - 1e-6


def test_a_vote_is_the_probability_to_the_power_of_certainty() -> None:
    head = network(1)
    with torch.no_grad():
        head.certainty.fill_(math.log(math.e - 1))  # softplus gives 1: the power is 2
        votes = head.votes(torch.tensor([0.0, math.log(3), -100.0, 100.0]))
        head.count_weight.fill_(math.log(math.e - 1))
        head.count_offset.fill_(-2.0)
        hit = head.hit(torch.tensor([0.0, math.e - 1]))
    assert votes.tolist() == pytest.approx([0.25, 0.5625, 0.0, 1.0], abs=1e-6)
    assert hit.tolist() == pytest.approx([-2.0, -1.0], abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_surroundings_do_not_change_under_rotations_and_mirrors(
    seed: int, turns: int, mirrored: bool
) -> None:
    """A rotated View lists its peaks in another order, so they are matched by position."""
    view = random_view(seed)
    places = torch.arange(20 * 25).reshape(20, 25)

    def moved(values: Tensor) -> Tensor:
        turned = torch.rot90(values, turns, dims=(-2, -1))
        return turned.flip(-1) if mirrored else turned

    before, after = (torch.nonzero(channels[CORE] > 0) for channels in (view, moved(view)))
    measures, other = seen(view, before), seen(moved(view), after)
    order = moved(places)[after[:, 0], after[:, 1]].argsort()
    assert measures.shape == (len(before), MEASURES)
    assert len(before) > 20
    torch.testing.assert_close(other[order], measures, atol=1e-5, rtol=1e-5)


def test_surroundings_depend_on_the_cells_around() -> None:
    """The same peak alone, among others and on a line has three different measures."""
    alone = torch.zeros(len(CHANNELS), 15, 15)
    alone[CORE, 7, 7] = 3.0
    crowd, line = alone.clone(), alone.clone()
    crowd[CORE, 5, 8] = crowd[CORE, 9, 6] = crowd[CORE, 6, 10] = crowd[CORE, 8, 4] = 3.0
    line[CORE, 7, 5] = line[CORE, 7, 6] = line[CORE, 7, 8] = line[CORE, 7, 9] = 3.0
    middle = torch.tensor([[7, 7]])
    one, two, three = (seen(view, middle)[0, : -len(PROFILE) - len(CONTEXT)] for view in (alone, crowd, line))
    assert one[-2].item() == pytest.approx(3.0 / 9)  # highest mean over 9 cells along a line: the peak alone
    assert three[-2].item() == pytest.approx(5 * 3.0 / 9)
    assert three[-1].item() == pytest.approx(3.0 / 9)
    assert two[-2].item() < three[-2].item()
    assert not torch.equal(one, two)


def test_a_peaks_own_shape_is_among_its_measures() -> None:
    shape = torch.arange(float(len(PROFILE)))[None]
    measured = surroundings(torch.zeros(len(CHANNELS), 9, 9), torch.tensor([[4, 4]]), shape)
    torch.testing.assert_close(measured[:, -len(PROFILE) :], shape)


def test_pixels_beyond_the_frame_count_as_masked() -> None:
    """A peak in the corner has the measures of one in the middle whose other neighbours are all masked."""
    corner = torch.zeros(len(CHANNELS), 20, 20)
    corner[CORE, 0, 0] = 3.0
    middle = torch.zeros(len(CHANNELS), 20, 20)
    middle[CORE, 10, 10] = 3.0
    middle[MASKED, :10, :] = middle[MASKED, :, :10] = 1.0
    here = seen(corner, torch.tensor([[0, 0]]))
    there = seen(middle, torch.tensor([[10, 10]]))
    torch.testing.assert_close(here, there)
