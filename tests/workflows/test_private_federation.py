"""A private federation from a settings file: its promise is shown before the start, and stands in history and card."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fedbragg.cli import main
from fedbragg.errors import ConfigError
from fedbragg.federation.engines.remote.worker_messages import Load
from fedbragg.images import write_run
from fedbragg.tasks.hits.learner import pretrain
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.types import Geometry
from fedbragg.workflows.federate import open_project
from fedbragg.workflows.site_worker import load_site

pytest.importorskip("dp_accounting", reason="pip install 'fedbragg[private]'")

SETTINGS = """\
[hits]
public_frames = 0
[training]
warmup_epochs = 2
epochs = 1
[federation]
schedule = "sync"
barriers = 2
[privacy]
epsilon = 4.0
sampling_rate = 0.5
"""
PROMISE = "at most epsilon 4 at delta 1e-05 for each run or crystal, after all 2 barriers"


def write_site(folder: Path, name: str, seed: int) -> str:
    """Write 20 frames of noise, every other with spots, and a table that names a crystal for each pair."""
    draw = np.random.default_rng(seed)
    counts = draw.poisson(2, (20, 64, 64)).astype(np.uint16)
    counts[1::2, 10:50:10, 10:50:10] += 100
    write_run(folder / f"{name}.h5", counts, geometry=Geometry())
    rows = [f"{name}.h5,{i},{'hit' if i % 2 else 'miss'},crystal {i // 2}" for i in range(20)]
    (folder / f"{name}.csv").write_text("\n".join(["path,frame,label,crystal", *rows]))
    return f'[[sites]]\nname = "{name}"\nruns = ["{name}.h5"]\nlabels = "{name}.csv"\n'


def test_the_promise_is_shown_first_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "federation.toml", tmp_path / "out"
    path.write_text(SETTINGS + write_site(tmp_path, "a", 1) + write_site(tmp_path, "b", 2))
    assert main(["federate", str(path), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"privacy  {PROMISE}")
    history = json.loads((out / "history.json").read_text())["history"]
    spent = [line["epsilon"] for line in history if line["event"] == "barrier"]
    assert 0 < spent[0] < spent[1] <= 4.0
    # No number that leaves a site is exact: 16 of 20 frames train, as 8 crystals.
    samples = {line["samples"] for line in history if line["event"] == "update"}
    assert len(samples) > 1
    assert Scorer(out / "model.onnx").card.provenance["privacy"].startswith(PROMISE)


def test_a_task_that_cannot_add_noise_is_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "federation.toml"
    site = '[[sites]]\nname = "a"\nruns = ["a"]\nlabels = "l"\n'
    path.write_text(f'task = "tags"\n[federation]\nschedule = "sync"\n[privacy]\nepsilon = 1.0\n{site}')
    with pytest.raises(ConfigError, match=r"\[privacy\]: the task tags cannot be trained with noise"):
        open_project(path)


def test_a_real_site_draws_noise_of_its_own_and_can_judge(tmp_path: Path) -> None:
    """Everybody knows the federation's seed, and the same noise on two models would cancel out."""
    write_site(tmp_path, "a", 1)
    table = {
        "hits": {"public_frames": 0},
        "training": {"warmup_epochs": 1, "epochs": 1},
        "federation": {"schedule": "sync", "barriers": 2},
        "privacy": {"epsilon": 4.0, "sampling_rate": 0.5},
    }
    site = load_site(Load(table, {"name": "a", "runs": ["a.h5"], "labels": "a.csv"}, str(tmp_path)))
    start = pretrain(None, 0, 3)
    one, other = (site.trainer.train(start, 0, 1).tensors["spot.0.weight"] for _ in range(2))
    assert not np.array_equal(one, other)
    assert 0.0 <= site.judge(start) <= 1.0
