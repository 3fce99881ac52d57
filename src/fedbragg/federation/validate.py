"""Check whether an update may count; an update of a broken or hostile site is refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from fedbragg.errors import UpdateRejected
from fedbragg.federation.rules import Rule
from fedbragg.federation.rules.weights import Profile
from fedbragg.state_arithmetic import finite
from fedbragg.types import State, Update

FEWEST_OTHERS = 2
"""Fewest other sites for comparing norms; with only one it is unclear which of the two is the outlier."""


MOST_ANSWERS = 1 << 30
"""Answers that one sample can hold: the pixels of the largest micrograph; a frame holds one."""


def check(update: Update, sent: State, known: Profile | None) -> None:
    """Raise UpdateRejected unless the update fits the model that was sent and the other sites' label classes."""
    _check_tensors(update.tensors, sent)
    _check_labels(update, known)
    if not isfinite(update.loss):
        raise UpdateRejected(f"its loss is {update.loss}; look for diverged training or broken frames there")


def check_norm(length: float, others: Sequence[float], factor: float) -> None:
    """Raise UpdateRejected where an update is longer than ``factor`` times the others' median."""
    if len(others) < FEWEST_OTHERS:
        return
    typical = float(np.median(others))
    # Zero means that the others learnt nothing; any length would then be too much.
    if typical and length > factor * typical:
        raise UpdateRejected(
            f"its norm {length:.3g} is over {factor:g} times the others' median {typical:.3g}"
        )


def check_terms(update: Update, sent: State, rule: Rule) -> None:
    """Raise UpdateRejected unless the update holds what the rule asks of a training, and nothing beyond that."""
    if rule.needs_steps and update.steps < 1:
        raise UpdateRejected("it names no steps of its optimiser, which the rule divides by")
    if not rule.sends_gradient:
        if update.gradient:
            raise UpdateRejected("it holds a gradient that the rule does not ask for")
        return
    if not update.gradient:
        raise UpdateRejected("it lacks the gradient that the rule asks for")
    if unknown := sorted(update.gradient.keys() - sent.keys()):
        raise UpdateRejected(f"its gradient has tensors that the model lacks: {unknown[:3]}")
    _check_tensors(update.gradient, {name: sent[name] for name in update.gradient})


def _check_tensors(tensors: State, sent: State) -> None:
    if tensors.keys() != sent.keys():
        missing, extra = sorted(sent.keys() - tensors.keys()), sorted(tensors.keys() - sent.keys())
        raise UpdateRejected(f"its tensors are not the model's: missing {missing[:3]}, unknown {extra[:3]}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, np.ndarray) or tensor.dtype.kind not in "fiub":
            raise UpdateRejected(f"{name} is not an array of real numbers")
        if tensor.shape != sent[name].shape:
            raise UpdateRejected(f"{name} has shape {tensor.shape} where the model has {sent[name].shape}")
    if not finite(tensors):
        raise UpdateRejected("it holds numbers that are not finite; look for diverged training there")


def _check_labels(update: Update, known: Profile | None) -> None:
    if update.samples < 1:
        raise UpdateRejected(f"it claims {update.samples} frames; a site needs at least one")
    for counts in update.label_counts:
        if any(count < 0 for count in counts) or sum(counts) > update.samples * MOST_ANSWERS:
            raise UpdateRejected(f"its label counts {counts} do not fit its {update.samples} frames")
    shape = [len(counts) for counts in update.label_counts]
    if known is not None and shape != [len(counts) for counts in known.label_counts]:
        raise UpdateRejected(f"its labels have {shape} classes, unlike those of the other sites")
