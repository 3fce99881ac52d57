"""The names of what flows, and the tree of errors."""

from __future__ import annotations

import dataclasses
import re

import pytest

from fedbragg import errors
from fedbragg.types import Frame, Label, Spot, Unreadable, Update, Verdict, View


def test_maybe_counts_as_hit() -> None:
    assert [label.positive for label in (Label.HIT, Label.MAYBE, Label.MISS)] == [True, True, False]
    assert [str(label) for label in Label] == ["hit", "maybe", "miss"]


@pytest.mark.parametrize("kind", [Frame, Unreadable, View, Spot, Update, Verdict])
def test_what_flows_cannot_be_changed_on_the_way(kind: type) -> None:
    made = kind(*range(len(dataclasses.fields(kind))))
    first = dataclasses.fields(kind)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, first, "other")
    assert not hasattr(made, "__dict__")


def test_the_tree_of_errors_is_the_one_drawn() -> None:
    """Each line of the drawing is a class, under the one it is drawn under."""
    drawn = [
        (len(found[1]), found[2])
        for line in (errors.__doc__ or "").splitlines()
        if (found := re.match(r"([│├└─ ]*)(\w+(?:Error|Rejected|Refused|Spent|Warning))\b", line))
    ]
    parents: list[tuple[int, str]] = []
    for depth, name in drawn:
        while parents and parents[-1][0] >= depth:
            parents.pop()
        if parents:
            assert getattr(errors, name).__base__ is getattr(errors, parents[-1][1])
        parents.append((depth, name))
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert {name for _, name in drawn} == classes
    assert drawn[0] == (0, "FedbraggError")


def test_a_frames_error_says_which_frame() -> None:
    error = errors.FrameError("run.h5", 3, "is gone.")
    assert (str(error), error.path, error.index, error.reason) == (
        "run.h5 frame 3: is gone.",
        "run.h5",
        3,
        "is gone.",
    )
