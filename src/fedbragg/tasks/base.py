"""The interface between a task and everything else: federations, workflows and reports know only these protocols.

A task is a package with the four functions of TaskModule; docs/how-to/add-a-task.md shows one of about 40 lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import Federation, SiteSettings
from fedbragg.learn.settings import FitSettings, NoisedFacts, PrivateTerms
from fedbragg.metrics.estimate import Estimate
from fedbragg.progress import Progress, Step
from fedbragg.types import State

LabelCounts = tuple[tuple[int, ...], ...]
"""One histogram over the possible answers for each question that the labels answer."""


class Dataset(Protocol):
    """Labelled examples of one site, in the order in which they were taken."""

    def __len__(self) -> int:
        """Return the number of examples."""
        ...

    def __getitem__(self, part: slice, /) -> Self:
        """Return neighbouring examples."""
        ...

    @property
    def label_counts(self) -> LabelCounts:
        """Return one histogram for each of the task's questions, in the order of Task.questions."""
        ...

    @property
    def truth(self) -> NDArray[Any]:
        """Return the labels, one row an example."""
        ...


D = TypeVar("D", bound=Dataset)
Taken = TypeVar("Taken", bound=Dataset, contravariant=True)


class Task(Protocol[D]):
    """The reading, training, evaluation and export of one kind of model."""

    @property
    def name(self) -> str:
        """Return the word in federation.toml and in the model card."""
        ...

    @property
    def unit(self) -> str:
        """Return the word for one example: "frame", "pattern"."""
        ...

    @property
    def fewest(self) -> int:
        """Return the fewest labelled examples with which a site can train and evaluate."""
        ...

    @property
    def headlines(self) -> tuple[str, ...]:
        """Return the most important metrics, keys of ``metrics``; curves and comparisons show the first."""
        ...

    @property
    def questions(self) -> Mapping[str, tuple[str, ...]]:
        """Return each question that the labels answer, with its possible answers as label_counts orders them."""
        ...

    @property
    def next_command(self) -> str:
        """Return a command line to go on with after training, with ``{model}`` for the model file."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the task's section of the settings with its defaults, without local paths."""
        ...

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> D:
        """Read a site's labelled examples, with relative paths from ``folder``; raise InputError if it fails."""
        ...

    def concatenate(self, parts: Sequence[D]) -> D:
        """Pool several sites' examples, to compare a federation with training on all data."""
        ...

    def start_model(self, seed: int, progress: Progress) -> State:
        """Train the model that every site starts from, on public data only."""
        ...

    def train(
        self, state: State, data: D, fit: FitSettings, seed: int, step: Step | None = None
    ) -> tuple[State, float]:
        """Return the state after training, and the last epoch's mean loss; equal seeds give equal numbers.

        ``step`` counts the epochs.
        """
        ...

    def answers(self, state: State, data: D) -> NDArray[Any]:
        """Return a model's answers, one row an example."""
        ...

    def metrics(self, truth: NDArray[Any], answers: NDArray[Any]) -> Mapping[str, Estimate]:
        """Return every metric of answers, one row an example, against the labels."""
        ...

    def export(self, state: State, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the model file; raise ModelFileError where it cannot be written."""
        ...


@runtime_checkable
class StyledTask(Protocol[Taken]):
    """Further methods of a task whose sites can share the style of their pictures."""

    def style(self, data: Taken, kind: str) -> State:
        """Return the style of a site's pictures, as it travels; ``kind`` is that of [style]."""
        ...

    def train_in_styles(
        self, state: State, data: Taken, fit: FitSettings, seed: int, styles: Sequence[State]
    ) -> tuple[State, float]:
        """Train as ``Task.train`` does, on pictures in their own style and in those of other sites."""
        ...


@runtime_checkable
class LocalTermsTask(Protocol[Taken]):
    """Further methods of a task whose training takes all of FitSettings, for rules that act at the sites."""

    def gradient(self, state: State, data: Taken, fit: FitSettings, seed: int) -> State:
        """Return the gradient of the loss that ``train`` lowers, at ``state`` and over all examples, by parameter."""
        ...

    def steps(self, data: Taken, fit: FitSettings) -> int:
        """Return how many steps the optimiser makes in one training."""
        ...


@runtime_checkable
class PackagedTask(Protocol):
    """Further properties of a task with a packaged model: how fast training from it goes, and how far."""

    @property
    def learning_rate(self) -> float:
        """Return Adam's learning rate at a site where the settings name none."""
        ...

    @property
    def prior_examples(self) -> int:
        """Return how many labelled examples the start model counts for (tasks/adapt.py)."""
        ...


@runtime_checkable
class PrivateTask(Protocol[Taken]):
    """Further methods of a task that can be trained with differential privacy, [privacy] epsilon."""

    def train_privately(
        self, state: State, data: Taken, fit: FitSettings, terms: PrivateTerms, generator: np.random.Generator
    ) -> tuple[State, NoisedFacts]:
        """Return the state after training, and the loss and label counts, all from noisy sums over runs or crystals."""
        ...


def evaluate(task: Task[D], state: State, data: D) -> Mapping[str, Estimate]:
    """Return every metric of a model on labelled examples."""
    return task.metrics(data.truth, task.answers(state, data))


def headline_score(task: Task[D], data: D, state: State) -> float:
    """Return the first metric of a model on labelled examples; more is better."""
    return evaluate(task, state, data)[task.headlines[0]].value


class Card(Protocol):
    """The description inside a model file."""

    @property
    def task(self) -> str:
        """Return the task's name."""
        ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model file's metrics on labelled examples."""

    metrics: Mapping[str, Estimate]
    facts: tuple[tuple[str, str], ...] = ()  # name and value: the counts behind the metrics


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """Labelled files as a user names them, and how to compare a model with their labels."""

    paths: tuple[str, ...]  # files, globs or folders
    labels: Path
    threshold: float | None = None  # scores from here on count as yes; None takes the model's
    threads: int = 1


class Predictor(Protocol):
    """An opened model file: needs only ONNX Runtime, and may be called from several threads."""

    @property
    def card(self) -> Card:
        """Return the description inside the file."""
        ...

    def __call__(self, item: Any, /) -> Any:
        """Return the model's answer for one item: a Frame gives a Verdict, a Pattern its phases."""
        ...

    def evaluate(self, labelled: LabelledFiles, progress: Progress) -> Evaluation:
        """Compare the model's answers with labels; raise LabelError where no file has one."""
        ...


class TaskModule(Protocol):
    """The functions in the package of a task."""

    def open_task(self, settings: Federation, folder: Path | None) -> Task[Any]:
        """Check the task's section of the settings and return the task; raise ConfigError, which names the key.

        Relative paths in the settings start at ``folder``. It is None where the settings came from another machine,
        whose paths do not apply here.
        """
        ...

    def task_of_model(self, path: Path) -> Task[Any]:
        """Return the task that a model file was trained for."""
        ...

    def open_model(self, path: Path) -> Predictor:
        """Open a model file; raise ModelFileError if it is not one of this task."""
        ...

    def default_model(self) -> Path:
        """Return the packaged model file; raise ModelFileError if there is none."""
        ...
