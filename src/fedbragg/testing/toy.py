"""A task of about 40 lines: on which side of a line does a point lie? Logistic regression, numpy alone.

It shows all that a task needs, and tests run it through every engine, workflow and report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fedbragg.config import Federation, Section, SiteSettings, read_section
from fedbragg.errors import LabelError, ModelFileError
from fedbragg.learn.settings import FitSettings
from fedbragg.metrics.classification import summary
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import open_session, read_card, read_state, write_with_card
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.types import State

GRAPH = """<ir_version: 8, opset_import: ["": 17]> toy (float[n, 2] x) => (float[n, 1] p)
<float[2, 1] w = {%r, %r}, float[1] b = {%r}> { z = MatMul(x, w)  s = Add(z, b)  p = Sigmoid(s) }"""


class ToySettings(Section):
    """The section ``[toy]`` of a settings file."""

    scale: float = Field(default=0.1, gt=0)
    """Spread of the start model's weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Labelled points."""

    x: NDArray[np.float64]  # (points, 2)
    above: NDArray[np.float64]  # (points,) 1 or 0

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.x)

    def __getitem__(self, part: slice, /) -> Points:
        """Return neighbouring points."""
        return Points(self.x[part], self.above[part])

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return how many points lie below and how many above."""
        return ((int((self.above == 0).sum()), int((self.above == 1).sum())),)

    @property
    def truth(self) -> NDArray[np.float64]:
        """Return which points lie above."""
        return self.above


@dataclass(frozen=True, slots=True)
class ToyTask:
    """The side of a line on which points lie; a site's labels are a CSV ``x,y,above``, its runs are not read."""

    settings: ToySettings
    name: ClassVar[str] = "toy"
    unit: ClassVar[str] = "point"
    fewest: ClassVar[int] = 10
    headlines: ClassVar[tuple[str, ...]] = ("accuracy", "AUC")
    next_command: ClassVar[str] = "fedbragg evaluate - --labels POINTS.csv --model {model}"
    questions: ClassVar[Mapping[str, tuple[str, ...]]] = {"above": ("below", "above")}

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the section ``[toy]``."""
        return self.settings.model_dump()

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> Points:
        """Read the table."""
        return read_points(folder / site.labels)

    def concatenate(self, parts: Sequence[Points]) -> Points:
        """Pool several sites' points."""
        return Points(np.concatenate([p.x for p in parts]), np.concatenate([p.above for p in parts]))

    def start_model(self, seed: int, progress: Progress) -> State:
        """Draw small weights."""
        return {"w": np.random.default_rng(seed).normal(0, self.settings.scale, 3)}

    def train(
        self, state: State, data: Points, fit: FitSettings, seed: int, step: Step | None = None
    ) -> tuple[State, float]:
        """Follow the gradient of cross-entropy and FedProx's term; nothing in it is random."""
        weights = start = state["w"]
        for _ in range(fit.epochs):
            gradient = _columns(data.x).T @ (_probability(weights, data.x) - data.above) / len(data)
            gradient += fit.proximal_mu * (weights - start)
            weights = weights - 50 * fit.learning_rate * gradient
            if step is not None:
                step()
        chance = np.clip(_probability(weights, data.x), 1e-9, 1 - 1e-9)
        return {"w": weights}, float(-np.log(np.where(data.above == 1, chance, 1 - chance)).mean())

    def answers(self, state: State, data: Points) -> NDArray[np.float64]:
        """Return the chance of lying above (points,)."""
        return _probability(state["w"], data.x)

    def metrics(self, truth: NDArray[np.float64], answers: NDArray[np.float64]) -> Mapping[str, Estimate]:
        """Return every metric."""
        return summary(truth == 1, answers, 0.5)

    def export(self, state: State, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the model file."""
        import onnx.parser

        card = json.dumps({"task": self.name, "provenance": dict(provenance)})
        model = onnx.parser.parse_model(GRAPH % tuple(map(float, state["w"])))
        write_with_card(path, model, card, state)


@dataclass(frozen=True, slots=True)
class ToyCard:
    """The card in a toy's model file."""

    task: str
    provenance: Mapping[str, Any]


class ToyPredictor:
    """A toy's model file, opened."""

    def __init__(self, path: Path) -> None:
        """Open a model file; raise ModelFileError for any other file."""
        self._session = open_session(path, 1, "Train one.")
        self.card = read_card(path, self._session, lambda text: ToyCard(**json.loads(text)), "Train one.")

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of lying above (points,) of points (points, 2)."""
        (chance,) = self._session.run(None, {"x": points.astype(np.float32)})
        return np.asarray(chance[:, 0], np.float64)

    def evaluate(self, labelled: LabelledFiles, progress: Progress = SILENT) -> Evaluation:
        """Compare with a table ``x,y,above``."""
        points = read_points(labelled.labels)
        return Evaluation(summary(points.above == 1, self(points.x), 0.5), (("points", str(len(points))),))


def open_task(settings: Federation, folder: Path | None) -> ToyTask:
    """Check the section ``[toy]`` and return the task."""
    return ToyTask(read_section(settings, ToySettings))


def task_of_model(path: Path) -> ToyTask:
    """Return the task that a model file was trained for."""
    read_state(path)
    return ToyTask(ToySettings())


def open_model(path: Path) -> ToyPredictor:
    """Open a model file."""
    return ToyPredictor(path)


def default_model() -> Path:
    """Refuse: the toy has no packaged model."""
    raise ModelFileError("there is no packaged toy model. Give one.")


def read_points(table: Path) -> Points:
    """Read a table ``x,y,above``; raise LabelError for any other file."""
    try:
        rows = np.loadtxt(table, delimiter=",", skiprows=1, ndmin=2)
    except (OSError, ValueError) as error:
        raise LabelError(f"{table}: cannot be read ({error}). Give a table x,y,above.") from None
    return Points(rows[:, :2], rows[:, 2])


def _columns(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([x, np.ones(len(x))])


def _probability(weights: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-_columns(x) @ weights)))
