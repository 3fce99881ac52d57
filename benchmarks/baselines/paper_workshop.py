"""One process that trains: it reads the frames once and builds each network once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.paper_blocks import SHRINK, SHRUNK, SPOTNET, Job
from fedbragg.files import write_whole

if TYPE_CHECKING:
    from baselines.paper_arms import Learner
    from baselines.paper_crops import CropLearner, Crops
    from baselines.paper_partitions import Indices
    from baselines.paper_peaks import PeakLearner


@dataclass(eq=False)
class Workshop:
    """The folders of frames and results, and the device."""

    folder: Path
    device: str
    barriers: int
    _crops: dict[int, tuple[Crops, Indices]] = field(default_factory=dict)
    _learners: dict[tuple[str, bool], CropLearner] = field(default_factory=dict)

    @property
    def runs(self) -> Path:
        """Return the folder of results."""
        return self.folder / "runs"

    @property
    def rates(self) -> Path:
        """Return the folder of tried learning rates."""
        return self.folder / "rates"

    def try_rate(self, network: str, group_norm: bool, rate: float) -> None:
        """Try a learning rate and write its loss."""
        from baselines.paper_rates import rate_path, try_rate

        learner, labels = self._crop_learner(network, group_norm)
        learner.rate = rate
        try_rate(learner, labels, self.barriers, rate_path(self.rates, network, group_norm, rate))
        print(f"{network}, GroupNorm {group_norm}, rate {rate:g}: tried", flush=True)

    def train(self, job: Job) -> None:
        """Do one run and write its result."""
        from baselines.paper_arms import PaperRun
        from baselines.paper_partitions import split

        learner, labels, how = self._learner(job)
        began = time.perf_counter()
        parts = split(labels, job.block.partition, job.seed)
        found = PaperRun(learner, parts, job.arm, job.seed, self.barriers).result()
        seconds = round(time.perf_counter() - began, 1)
        result = {**job.facts, **how, "barriers": self.barriers, "seconds": seconds, **found}
        write_whole(self.runs / f"{job.name}.json", json.dumps(result))
        print(f"{job.name}: {seconds} s", flush=True)

    def _learner(self, job: Job) -> tuple[Learner, Indices, dict[str, object]]:
        """Return the learner, the frames' labels, and the facts about it, as JSON."""
        network = job.block.network
        if network == SPOTNET:
            return *self._peaks, {"device": "cpu"}
        from baselines.paper_rates import chosen_rate

        learner, labels = self._crop_learner(network, job.arm.group_norm)
        learner.rate = chosen_rate(self.rates, network, job.arm.group_norm)
        how = {"device": self._device_name(), "crop": learner.crops.crop, "rate": learner.rate}
        return learner, labels, how

    @cached_property
    def _peaks(self) -> tuple[PeakLearner, Indices]:
        from baselines.paper_frames import paper_peaks
        from baselines.paper_peaks import PeakLearner

        data, labels = paper_peaks(self.folder / "frames")
        return PeakLearner(data), labels

    def _crop_learner(self, network: str, group_norm: bool) -> tuple[CropLearner, Indices]:
        from baselines.paper_crops import CropLearner, Crops
        from baselines.paper_frames import paper_frames

        shrink, key = SHRINK.get(network, SHRUNK), (network, group_norm)
        if shrink not in self._crops:
            frames = paper_frames(self.folder / "frames", shrink)
            self._crops[shrink] = Crops.of(frames, self.device), frames.labels
        crops, labels = self._crops[shrink]
        if key not in self._learners:
            self._learners[key] = CropLearner(network, group_norm, crops, rate=0.0)
        return self._learners[key], labels

    def _device_name(self) -> str:
        import torch

        return torch.cuda.get_device_name(self.device) if self.device.startswith("cuda") else "CPU, one core"
