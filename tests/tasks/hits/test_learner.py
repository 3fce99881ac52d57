"""Hit finding: labelled frames as data, training and scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from fedbragg.learn.state import state_of
from fedbragg.tasks.hits.data import (
    HitData,
    HitExample,
    _is_spot,
    concatenate,
    from_examples,
    hit_example,
)
from fedbragg.tasks.hits.learner import (
    FIRST_LAYER,
    HitProblem,
    network_of,
    new_network,
    pretrain,
    score,
    scores_of,
    whole_frame_of,
)
from fedbragg.tasks.hits.prepare import CONTEXT, PrepareSettings, prepare
from fedbragg.tasks.hits.surroundings import MEASURES, measures_of
from fedbragg.types import Frame, Label, Spot

LABELS = (Label.HIT, Label.MAYBE, Label.MISS)


def example(seed: int, peaks: int, label: Label) -> HitExample:
    generator = torch.Generator().manual_seed(seed)
    known = torch.randint(-1, 2, (peaks,), generator=generator).float()
    return HitExample(torch.rand(peaks, MEASURES, generator=generator), label, known)


def examples(peaks: list[int]) -> list[HitExample]:
    return [example(index, number, LABELS[index % 3]) for index, number in enumerate(peaks)]


def same(one: HitData, other: HitData) -> bool:
    names = ("measures", "first", "hit", "spots")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_maybe_counts_as_a_hit() -> None:
    data = from_examples([example(1, 2, label) for label in (Label.HIT, Label.MAYBE, Label.MISS, Label.MISS)])
    assert data.hit.tolist() == [1, 1, 0, 0]
    assert data.label_counts == ((2, 2),)  # misses, hits and maybes


def is_spot(places: list[tuple[int, int]], *true: tuple[float, float, float]) -> list[float]:
    spots = [Spot(column, row, 50.0, significance) for row, column, significance in true]
    result: Tensor = _is_spot(torch.tensor(places, dtype=torch.float32).reshape(-1, 2), spots)
    return result.tolist()


def test_a_peak_is_a_spot_near_a_visible_one_and_unknown_near_a_faint_one() -> None:
    visible, unclear, faint = (10.0, 20.0, 6.0), (40.0, 40.0, 5.9), (70.0, 70.0, 2.9)
    places = [(10, 20), (12, 21), (13, 20), (41, 40), (70, 70), (90, 90)]
    assert is_spot(places, visible, unclear, faint) == [1, 1, 0, -1, 0, 0]


def test_row_and_column_are_not_mixed_up() -> None:
    assert is_spot([(10, 50), (50, 10)], (10.0, 50.0, 9.0)) == [1, 0]


def test_the_strongest_spot_near_a_peak_decides() -> None:
    assert is_spot([(10, 10)], (10.0, 11.0, 4.0), (11.0, 10.0, 20.0)) == [1]


def test_without_true_spots_no_peak_is_a_spot() -> None:
    assert is_spot([(1, 1), (2, 2)]) == [0, 0]
    assert is_spot([], (1.0, 1.0, 9.0)) == []


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_parts_join_to_the_whole(peaks: list[int], data: st.DataObject) -> None:
    whole = from_examples(examples(peaks))
    cut = data.draw(st.integers(0, len(peaks)))
    assert whole.first.tolist() == [0, *np.cumsum(peaks)]
    assert same(concatenate([whole[0:cut], whole[cut : len(peaks)]]), whole)
    assert same(whole[0 : len(peaks)], whole)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_a_slice_equals_its_frames_alone(peaks: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(peaks) - 1))
    stop = data.draw(st.integers(start + 1, len(peaks)))
    assert same(from_examples(examples(peaks))[start:stop], from_examples(examples(peaks)[start:stop]))


def test_a_score_does_not_depend_on_the_frames_beside_it() -> None:
    network = new_network(torch.Generator().manual_seed(1))
    peaks = [3, 0, 5, 1]
    together = score(network, from_examples(examples(peaks)))
    alone = [score(network, from_examples([one]))[0] for one in examples(peaks)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_loss_equals_a_hand_calculation() -> None:
    """For a network that gives every peak probability 1/2: votes of 1/4 (power 2), and a spot loss of ln 2 each."""
    network = new_network(torch.Generator().manual_seed(1))
    for parameter in network.spot.parameters():
        nn.init.zeros_(parameter)
    one = float(np.log(np.e - 1))  # softplus of it is 1
    with torch.no_grad():
        network.certainty.fill_(one)
        network.count_weight.fill_(one)
        network.count_offset.fill_(-2.0)
    frames = [
        HitExample(torch.rand(4, MEASURES), Label.HIT, torch.tensor([1.0, 0.0, -1.0, -1.0])),
        HitExample(torch.rand(0, MEASURES), Label.MISS, torch.zeros(0)),
    ]
    loss = HitProblem(network, from_examples(frames)).loss(torch.tensor([0, 1])).item()
    hit, miss = np.log(2) - 2, -2.0  # 4 votes of a quarter make one spot: ln(1 + 1) - 2; none make -2
    by_hand = (np.log1p(np.exp(-hit)) + np.log1p(np.exp(miss))) / 2 + 4.0 * np.log(2) / 2
    assert loss == pytest.approx(by_hand, abs=1e-5)


def test_unknown_peaks_do_not_train_the_spot_map() -> None:
    network = new_network(torch.Generator().manual_seed(1))
    site = from_examples([HitExample(torch.rand(3, MEASURES), Label.MISS, torch.full((3,), -1.0))])
    data = HitProblem(network, site)
    hit_only = nn.functional.binary_cross_entropy(
        torch.tensor(score(network, site)), torch.zeros(1, dtype=torch.float64)
    )
    assert data.loss(torch.tensor([0])).item() == pytest.approx(hit_only.item(), abs=1e-5)


def frame(spots: list[tuple[int, int]]) -> Frame:
    counts = np.random.default_rng(1).poisson(2, (96, 96)).astype(np.uint16)
    for row, column in spots:
        counts[row - 1 : row + 2, column - 1 : column + 2] += 20
        counts[row, column] += 80
    return Frame(counts, np.zeros(counts.shape, np.bool_), "made.h5", 0)


def test_an_example_holds_its_peaks_and_no_image() -> None:
    made = hit_example(
        frame([(20, 30), (60, 70)]), Label.HIT, PrepareSettings(), [Spot(70.2, 59.7, 200.0, 20.0)]
    )
    assert made.measures.shape == (2, MEASURES)
    assert made.spots.tolist() == [0, 1]
    unlabelled = hit_example(frame([(20, 30)]), Label.HIT, PrepareSettings())
    assert unlabelled.spots.tolist() == [-1]


def test_a_frame_without_a_peak_can_be_scored_and_trained_on() -> None:
    empty = hit_example(frame([]), Label.MISS, PrepareSettings(), [])
    assert len(empty.measures) == 0
    state = pretrain(from_examples([empty, empty]), epochs=2, seed=1)
    assert np.isfinite(scores_of(state, from_examples([empty]))).all()


def test_pretraining_depends_on_its_seed_alone() -> None:
    data = from_examples(examples([4, 2, 3, 5]))
    one, again, other = (pretrain(data, 3, seed) for seed in (1, 1, 2))
    torch.manual_seed(99)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["spot.0.weight"], other["spot.0.weight"])
    start = pretrain(None, 3, 1)
    assert not np.array_equal(start["spot.0.weight"], one["spot.0.weight"])


def test_training_and_screening_give_the_same_score() -> None:
    """The exported network and the one in the training loop give the same score."""
    state = pretrain(from_examples(examples([4, 2, 3, 5])), 3, 1)
    spotted = frame([(20, 30), (60, 70), (40, 12)])
    data = from_examples([hit_example(spotted, Label.HIT, PrepareSettings())])
    with torch.no_grad():
        measures = measures_of(prepare(spotted, PrepareSettings()))
        whole, _ = whole_frame_of(state).eval()(torch.from_numpy(measures))
    assert scores_of(state, data)[0] == pytest.approx(float(whole), abs=1e-6)


def test_the_weights_of_a_model_without_context_score_as_before() -> None:
    """Its first layer knows the measures before the context; the others get no weight."""
    state = state_of(new_network(torch.Generator().manual_seed(4)))
    before = {**state, FIRST_LAYER: state[FIRST_LAYER][:, : MEASURES - len(CONTEXT)]}
    measures = torch.rand(20, MEASURES, generator=torch.Generator().manual_seed(5))
    hidden = torch.relu(
        measures[:, : -len(CONTEXT)] @ torch.tensor(before[FIRST_LAYER]).T
        + torch.tensor(state["spot.0.bias"])
    )
    network = network_of(before)
    with torch.no_grad():
        assert torch.allclose(network.spots(measures), network.spot[2:](hidden)[:, 0], atol=1e-5)
