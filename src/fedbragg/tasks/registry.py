"""All tasks: those in the package, and those that other installed packages add.

Another package adds a task by an entry point. Every process of a federation then finds it, and a site runs only code
that is installed there::

    [project.entry-points."fedbragg.tasks"]
    mytask = "mypackage.mytask"
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from fedbragg.config import Federation
from fedbragg.errors import ConfigError, ModelFileError
from fedbragg.models.onnx_file import task_in
from fedbragg.tasks.base import Predictor, Task, TaskModule
from fedbragg.tasks.checklist import Checklist, ChecklistModule

TASKS = {
    "hits": "fedbragg.tasks.hits",
    "phases": "fedbragg.tasks.phases",
    "tags": "fedbragg.tasks.tags",
    "segments": "fedbragg.tasks.segments",
}
"""The packaged tasks, by their name in the settings."""
DEFAULT = "hits"
GROUP = "fedbragg.tasks"


def known_tasks() -> dict[str, str]:
    """Return the module of every task by its name; a packaged one cannot be replaced."""
    return {point.name: point.value for point in entry_points(group=GROUP)} | TASKS


def task_module(name: str) -> TaskModule:
    """Import the package of a task; raise ConfigError, which lists the known names, for an unknown one."""
    known = known_tasks()
    if name not in known:
        raise ConfigError(f"task {name!r} is unknown. Known tasks: {', '.join(sorted(known))}.")
    return cast(TaskModule, import_module(known[name]))


def open_task(settings: Federation, folder: Path | None) -> Task[Any]:
    """Return the task of a federation's settings; raise ConfigError if its section is wrong."""
    return task_module(settings.task).open_task(settings, folder)


def load_model(path: str | Path | None = None) -> Predictor:
    """Open a model file of any task, by default the packaged hit finder; raise ModelFileError for any other file."""
    file = Path(path) if path is not None else default_model()
    return module_of_model(file).open_model(file)


def module_of_model(path: Path) -> TaskModule:
    """Return the package of the task that a model file is for."""
    name = task_in(path)
    try:
        return task_module(name)
    except ConfigError as error:
        raise ModelFileError(f"{path}: {error}") from None


def open_checklist(
    task: str, paths: Sequence[str], model: Path | None, table: Path
) -> tuple[Checklist, Path]:
    """Open a task's examples to be labelled by ticking answers, and return the model file too; raise FedbraggError.

    ``table`` is that of the answers. Raises ConfigError for a task whose examples have no such answers.
    """
    module = task_module(task)
    if not isinstance(module, ChecklistModule):
        raise ConfigError(
            f"--task {task}: its examples are not labelled by ticking. Leave --task out to label frames."
        )
    file = module.default_model() if model is None else model
    return module.open_checklist(paths, file, table), file


def default_model(task: str = DEFAULT) -> Path:
    """Return the packaged model of a task."""
    return task_module(task).default_model()
