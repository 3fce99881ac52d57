"""A task that the source does not mention runs through engines, workflows and reports."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import toy_federation, write_points

import fedbragg
from fedbragg.cli import main
from fedbragg.errors import ConfigError
from fedbragg.federation import ProgressEvent
from fedbragg.federation import federate as run_engine
from fedbragg.federation.engines.virtual import SimulatedNetwork
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import SILENT
from fedbragg.tasks.registry import TASKS, known_tasks, load_model
from fedbragg.testing.toy import Points, ToySettings, ToyTask
from fedbragg.types import State
from fedbragg.workflows.federate import (
    Watching,
    federate,
    open_project,
    read_sites,
    trainer_of,
)
from fedbragg.workflows.federation_report import sections

SOURCE = Path(fedbragg.__file__).parent
GENERIC_WORKFLOWS = (
    "apply",
    "federate",
    "federation_report",
    "site_data",
    "site_evaluator",
    "site_worker",
    "start_model",
    "train",
)


@pytest.mark.usefixtures("toy")
def test_it_federates_resumes_and_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, out = toy_federation(tmp_path), tmp_path / "out"
    assert main(["federate", str(settings), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^a +96 +\d\.\d{3} \[", printed, re.M)
    history = json.loads((out / "history.json").read_text())
    assert history["barriers"] == 3
    page = (out / "report.html").read_text()
    assert "points trained on" in page
    assert "Accuracy of the global model" in page
    once = read_state(out / "model.onnx")["w"]

    longer = toy_federation(tmp_path, barriers=3)
    assert main(["federate", str(longer), "--out", str(out), "--resume"]) == 0  # it has ended: the same model
    np.testing.assert_array_equal(read_state(out / "model.onnx")["w"], once)


@pytest.mark.usefixtures("toy")
def test_one_that_was_interrupted_resumes_to_the_same_model(tmp_path: Path) -> None:
    """Ctrl-C after the second of three barriers; the rest gives the model of a federation that ran through."""
    project = open_project(toy_federation(tmp_path))

    def interrupt(event: ProgressEvent) -> None:
        if event.event == "barrier" and event.barrier == 2:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        federate(project, out, watching=Watching(listener=interrupt))
    rest = federate(project, out, resume=True)
    through = federate(project, tmp_path / "through")
    np.testing.assert_array_equal(rest.outcome.model["w"], through.outcome.model["w"])


@pytest.mark.usefixtures("toy")
def test_a_model_is_adapted_to_own_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, start = open_project(toy_federation(tmp_path)), tmp_path / "start.onnx"
    project.task.export(project.task.start_model(3, SILENT), start, {})
    table, own = write_points(tmp_path / "own.csv", 8), tmp_path / "own.onnx"
    arguments = ("train", "-", "--labels", str(table), "--from", str(start), "--out", str(own))
    assert main([*arguments, "--epochs", "200"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^points +84 trained on, the last 36 held back$", printed, re.M)
    assert re.search(r"^change +accuracy \+0\.\d+ \[\+.*: better$", printed, re.M)
    assert re.search(
        rf"^next +fedbragg evaluate - --labels POINTS.csv --model {re.escape(str(own))}$", printed, re.M
    )
    assert load_model(own)(np.array([[0.0, 3.0]]))[0] > 0.5


@pytest.mark.usefixtures("toy")
def test_every_model_is_evaluated_once_at_every_site(tmp_path: Path) -> None:
    """Curve, table and report use the same numbers; the final model is that of the last barrier."""
    project = open_project(toy_federation(tmp_path))
    asked: list[bytes] = []

    class Counting(ToyTask):
        def evaluate(self, state: State, data: Points) -> Mapping[str, Estimate]:
            asked.append(state["w"].tobytes())
            return super().evaluate(state, data)

    counted = replace(project, task=Counting(ToySettings()))
    federated = federate(counted, tmp_path / "out")
    sections(federated)
    models = len(set(asked))
    assert models == 4  # the start, and three barriers
    assert len(asked) == 3 * models


@pytest.mark.usefixtures("toy")
def test_the_virtual_engine_takes_it(tmp_path: Path) -> None:
    project = open_project(toy_federation(tmp_path, schedule="hybrid"))
    trainers = [trainer_of(project, site) for site in read_sites(project)]
    start = project.task.start_model(3, SILENT)
    network = SimulatedNetwork({}, project.settings.federation, seed=1)
    outcome = run_engine(project.settings, trainers, start, network=network)
    assert outcome.barriers == 3


@pytest.mark.usefixtures("toy")
def test_its_model_is_opened_and_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, out = toy_federation(tmp_path), tmp_path / "out"
    assert main(["federate", str(settings), "--out", str(out)]) == 0
    predictor = load_model(out / "model.onnx")
    assert predictor.card.task == "toy"
    chance = predictor(np.array([[0.0, 3.0], [3.0, 0.0]]))
    assert chance[0] > 0.9 > 0.1 > chance[1]
    table = write_points(tmp_path / "test.csv", 9)
    capsys.readouterr()
    assert main(["evaluate", "-", "--labels", str(table), "--model", str(out / "model.onnx")]) == 0
    assert re.search(r"^points +120$", capsys.readouterr().out, re.M)


@pytest.mark.usefixtures("toy")
def test_its_section_is_checked_before_any_work(tmp_path: Path) -> None:
    settings = toy_federation(tmp_path)
    settings.write_text(settings.read_text().replace("scale = 0.2", "scale = -1"))
    with pytest.raises(ConfigError, match=r"federation.toml \[toy\]: scale: .*greater than 0"):
        open_project(settings)


def test_an_unknown_task_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"task 'toy' is unknown. Known tasks: hits, phases"):
        open_project(toy_federation(tmp_path))


@pytest.mark.usefixtures("toy")
def test_an_installed_package_adds_a_task_but_replaces_none() -> None:
    assert known_tasks() == {**TASKS, "toy": "fedbragg.testing.toy"}


def test_no_module_outside_tasks_compares_task_names() -> None:
    """No comparison with a task's name, and no import of a task's own types where any task must pass."""
    generic = ["federation", "config/", "report/federation.py", "report/page.py"]
    generic += [f"workflows/{name}.py" for name in GENERIC_WORKFLOWS]
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("tasks/"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                words = {c.value for c in [node.left, *node.comparators] if isinstance(c, ast.Constant)}
                assert not words & set(TASKS), f"{name}:{node.lineno} compares with a task's name"
            if any(name.startswith(part) for part in generic):
                assert not imported(node) & set(TASKS.values()), f"{name} imports a task"


def imported(node: ast.AST) -> set[str]:
    """The packages of tasks and their parents that a statement imports, without the modules inside them."""
    if isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    else:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return {".".join(name.split(".")[:3]) for name in names}
