"""The tables of FedKL's comparison: each arm by network and partition, and the effect of each cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.paper_arms import ARMS, CEILING, EPOCHS, LATENCY, TEST_SHARE, WARMUP
from baselines.paper_blocks import BLOCKS, SPOTNET, Block
from baselines.paper_crops import BATCH, MOMENTUM, SPEED
from baselines.paper_frames import WANTED
from baselines.paper_partitions import IN_TEST, SKEWED
from baselines.paper_rates import RATES
from fedbragg.metrics.classification import summary
from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.repeats import mean_of_repeats
from fedbragg.report.bench import interval
from harness import Table

PAPER_GAIN = {"DenseNet121": "+0.252", "ResNet18": "+0.170", "ResNet50": "+0.140", "VGG19": "+0.210"}
"""Accuracy of FedKL over FedAvg in the paper, one run each."""
PARTITIONS = {
    "random": "frames drawn at random",
    "skewed": "skewed in label and size",
    "dirichlet-0.1": "Dirichlet 0.1",
    "dirichlet-0.5": "Dirichlet 0.5",
}
FEDAVG = ARMS[0].name
METRICS = ("accuracy", "balanced accuracy", "recall", "AUC")
SHIFTED = "accuracy, logits shifted"
CAUSES = {
    "weights: FedKL": "FedKL",
    "weights: the best": CEILING,
    "prior: logits shifted after training": SHIFTED,
    "prior: logits shifted in training": "logit shift in training",
    "prior: classes sampled alike": "class-balanced sampling",
    "BatchNorm at the sites (FedBN)": "FedBN",
    "GroupNorm instead": "GroupNorm",
    "pooled": "pooled",
}
Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The results of one block, by arm and seed."""

    block: Block
    results: Mapping[tuple[str, int], Mapping[str, float]]

    @property
    def seeds(self) -> list[int]:
        """Return the seeds with any result."""
        return sorted({seed for _, seed in self.results})

    def mean(self, arm: str, metric: str) -> Estimate:
        """Return a metric over seeds."""
        return mean_of_repeats([found[metric] for (name, _), found in self.results.items() if name == arm])

    def gain(self, arm: str, metric: str = "accuracy") -> Estimate:
        """Return by how much an arm is above FedAvg, seed by seed; SHIFTED is FedAvg itself with its logits shifted."""
        name, own = (FEDAVG, SHIFTED) if arm == SHIFTED else (arm, metric)
        pairs = [(self.results.get((name, seed)), self.results.get((FEDAVG, seed))) for seed in self.seeds]
        return mean_of_repeats([one[own] - base[metric] for one, base in pairs if one and base])

    def number(self, arm: str) -> int:
        """Return how many seeds an arm has."""
        return sum(name == arm for name, _ in self.results)


def tables(results: Sequence[Result]) -> list[Table]:
    """Return a table for each block that has results, one of the causes, and one of crops against peaks."""
    found = []
    for block in BLOCKS.values():
        own = [r for r in results if (r["network"], r["partition"]) == (block.network, block.partition)]
        if own:
            found.append(Found(block, {(r["arm"], r["seed"]): metrics_of(r) for r in own}))
    by_block = [_of_block(one, [r for r in results if r["network"] == one.block.network]) for one in found]
    return [_of_causes(found), *by_block, _of_physics(found)]


def metrics_of(result: Result) -> dict[str, float]:
    """Return the metrics of a run: the mean over its models, of which FedBN and sites alone have one a site."""
    positive = np.array(result["positive"], dtype=bool)
    shift = prior_shift(result["sites"])
    each = [_judged(positive, np.array(logits), shift) for logits in result["logits"]]
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def prior_shift(sites: Sequence[Sequence[int]]) -> float:
    """Return the log odds of a positive frame in the test set minus those in the sites' training frames together."""
    frames, positive = (sum(numbers) for numbers in zip(*sites, strict=True))
    return log(TEST_SHARE / (1 - TEST_SHARE)) - log(positive / (frames - positive))


def _judged(positive: NDArray[np.bool_], logits: NDArray[np.float64], shift: float) -> dict[str, float]:
    plain = summary(positive, logits, 0.0)
    moved = summary(positive, logits + shift, 0.0)["accuracy"].value
    return {**{name: plain[name].value for name in METRICS}, SHIFTED: moved}


def _of_block(found: Found, results: Sequence[Result]) -> Table:
    columns = ["arm", *METRICS, SHIFTED, f"accuracy over {FEDAVG}", "seeds"]
    rows: list[list[object]] = []
    for arm in (arm.name for arm in found.block.arms if found.number(arm.name)):
        cells = [interval(found.mean(arm, metric)) for metric in (*METRICS, SHIFTED)]
        over = "" if arm == FEDAVG else interval(found.gain(arm), "+")
        rows.append([arm, *cells, over, found.number(arm)])
    title = f"{found.block.network}, five sites: {PARTITIONS[found.block.partition]}"
    return Table(title, columns, rows, [_how(found, results)])


