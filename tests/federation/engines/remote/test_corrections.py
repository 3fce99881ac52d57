"""Corrections reach real sites and their gradients come back: the model is that of the local engine."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from corrected_worker import CorrectedTrainer
from in_process import InProcessFederation, settings
from softmax import skewed_problem

from fedbragg.config import Federation
from fedbragg.federation import federate
from fedbragg.types import State

WORKER = (sys.executable, str(Path(__file__).with_name("corrected_worker.py")))
RULES = {"aggregation": "scaffold", "barriers": 3}


def test_scaffold_over_messages_ends_as_in_one_process(federation: InProcessFederation) -> None:
    for site in ("site0", "site1"):
        federation.join(site, worker_command=WORKER)
    federation.start(**RULES)
    status = federation.ended()
    assert status["state"] == "finished", status
    found = federation.ask("site0", "final").tensors
    for name, tensor in in_this_process(length=0.3).items():
        np.testing.assert_allclose(found[name], tensor, rtol=0, atol=1e-9)
    ignored = in_this_process(length=0.0)
    assert any(abs(ignored[name] - found[name]).max() > 1e-3 for name in found)


def in_this_process(length: float) -> State:
    trainers = [CorrectedTrainer(name, length) for name in ("site0", "site1")]
    rules = Federation.model_validate(settings(**RULES))
    return federate(rules, trainers, skewed_problem().initial).model
