"""The integers of a masked sum: equal to the plain rules, and never beyond their range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from network import CLIP, MODEL, mean_by_hand, plan, updates, with_numbers

from fedbragg.errors import SumRefused
from fedbragg.federation.privacy import clipped
from fedbragg.federation.rules import RULES
from fedbragg.federation.rules.weights import Profile
from fedbragg.federation.secure.fixed_point import HALF_RANGE, MOST_SITES, Layout, Vector, decode, encode
from fedbragg.federation.secure.terms import Terms
from fedbragg.types import Update


def layout(sites: int, aggregation: str = "fedkl", **privacy) -> Layout:
    return Terms.of(plan(aggregation, **privacy), sites, MODEL).layout


def total(updates: list[Update], layout: Layout) -> Vector:
    result = Vector.zero(layout)
    for update in updates:
        result.add(encode(update, layout))
    return result


@given(
    count=st.integers(3, 12),
    seed=st.integers(0, 1 << 20),
    aggregation=st.sampled_from(["fedkl", "fedavg", "fedavg_uniform"]),
)
@effort(max_examples=40, deadline=None)
def test_the_sum_gives_the_rule_s_weighted_mean(count: int, seed: int, aggregation: str) -> None:
    included = [replace(u, tensors=clipped(u.tensors, CLIP)) for u in updates(count, seed)]
    mean = decode(total(included, layout(count, aggregation)), layout(count, aggregation), count)
    step, loss = mean_by_hand(included, aggregation)
    for name, tensor in step.items():
        np.testing.assert_allclose(mean.step[name], tensor, atol=1e-5, rtol=1e-6)
    assert mean.loss == pytest.approx(loss, abs=2e-5)
    profiles = [Profile(u.samples, u.label_counts) for u in included]
    plain = RULES[aggregation].weights(profiles, plan(aggregation).settings)
    by_rule = sum(w * u.tensors["w"] for w, u in zip(plain, included, strict=True))
    np.testing.assert_allclose(mean.step["w"], by_rule, atol=1e-5)


@pytest.mark.parametrize("sites", [3, 5, 100, MOST_SITES])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_updates_of_all_sites_do_not_wrap_around(sites: int, sign: int) -> None:
    """Every site sends a single number of the full norm, with the largest amounts, loss and integers."""
    shape = layout(sites, most_samples=1 << 24)
    largest = with_numbers(updates(1)[0], sign * CLIP)
    largest.tensors["count"][...] = sign * (1 << 26)
    largest = replace(largest, samples=1 << 30, label_counts=((50, 50),), loss=1e9)
    vector = encode(largest, shape)
    numbers, counts = vector.numbers.view(np.int32), vector.counts.view(np.int64)
    assert abs(int(numbers[0])) < 1 << 31
    assert sites * max(abs(int(n)) for n in numbers) <= HALF_RANGE
    assert sites * max(abs(int(c)) for c in counts) < 1 << 63
    everything = Vector(vector.numbers * np.uint32(sites), vector.counts * np.uint64(sites))
    mean = decode(everything, shape, sites)
    assert mean.step["w"][0, 0] == pytest.approx(sign * CLIP, rel=1e-5)
    assert mean.step["count"] == sign * (1 << 26)


def test_a_number_beyond_the_clip_is_cut_to_it() -> None:
    vector = encode(with_numbers(updates(1)[0], 1e9), layout(3, "fedavg_uniform"))
    assert int(vector.numbers.view(np.int32)[0:].max()) == round(CLIP * layout(3, "fedavg_uniform").scale)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"loss": float("nan")}, "its loss is nan"),
        ({"loss": -1.0}, "its loss is -1"),
        ({"samples": 0}, "no labelled frames"),
        ({"tensors": {"w": np.zeros(6)}}, "not those of the model"),
        ({"tensors": {**MODEL, "w": np.full((2, 3), np.inf)}}, "not finite"),
        ({"tensors": {**MODEL, "count": np.array(1 << 27)}}, "changed by more than"),
    ],
)
def test_an_update_that_cannot_be_bounded_is_refused(change: dict, part: str) -> None:
    with pytest.raises(SumRefused, match=part):
        encode(replace(updates(1)[0], **change), layout(3))


def test_frames_count_as_at_most_most_samples() -> None:
    big, small, middle = (replace(u, samples=n) for u, n in zip(updates(3), (9000, 100, 50), strict=True))
    shape = layout(3, "fedavg", most_samples=200)
    mean = decode(total([big, small, middle], shape), shape, 3)
    assert [part.total for part in mean.parts] == [350.0]


def test_where_no_site_s_labels_are_mixed_size_alone_weighs() -> None:
    single = [replace(u, label_counts=((u.samples, 0),)) for u in updates(4)]
    mean = decode(total(single, layout(4)), layout(4), 4)
    np.testing.assert_allclose(mean.step["w"], mean_by_hand(single, "fedavg")[0]["w"], atol=1e-5)


def test_numbers_that_are_no_sum_are_refused() -> None:
    draw, shape = np.random.default_rng(5), layout(4)
    for _ in range(50):
        noise = Vector(
            draw.integers(0, 1 << 32, shape.numbers, dtype=np.uint32),
            draw.integers(0, 1 << 63, shape.counts, dtype=np.uint64),
        )
        with pytest.raises(SumRefused):
            decode(noise, shape, 4)
    honest = total(updates(4), shape)
    with pytest.raises(SumRefused, match="not a sum of updates"):
        decode(Vector(noise.numbers, honest.counts), shape, 4)
