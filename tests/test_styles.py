"""Styles beside a model's weights: added, taken apart, checked, stored."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.errors import UpdateRejected
from fedbragg.styles import MOST, check_style, split_styles, style_of_record, style_record, with_styles

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
styles = st.dictionaries(
    names,
    st.lists(st.floats(width=32), min_size=1, max_size=5).map(
        lambda v: {"statistics": np.array(v, np.float32)}
    ),
    max_size=4,
)


@given(styles)
def test_what_is_put_beside_the_weights_comes_apart_again(sites: dict[str, dict[str, np.ndarray]]) -> None:
    model = {"head.weight": np.ones(3), "head.bias": np.zeros(1)}
    weights, found = split_styles(with_styles(model, sites))
    assert weights.keys() == model.keys()
    assert len(found) == len(sites)
    for style, expected in zip(found, sites.values(), strict=True):
        np.testing.assert_array_equal(style["statistics"], expected["statistics"])


@given(st.lists(st.floats(width=32), max_size=20))
def test_a_record_is_exact_json(values: list[float]) -> None:
    style = {"spectrum": np.array(values, np.float32).reshape(-1, 1)}
    back = style_of_record(json.loads(json.dumps(style_record(style), allow_nan=False)))
    np.testing.assert_array_equal(back["spectrum"], style["spectrum"])
    assert back["spectrum"].shape == style["spectrum"].shape


def test_a_style_is_small() -> None:
    check_style({"spectrum": np.zeros(MOST, np.float32)})
    with pytest.raises(UpdateRejected, match="4097 numbers"):
        check_style({"a": np.zeros(MOST, np.float32), "b": np.zeros(1, np.float32)})


def test_a_picture_is_no_style() -> None:
    with pytest.raises(UpdateRejected, match="at most"):
        check_style({"spectrum": np.zeros((3, 256, 256), np.float32)})
    with pytest.raises(UpdateRejected, match="float32"):
        check_style({"spectrum": np.zeros((8, 8), np.uint8)})
