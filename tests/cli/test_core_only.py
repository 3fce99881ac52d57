"""Every command where only the core is installed: it works, or names the extra in one line before it works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import FEDBRAGG, SETTINGS
from PIL import Image

from fedbragg.images import write_labels, write_run
from fedbragg.types import Geometry, Label

BLOCKER = """\
import sys


class Missing:
    names = {"torch", "safetensors", "sklearn", "onnx", "onnxscript", "nvflare", "pyarrow", "pyFAI", "skimage", "monai",
             "cryptography", "dp_accounting",
             "scipy", "pycbf", "zmq", "cbor2", "p4p", "starlette", "uvicorn", "ray", "msgpack"}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Missing())
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory, tag_model: Path, segment_model: Path) -> Path:
    """A folder with a labelled run and a federation, and a site configuration that hides every extra's packages."""
    folder = tmp_path_factory.mktemp("core")
    (folder / "hidden").mkdir()
    (folder / "hidden" / "sitecustomize.py").write_text(BLOCKER)
    counts = np.random.default_rng(1).poisson(2, (12, 128, 128)).astype(np.uint16)
    write_run(folder / "run.h5", counts, geometry=Geometry())
    write_labels(folder / "labels.csv", (("run.h5", i, (Label.HIT, Label.MISS)[i % 2]) for i in range(12)))
    (folder / "federation.toml").write_text(SETTINGS)
    shutil.copy(tag_model, folder / "tags.onnx")
    shutil.copy(segment_model, folder / "segments.onnx")
    Image.fromarray(counts[0].astype(np.uint8)).save(folder / "surface.png")
    (folder / "tags.csv").write_text(
        "path,frame,ring\n" + "".join(f"run.h5,{i},{i % 2}\n" for i in range(12))
    )
    axis = np.arange(4.5, 25, 0.02)
    np.save(folder / "pattern.npy", np.stack([axis, np.random.default_rng(1).poisson(100.0, len(axis))]))
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder / "hidden"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [FEDBRAGG, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


LABELLED = ("run.h5", "--labels", "labels.csv")
TAGGED = ("run.h5", "--labels", "tags.csv")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("demo",), "train"),
        (("federate", "federation.toml"), "train"),
        (("bench", "federation.toml"), "train"),
        (("train", *LABELLED), "train"),
        (("tags", "train", *LABELLED), "train"),
        (("tags", "train", *TAGGED, "--from", "tags.onnx"), "train"),
        (("tags", "identify", "run.h5", "--model", "tags.onnx", "--table", "all.parquet"), "parquet"),
        (("tags", "heal", "run.h5:3", "--method", "smooth"), "heal"),
        (("segments", "measure", "surface.png", "--model", "segments.onnx"), "segments"),
        (("segments", "train", "--images", ".", "--masks", ".", "--from", "segments.onnx"), "train"),
        (("phases", "train", "--cif", "x.cif", "--wavelength", "1"), "train"),
        (("calibrate", *LABELLED), "calibrate"),
        (("screen", "run.h5", "--table", "all.parquet"), "parquet"),
        (("screen", "run.h5", "--ray", "auto"), "cluster"),
        (("watch", "tcp://127.0.0.1:31001"), "live"),
        (("watch", "run.h5", "--page", "0"), "page"),
        (("watch", "run.h5", "--pv", "X"), "live"),
        (("replay", "run.h5", "--to", "tcp://127.0.0.1:31001"), "live"),
        (("phases", "identify", "run.h5:0"), "phases"),
        (("provision", "federation.toml"), "federate"),
        (("serve", "kits/server"), "federate"),
        (("join", "kits/a", "--data", "a.toml"), "federate"),
        (("status", "--kit", "kits/coordinator"), "federate"),
        (("review", "run.h5"), "page"),
        (("federate", "federation.toml", "--engine", "nvflare", "--kit", "kits/c"), "federate"),
    ],
)
def test_a_command_that_needs_an_extra_names_it_and_writes_nothing(
    core: Path, arguments: tuple[str, ...], extra: str
) -> None:
    before = sorted(path for path in core.rglob("*") if path.is_file() and path.suffix != ".pyc")
    result = run(core, *arguments)
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert f"pip install 'fedbragg[{extra}]'" in result.stderr
    assert before == sorted(path for path in core.rglob("*") if path.is_file() and path.suffix != ".pyc")


@pytest.mark.parametrize(
    "arguments",
    [
        ("screen", "run.h5", "--out", "screened"),
        ("watch", "run.h5", "--out", "watched"),
        ("evaluate", *LABELLED),
        ("look", "run.h5:3", "--out", "look.jpg"),
        ("simulate", "pilatus2m", "--frames", "2", "--size", "128", "--out", "simulated"),
        ("phases", "identify", "pattern.npy", "--out", "phases"),
        ("tags", "identify", "run.h5", "--model", "tags.onnx", "--out", "tagged"),
        ("tags", "evaluate", *TAGGED, "--model", "tags.onnx"),
        ("tags", "heal", "run.h5:3", "--beam", "60,60", "--out", "healed"),
        ("segments", "label", "surface.png", "--model", "segments.onnx", "--out", "labels"),
    ],
)
def test_a_command_that_needs_no_extra_works(core: Path, arguments: tuple[str, ...]) -> None:
    result = run(core, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_packages_hidden_here_are_those_of_the_extras() -> None:
    """An extra that grows must be hidden here too."""
    from fedbragg.extras import EXTRAS

    packages = {package for needed in EXTRAS.values() for package in needed}
    namespace: dict[str, object] = {"sys": sys}
    exec(BLOCKER.replace("sys.meta_path.insert(0, Missing())", ""), namespace)
    assert packages <= namespace["Missing"].names  # type: ignore[attr-defined]
