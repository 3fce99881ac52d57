"""The program that trains arms of a comparison: orders come as lines of JSON, each result goes into a file.

The first line names the settings file; it reads all sites' data once. Each other line is a job. It ends when standard
input does, or with the process that started it.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from fedbragg.errors import FedbraggError, SettingsWarning
from fedbragg.federation import RecordingSettings
from fedbragg.federation import federate as run_engine
from fedbragg.federation.tensors import encode_tensors, read_tensors
from fedbragg.files import write_whole
from fedbragg.processes import die_with_parent
from fedbragg.progress import SILENT
from fedbragg.types import State
from fedbragg.workflows.bench_arms import Arm, Group, digest
from fedbragg.workflows.federate import Project, open_project, read_sites, trainer_of
from fedbragg.workflows.site_data import SiteData
from fedbragg.workflows.site_evaluator import SiteEvaluator

PROBLEMS = ("failed", "rejected", "left")
"""Events after which a site's training did not count."""
COMMAND = (sys.executable, "-m", "fedbragg.workflows.bench_worker")


def main() -> None:
    """Carry out orders until standard input ends."""
    die_with_parent()
    warnings.simplefilter("ignore", SettingsWarning)  # the parent has shown them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends this process
    lines = (json.loads(line) for line in sys.stdin)
    try:
        project = open_project(Path(next(lines)["settings"]), "local")
        sites: list[SiteData[Any]] | None = None
        for order in lines:
            if order["kind"] == "start":
                _make_start(project, order)
            else:
                sites = sites or read_sites(project)
                _train_arm(project, sites, order)
            _answer({"done": order["out"]})
    except FedbraggError as error:
        _answer({"error": str(error)})


def _make_start(project: Project, order: Mapping[str, Any]) -> None:
    state = project.task.start_model(order["seed"], SILENT)
    write_whole(Path(order["out"]), encode_tensors(state), durable=True)


def _train_arm(project: Project, sites: Sequence[SiteData[Any]], order: Mapping[str, Any]) -> None:
    arm, start = Arm(**order["arm"]), read_tensors(Path(order["start"]))
    own = arm.project(project, order["seed"])
    result = {
        **order["arm"],
        "seed": order["seed"],
        "digest": digest(arm, own),
        **trained(own, sites, arm, start),
    }
    write_whole(Path(order["out"]), json.dumps(result, indent=1), durable=True)


def trained(project: Project, sites: Sequence[SiteData[Any]], arm: Arm, start: State) -> dict[str, Any]:
    """Train an arm and return its result as JSON: metrics by site, curve, loss, problems, bytes, seconds."""
    began = time.perf_counter()
    runs = [_run(project, group, start) for group in arm.groups(project, sites)]
    curves = [run["curve"] for run in runs]
    barriers = min(len(curve) for curve in curves)
    return {
        "metrics": {site: metrics for run in runs for site, metrics in run["metrics"].items()},
        # At the start and after each barrier, the headline at each site.
        "curve": [{s: v for curve in curves for s, v in curve[k].items()} for k in range(barriers)],
        "loss": mean_of([run["loss"] for run in runs]),
        "problems": [problem for run in runs for problem in run["problems"]],
        # Where sites train alone no model leaves them; examples pooled in one place have left as examples.
        "bytes": None if arm.alone else sum(run["bytes"] for run in runs),
        "seconds": round(time.perf_counter() - began, 2),
    }


def _run(project: Project, group: Group, start: State) -> dict[str, Any]:
    evaluator = SiteEvaluator(project.networks, group.test)
    trainers = [trainer_of(project, site) for site in group.train]
    recording = RecordingSettings(evaluate=evaluator.headline)
    outcome = run_engine(project.settings, trainers, start, recording=recording)
    lines = [line for line in outcome.history if line["event"] in ("start", "barrier")]
    metrics = {
        site: {name: [_known(one.value), _known(one.low), _known(one.high)] for name, one in found.items()}
        for site, found in evaluator(outcome.model).items()
    }
    return {
        "metrics": metrics,
        "curve": [line.get("evaluation", {}) for line in lines],
        "loss": lines[-1].get("loss"),
        "problems": [
            f"{e['site']}: {e['event']}: {e['reason']}" for e in outcome.history if e["event"] in PROBLEMS
        ],
        "bytes": sum(line.get("bytes", 0) for line in outcome.history),
    }


def _known(value: float) -> float | None:
    """Return a number as JSON allows it: None for NaN."""
    return value if isfinite(value) else None


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of the known values."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _answer(content: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
