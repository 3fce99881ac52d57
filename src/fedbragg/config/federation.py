"""The section [federation]: how the sites' updates become one model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from fedbragg.config.section import Section


class FederationSettings(Section):
    """How the sites' updates become one model."""

    aggregation: str = "fedkl"
    """The rule's name. The federation package knows the rules and checks it, see ``check_settings`` there."""
    schedule: Literal["sync", "async", "hybrid", "compass"] = "hybrid"
    barriers: int = Field(default=6, ge=1)
    """The federation ends after this many barriers at the latest."""
    stop_threshold: float = Field(default=0.0, ge=0)
    """End when the mean loss fell by less than this between two barriers; 0 never ends early."""
    deadline: float = Field(default=3600.0, gt=0)
    """Seconds that a barrier waits for the slowest site."""
    engine: Literal["local", "nvflare"] = "local"
    """Sites in this process, or real ones (docs/how-to/real-sites.md)."""
    staleness: Literal["constant", "polynomial", "hinge"] = "polynomial"
    """How the weight of an update falls with the age of the model it started from (FedAsync, section 5.2)."""
    staleness_exponent: float = Field(default=0.5, ge=0)
    """How fast it falls; 0.5 with polynomial is FedBuff's 1/sqrt(1 + staleness)."""
    buffer: int = Field(default=1, ge=1)
    """Updates collected before an asynchronous step (FedBuff); 1 steps on each arrival."""
    compass_epochs: tuple[int, int] = (1, 5)
    """The fewest and the most epochs that the schedule "compass" gives a site after its first training."""
    norm_factor: float = Field(default=10.0, gt=1)
    """An update longer than this many times the others' median is refused."""
    sample_factor: float = Field(default=10.0, ge=1)
    """A site's frames count as at most this many times the sites' median."""
    patience: int = Field(default=3, ge=1)
    """Failures in a row after which a site is left out until it joins again."""
    arrival_rate: float = Field(default=1.0, gt=0)
    """Length of an asynchronous step: 1 takes all of an average site's undamped update."""
    mixing: float = Field(default=0.6, gt=0, le=1)
    """FedAsync's share of a site's model in the mixture on its arrival."""
    disco_slope: float = Field(default=0.5, ge=0)
    """FedDisco's a: how much a site loses for an unbalanced label distribution."""
    disco_offset: float = Field(default=0.1, ge=0)
    """FedDisco's b: added to every site's weight."""
    calibration_tau: float = Field(default=1.0, gt=0)
    """Strength with which fedlc and fedavg_prior shift a site's logits by its label frequencies."""
    feddyn_alpha: float = Field(default=0.01, gt=0)
    """FedDyn's alpha: how strongly a site is pulled to the global model, and corrected for its own gradient."""
    fedawa_steps: int = Field(default=10, ge=1)
    """Steps in which FedAWA changes FedAvg's weights at a barrier."""
    fedawa_rate: float = Field(default=0.01, gt=0)
    """Length of one of these steps, in the logarithm of a weight."""
    hostile_share: float = Field(default=0.2, ge=0, lt=0.5)
    """Share of hostile sites that trimmed_mean and krum tolerate."""
    boost_rate: float = Field(default=1.0, gt=0)
    """Step of FedBoost's mirror descent on the mixture of predictors."""
    selection: Literal["all", "uniform", "size", "balance", "fedkl"] = "all"
    """How likely each site is drawn for a barrier; weights are corrected so that the expected step is unchanged."""
    cohort: int = Field(default=0, ge=0)
    """Sites drawn for each barrier; 0 takes all."""
    clip: float = Field(default=0.0, ge=0)
    """Longest update that leaves a site; longer ones are shortened to it. 0 switches it off."""
    local_batchnorm: bool = False
    """Keep BatchNorm's tensors at each site (FedBN)."""
    compression: Literal["full", "half", "quantised"] = "full"
    """How an update's numbers are encoded: unchanged, in half precision, or in FedPAQ's few bits."""
    compression_bits: Literal[2, 4, 8] = 8
    """Bits a number when quantised."""
    workers: int = Field(default=0, ge=0)
    """Trainings at a time in the local engine; 0 takes one for each core."""

    @model_validator(mode="after")
    def _epochs_are_in_order(self) -> FederationSettings:
        fewest, most = self.compass_epochs
        if not 1 <= fewest <= most:
            raise ValueError("compass_epochs is the fewest and the most epochs, such as [1, 5]")
        return self
