"""Measure the cost of combining five updates with each rule, and of reading the same bytes once.

Updates are float32, of DenseNet121's size (8M numbers in 727 tensors) and of VGG19's (140M in 38), filled
at random. A rule's time is all that the coordinator does at a barrier for it: weights and combination.
FedPAQ has two rows more: sites compress and the server decompresses. FedBoost combines only the mixture of five
predictors; its sites also evaluate all five on every frame, and that time is not measured here.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from fedbragg.config import FederationSettings
from fedbragg.federation.quantise import dequantise, quantise
from fedbragg.federation.rules.apply import combine, report_weights
from fedbragg.federation.rules.fedboost import MIXTURE
from fedbragg.federation.rules.weights import Profile
from fedbragg.state_arithmetic import finite, norm
from fedbragg.types import State
from harness import Table, publish, timed

SITES = 5
MODELS = {"8M": (8_000_000, 727), "140M": (140_000_000, 38)}
RULES = ("fedavg", "fedkl", "feddisco", "trimmed_mean", "median", "krum")
PROFILES = [Profile(100 * (i + 1), ((80 * (i + 1) - 40 * i, 20 * (i + 1) + 40 * i),)) for i in range(SITES)]


def random_state(numbers: int, tensors: int, seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    sizes = np.full(tensors, numbers // tensors)
    return {f"t{i:03d}": generator.standard_normal(n, dtype=np.float32) for i, n in enumerate(sizes)}


def by_rule(rule: str, start: State, steps: list[State]) -> Callable[[], object]:
    rules = FederationSettings(aggregation=rule)
    return lambda: combine(start, steps, list(report_weights(start, steps, PROFILES, rules)), rules)


def read_once(steps: list[State]) -> float:
    return float(sum(tensor.sum() for step in steps for tensor in step.values()))


def plain_numpy(start: State, steps: list[State]) -> dict[str, np.ndarray]:
    """Average in the most obvious way, as a newcomer would write it."""
    return {name: start[name] + np.mean([step[name] for step in steps], axis=0) for name in start}


def peak_megabytes(work: Callable[[], object]) -> float:
    """Return the most memory that a call allocates, its result included, beyond its arguments."""
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def study(numbers: int, tensors: int, repeats: int) -> list[tuple[str, float, float]]:
    """Return (name, best seconds, peak megabytes) of everything that is compared.

    The repeats go round all of them in turn, so that a machine that is busy for a while is so for all.
    """
    start = random_state(numbers, tensors, SITES)
    steps: list[State] = [random_state(numbers, tensors, seed) for seed in range(SITES)]
    works: dict[str, Callable[[], object]] = {
        "one pass: numpy sums the five updates": lambda: read_once(steps),
        "numpy's mean, the obvious way": lambda: plain_numpy(start, steps),
        **{rule: by_rule(rule, start, steps) for rule in RULES},
        "checks: finite and norm, five updates": lambda: checked(steps),
        **paq(start, steps),
        "fedboost, server": boost(),
    }
    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            best[name] = min(best[name], timed(work, 1)["best"])
            print(f"{name}: {best[name]:.3f} s", file=sys.stderr)
    return [(name, best[name], peak_megabytes(work)) for name, work in works.items()]


def checked(steps: list[State]) -> list[float]:
    return [norm(step) for step in steps if finite(step)]


def paq(start: State, steps: list[State]) -> dict[str, Callable[[], object]]:
    """Return 4-bit FedPAQ's two sides: one site's packing, and the server's unpacking of five with their mean."""
    generator = np.random.default_rng(0)

    def pack(step: State) -> dict[str, Any]:
        return {name: quantise(tensor, 4, generator) for name, tensor in step.items()}

    parcels = [pack(step) for step in steps]
    rules = FederationSettings(aggregation="fedpaq")

    def serve() -> object:
        opened = [{name: dequantise(tensor) for name, tensor in parcel.items()} for parcel in parcels]
        return combine(start, opened, list(report_weights(start, opened, PROFILES, rules)), rules)

    return {
        "fedpaq, server: unpack five, mean": serve,
        "fedpaq, one site: pack": lambda: pack(steps[0]),
    }


def boost() -> Callable[[], object]:
    rules, generator = FederationSettings(aggregation="fedboost", schedule="sync"), np.random.default_rng(0)
    start = {MIXTURE: np.full(SITES, 1 / SITES)}
    steps: list[State] = [{MIXTURE: generator.normal(size=SITES)} for _ in range(SITES)]
    return lambda: combine(start, steps, list(report_weights(start, steps, PROFILES, rules)), rules)


def bytes_up(name: str, numbers: int) -> str:
    if name.startswith("fedboost"):
        return f"{8 * SITES} B"
    if name.startswith("fedpaq"):
        return f"{numbers / 2 / 1e6:.0f} MB"
    return f"{4 * numbers / 1e6:.0f} MB" if name in RULES else ""


def table(label: str, numbers: int, tensors: int) -> Table:
    found = study(numbers, tensors, repeats=9 if numbers < 10**8 else 5)
    seconds = {name: taken for name, taken, _ in found}
    once, mean = found[0][1], seconds["fedavg"]
    rows = [
        [
            name,
            f"{taken:.4f}",
            f"{taken / once:.2f}",
            f"{taken / mean:.2f}",
            f"{peak:.0f}",
            bytes_up(name, numbers),
        ]
        for name, taken, peak in found
    ]
    return Table(
        f"Combining {SITES} updates of {label} float32 numbers",
        ["rule", "seconds, best", "over one pass", "over fedavg", "peak MB", "a site sends"],
        rows,
        [
            f"Peak is what a call allocates, its result ({4 * numbers / 1e6:.0f} MB) included; the updates are not.",
            "fedkl over fedavg is to stay below 1.5. Repeats go round all rules in turn.",
        ],
    )


def main() -> None:
    chosen = sys.argv[1:] or list(MODELS)
    publish("aggregation", [table(label, *MODELS[label]) for label in chosen])


if __name__ == "__main__":
    main()
