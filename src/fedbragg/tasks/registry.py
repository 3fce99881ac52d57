"""Which tasks there are: those in the package, and those that an installed package adds.

Another package adds a task by an entry point, so that every process of a federation finds it, and only code that is
installed at a site runs there::

    [project.entry-points."fedbragg.tasks"]
    mytask = "mypackage.mytask"
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from fedbragg.config import Federation
from fedbragg.errors import ConfigError, ModelFileError
from fedbragg.models.onnx_file import task_in
from fedbragg.tasks.base import Predictor, Task, TaskModule

TASKS = {"hits": "fedbragg.tasks.hits", "phases": "fedbragg.tasks.phases", "tags": "fedbragg.tasks.tags"}
"""The packaged tasks, by the word in the settings."""
DEFAULT = "hits"
GROUP = "fedbragg.tasks"


def known_tasks() -> dict[str, str]:
    """Return the module of every task by its name; a packaged one cannot be replaced."""
    return {point.name: point.value for point in entry_points(group=GROUP)} | TASKS


def task_module(name: str) -> TaskModule:
    """Import the package of a task; raise ConfigError, listing the known ones, for an unknown name."""
    known = known_tasks()
    if name not in known:
        raise ConfigError(f"task {name!r} is unknown. Known tasks: {', '.join(sorted(known))}.")
    return cast(TaskModule, import_module(known[name]))


def open_task(settings: Federation, folder: Path | None) -> Task[Any]:
    """Return the task of a federation's settings; raise ConfigError where its section is wrong."""
    return task_module(settings.task).open_task(settings, folder)


def load_model(path: Path | None = None) -> Predictor:
    """Open a model file of any task, the packaged hit finder by default; raise ModelFileError where it is none."""
    path = path or default_model()
    return module_of_model(path).open_model(path)


def module_of_model(path: Path) -> TaskModule:
    """Return the package of the task that a model file is for."""
    name = task_in(path)
    try:
        return task_module(name)
    except ConfigError as error:
        raise ModelFileError(f"{path}: {error}") from None


def default_model(task: str = DEFAULT) -> Path:
    """Return the packaged model of a task."""
    return task_module(task).default_model()
