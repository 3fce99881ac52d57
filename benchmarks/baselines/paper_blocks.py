"""The runs of FedKL's table, in order: a short budget leaves out the least important."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from baselines.paper_arms import ARMS, CEILING, PaperArm
from baselines.paper_networks import WITHOUT_BATCH_NORM

SPOTNET = "spotnet"
BATCH_NORM_ARMS = ("FedBN", "GroupNorm")
WEIGHTS = ("FedAvg by size", "FedKL", CEILING, "FedAvg uniform", "FedDisco")
CAUSES = (
    *("FedAvg by size", "FedKL", CEILING, *BATCH_NORM_ARMS),
    *("class-balanced sampling", "logit shift in training"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One table: a network and a partition."""

    network: str
    partition: str
    arms: tuple[PaperArm, ...] = ARMS

    @property
    def name(self) -> str:
        """Return the name by which a command chooses the block."""
        return f"{self.network}-{self.partition}"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a block."""

    block: Block
    arm: PaperArm
    seed: int

    @property
    def name(self) -> str:
        """Return the name of the file of its result."""
        return f"{self.block.name}-{self.arm.name.replace(' ', '-')}-{self.seed}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return the fields that identify it, as JSON."""
        block = self.block
        return {
            "network": block.network,
            "partition": block.partition,
            "arm": self.arm.name,
            "seed": self.seed,
        }


def _arms(network: str, names: Sequence[str] = ()) -> tuple[PaperArm, ...]:
    """Return the named arms, or all, without those that need a BatchNorm layer where the network has none."""
    without = BATCH_NORM_ARMS if network in (*WITHOUT_BATCH_NORM, SPOTNET) else ()
    arms = [arm for arm in ARMS if arm.name not in without and (not names or arm.name in names)]
    return tuple(arm for arm in arms if not (arm.balanced and network == SPOTNET))


SHRINK = {"Ke": 1}
"""Pixels along an edge of the crop of which one is the mean, where it is not SHRUNK: Ke's network is small."""
SHRUNK = 2
PLAN = (
    ("ResNet18", "skewed", ()),
    ("ResNet18", "dirichlet-0.1", (*WEIGHTS, *BATCH_NORM_ARMS)),
    ("DenseNet121", "skewed", CAUSES),
    ("Ke", "skewed", ()),
    ("ResNet18", "random", WEIGHTS),
    ("ResNet18", "dirichlet-0.5", WEIGHTS),
    ("DenseNet121", "random", WEIGHTS),
    ("ResNet50", "skewed", CAUSES),
    ("VGG19", "skewed", WEIGHTS),
    (SPOTNET, "skewed", ()),
    (SPOTNET, "dirichlet-0.1", WEIGHTS),
    (SPOTNET, "dirichlet-0.5", WEIGHTS),
    (SPOTNET, "random", WEIGHTS),
)
BLOCKS = {block.name: block for block in (Block(n, p, _arms(n, names)) for n, p, names in PLAN)}


def jobs(names: Sequence[str], seeds: int) -> Iterator[Job]:
    """Yield the runs of the named blocks, one block after the other, and in each all arms of a seed together."""
    for name in names:
        for seed in range(1, seeds + 1):
            for arm in BLOCKS[name].arms:
                yield Job(BLOCKS[name], arm, seed)


def builds(names: Sequence[str]) -> list[tuple[str, bool]]:
    """Return the networks on crops that the blocks need, and whether with GroupNorm: each has a rate of its own."""
    needed = [(BLOCKS[name].network, arm.group_norm) for name in names for arm in BLOCKS[name].arms]
    return [built for built in dict.fromkeys(needed) if built[0] != SPOTNET]
