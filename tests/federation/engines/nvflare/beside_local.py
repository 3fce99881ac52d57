"""A federation of real processes of any task, beside the same one in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from deployment import HERE, Deployment, as_toml
from test_hits import fedbragg, weights


@contextmanager
def deployed(
    folder: Path,
    settings: Mapping[str, Any],
    pattern: str,
    write: Callable[[Path, int], None],
    labels: str = "labels.csv",
) -> Iterator[Deployment]:
    """Deploy the task of the settings; ``write`` makes the files, by ``pattern``, and the labels of each site."""
    made = Deployment(folder, settings, (sys.executable, str(HERE / "recording_process.py")))
    for number, site in enumerate(_names(settings)):
        write(folder / site, number)
        (folder / f"{site}.toml").write_text(
            f'runs = ["{site}/{pattern}"]\nlabels = "{site}/{labels}"\n[limits]\ntasks = ["{settings["task"]}"]\n'
        )
    try:
        yield made
    finally:
        made.close()


def assert_same_as_local(
    deployment: Deployment,
    settings: Mapping[str, Any],
    pattern: str,
    rtol: float = 0.0,
    labels: str = "labels.csv",
) -> None:
    """Federate over FLARE and here, by the command line, and compare the models' weights."""
    folder, names = deployment.folder, _names(settings)
    deployment.start("server", *names)
    command = ("federate", "federation.toml", "--engine", "nvflare", "--kit", "kits/coordinator")
    done = fedbragg(folder, *command, "--out", "real")
    assert done.returncode == 0, done.stderr
    sites = [{"name": name, "runs": [f"{name}/{pattern}"], "labels": f"{name}/{labels}"} for name in names]
    (folder / "local.toml").write_text(as_toml({**settings, "sites": sites}))
    done = fedbragg(folder, "federate", "local.toml", "--out", "local")
    assert done.returncode == 0, done.stderr
    local, real = (weights(folder / name / "model.onnx") for name in ("local", "real"))
    assert local.keys() == real.keys()
    for name, tensor in local.items():
        np.testing.assert_allclose(real[name], tensor, rtol=rtol, atol=1e-5)


def _names(settings: Mapping[str, Any]) -> list[str]:
    return [site["name"] for site in settings["sites"]]