def _how(found: Found, results: Sequence[Result]) -> str:
    """Describe the runs of a block: machine, cost, missing runs and problems."""
    own = [r for r in results if r["partition"] == found.block.partition]
    missing = [
        f"{arm.name} ({found.number(arm.name)} of 5 seeds)"
        for arm in found.block.arms
        if found.number(arm.name) < 5
    ]
    devices, problems = sorted({r["device"] for r in own}), sum(len(r["problems"]) for r in own)
    rates = sorted({r["rate"] for r in own if "rate" in r})
    crop = f"crops of {own[0]['crop']} pixels, rate {' or '.join(map(str, rates))}, " if rates else ""
    text = (
        f"Runs: {len(own)}, on {', '.join(devices)}, {crop}{own[0]['barriers']} barriers; "
        f"{np.median([r['seconds'] for r in own]):.0f} s a run (median), several at a time. "
        f"{problems} trainings failed or were rejected."
    )
    return text + (f" The budget left out: {', '.join(missing)}." if missing else "")


def _of_causes(found: Sequence[Found]) -> Table:
    columns = ["network, sites", FEDAVG, *CAUSES, "FedKL in the paper"]
    rows: list[list[object]] = []
    for one in found:
        gains = [interval(one.gain(arm), "+") for arm in CAUSES.values()]
        name = f"{one.block.network}, {PARTITIONS[one.block.partition]}"
        published = PAPER_GAIN.get(one.block.network, "–")
        rows.append([name, interval(one.mean(FEDAVG, "accuracy")), *gains, published])
    return Table("What each cause adds to FedAvg's accuracy", columns, rows, _notes())


def _notes() -> list[str]:
    labels = ", ".join(f"{number} {label}" for label, number in WANTED.items())
    test = ", ".join(f"{number} {label}" for label, number in IN_TEST.items())
    sites = ", ".join(f"{positive} of {frames}" for frames, positive in SKEWED)
    return [
        f"Simulated frames of the beamline l498: {labels}. Test: {test}, so {100 * TEST_SHARE:.1f} % positive, "
        f"where 27.3 % of the other frames are. Skewed sites: {sites} frames are positive; a fifth of each site's "
        "validates. Seeds draw test set, sites, start and order.",
        "Centre crop of 320 of 960 pixels in 8 bits, shifted by up to 40, mirrored and turned; no pre-training; SGD, "
        f"momentum {MOMENTUM:g}, batches of {BATCH}, the best rate of {', '.join(map(str, RATES))} on pooled "
        f"validation frames; {WARMUP} epochs and then {EPOCHS} for each exchange; hybrid schedule, {SPEED:g} frames a "
        f"second and {2 * LATENCY:g} s an exchange at every site. For all but Ke's network the crop is averaged over "
        "2 x 2 pixels before training: at 320 pixels a run costs four times as much.",
        "Mean over seeds ± half of the 95 % interval; gains are taken seed by seed. The paper's gains come from "
        "one run each. FedBN and sites alone have five models: the mean of their metrics.",
        "Logits shifted: by the log odds of the test set minus those of all training frames, which one must know. "
        "Best weights: at each barrier those of lowest loss on all sites' validation frames, classes weighted as in "
        "the test set; between barriers by size.",
    ]


def _of_physics(found: Sequence[Found]) -> Table:
    columns = [
        "sites",
        "arm",
        *(f"{network}, {metric}" for network in _networks(found) for metric in ("accuracy", "AUC")),
    ]
    rows: list[list[object]] = []
    for partition, title in PARTITIONS.items():
        blocks = {one.block.network: one for one in found if one.block.partition == partition}
        for arm in (FEDAVG, "FedKL", "each alone", "pooled") if {SPOTNET} < set(blocks) else ():
            cells = [
                interval(blocks[network].mean(arm, metric)) if network in blocks else "–"
                for network in _networks(found)
                for metric in ("accuracy", "AUC")
            ]
            rows.append([title, arm, *cells])
    note = (
        "The same frames, sites and seeds. spotnet sees the peaks of the whole frame, the other networks the crop. It "
        "starts from random weights as they do, learns from labels alone, and trains by Adam as the hits task does."
    )
    return Table("What physics adds: crops against peaks", columns, rows, [note])


def _networks(found: Sequence[Found]) -> list[str]:
    return list(dict.fromkeys(one.block.network for one in found))
