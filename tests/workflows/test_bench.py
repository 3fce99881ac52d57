"""Arms compared over seeds: what each arm trains on, what is kept, what is refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from toys import toy_federation

from fedbragg.cli import main
from fedbragg.errors import ConfigError
from fedbragg.progress import SILENT
from fedbragg.workflows.bench import BenchRequest, bench
from fedbragg.workflows.bench_arms import LOCAL, POOLED, Arm, arms_of
from fedbragg.workflows.bench_worker import trained
from fedbragg.workflows.federate import federate, open_project, read_sites
from fedbragg.workflows.site_evaluator import SiteEvaluator


@pytest.mark.usefixtures("toy")
def test_the_command_compares_goes_on_and_keeps_what_is_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, out = toy_federation(tmp_path), tmp_path / "bench"
    some = ["bench", str(settings), "--out", str(out), "--seeds", "2", "--processes", "2", "--arms"]
    assert main([*some, "local-only,fedkl"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^arm +schedule +accuracy +AUC +over local-only", printed, re.M)
    assert re.search(r"^fedkl +sync +[01]\.\d{3} ± 0\.\d{3} ", printed, re.M)
    kept = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert sorted(kept) == [f"{arm}-seed-{seed}.json" for arm in ("fedkl", "local-only") for seed in (3, 4)]

    assert main([*some, "local-only,fedkl,fedavg:hybrid,pooled"]) == 0
    assert all((out / "results" / name).stat().st_mtime_ns == time for name, time in kept.items())
    record = json.loads((out / "bench.json").read_text())
    assert [(arm["arm"], arm["schedule"]) for arm in record["arms"]] == [
        ("local-only", "sync"),
        ("fedkl", "sync"),
        ("fedavg:hybrid", "hybrid"),
        ("pooled", "sync"),
    ]
    assert [arm["megabytes"] is None for arm in record["arms"]] == [True, False, False, True], (
        "who shares updates"
    )
    assert len(record["results"]) == 8
    assert len(record["arms"][1]["curve"]) == 4  # the start and three barriers
    table = (out / "table.md").read_text()
    assert table.startswith("| arm | schedule | accuracy |")
    assert re.search(r"^\| pooled .* – \|$", table, re.M)
    assert (out / "curves.svg").read_text().startswith("<svg")
    assert "held-out points" in (out / "report.html").read_text()


@pytest.mark.usefixtures("toy")
def test_an_arm_is_the_federation_that_federate_runs(tmp_path: Path) -> None:
    project = open_project(toy_federation(tmp_path))
    sites, start = read_sites(project), project.task.start_model(3, SILENT)
    arm = Arm("fedkl", "fedkl", "sync")
    found = trained(arm.project(project, 3), sites, arm, start)
    wanted = federate(project, tmp_path / "out")
    for site, metrics in wanted.metrics.items():
        assert found["metrics"][site]["AUC"][0] == metrics["AUC"].value
        assert found["curve"][-1][site] == metrics["accuracy"].value


@pytest.mark.usefixtures("toy")
def test_alone_and_pooled_train_on_what_they_say_and_are_tested_at_every_site(tmp_path: Path) -> None:
    project = open_project(toy_federation(tmp_path))
    sites, start = read_sites(project), project.task.start_model(3, SILENT)
    alone, pooled = (Arm(name, "fedavg", "sync") for name in (LOCAL, POOLED))
    groups = [
        [(len(s.train), s.name) for g in arm.groups(project, sites) for s in g.train]
        for arm in (alone, pooled)
    ]
    assert groups == [[(96, "a"), (96, "b"), (96, "c")], [(288, "pooled")]]
    found = trained(alone.project(project, 3), sites, alone, start)
    # Site a alone: the same epochs as in a federation of one.
    state, epochs = start, [20, 10, 10]
    for count in epochs:
        fit = project.settings.training
        state, loss = project.task.train(state, sites[0].train, _fit(count, fit.learning_rate), 0)
    own = SiteEvaluator(project.networks, sites[:1])(state)["a"]
    assert found["metrics"]["a"]["AUC"][0] == pytest.approx(own["AUC"].value)
    assert set(trained(pooled.project(project, 3), sites, pooled, start)["metrics"]) == {"a", "b", "c"}
    assert np.isfinite(loss)


def _fit(epochs: int, rate: float):  # type: ignore[no-untyped-def]
    from fedbragg.learn.settings import FitSettings

    return FitSettings(epochs, learning_rate=rate)


@pytest.mark.usefixtures("toy")
def test_a_training_that_does_not_count_is_a_problem_of_the_result(tmp_path: Path) -> None:
    project = open_project(toy_federation(tmp_path))
    sites, start = read_sites(project), project.task.start_model(3, SILENT)
    sites[0].train.x[0] = np.nan
    arm = Arm("fedavg", "fedavg", "sync")
    found = trained(arm.project(project, 3), sites, arm, start)
    assert found["problems"][0].startswith("a: rejected: it holds numbers that are not finite")
    assert np.isfinite(found["loss"])


@pytest.mark.usefixtures("toy")
def test_what_protects_updates_does_not_touch_a_site_alone(tmp_path: Path) -> None:
    path = toy_federation(tmp_path)
    path.write_text(
        path.read_text().replace("barriers = 3", "barriers = 3\nclip = 0.5\n[privacy]\nsecure = true")
    )
    project = open_project(path)
    kept, alone = (Arm(name, "fedavg", "sync").project(project, 3) for name in ("fedavg", LOCAL))
    assert (kept.settings.federation.clip, kept.settings.privacy.secure) == (0.5, True)
    assert (alone.settings.federation.clip, alone.settings.privacy.secure) == (0.0, False)


REFUSED = [
    ("fedmagic", "unknown arm 'fedmagic'. Known arms: fedavg, "),
    ("fedavg,fedavg", "--arms names fedavg twice"),
    (" , ", "--arms names nothing"),
    ("krum:async", r'arm krum:async: \[federation\]: krum does not work with schedule = "async"'),
    ("fedavg:daily", r"arm fedavg:daily: \[federation\]: fedavg does not work with schedule"),
    (
        "fedlc",
        r"arm fedlc: \[federation\]: fedlc changes the sites' training, which the task toy does not allow",
    ),
    ("fedboost:sync", "fedboost trains no network"),
    ("fedprox", "fedprox needs proximal_mu"),
]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(("arms", "reason"), REFUSED)
def test_arms_that_cannot_run_are_refused_in_one_line_before_any_training(
    tmp_path: Path, arms: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as refusal:
        arms_of(arms.split(","), open_project(toy_federation(tmp_path)))
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("toy")
def test_results_of_other_settings_are_refused(tmp_path: Path) -> None:
    request = BenchRequest(toy_federation(tmp_path), ("fedavg",), tmp_path / "bench", seeds=1)
    bench(request)
    toy_federation(tmp_path, barriers=2)
    with pytest.raises(
        ConfigError, match=r"fedavg-seed-3.json was made with other settings. Give another --out"
    ):
        bench(request)


@pytest.mark.usefixtures("toy")
def test_ctrl_c_ends_the_command_and_its_processes(tmp_path: Path) -> None:
    settings, out = toy_federation(tmp_path), tmp_path / "out"
    settings.write_text(settings.read_text().replace("warmup_epochs = 20", "warmup_epochs = 10_000_000"))
    command = [
        sys.executable,
        "-m",
        "fedbragg",
        "bench",
        str(settings),
        "--out",
        str(out),
        "--arms",
        "fedavg",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list((out / "starts").glob("seed-*.safetensors"))) == 5)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[1] == "fedbragg: interrupted.\n"
    assert process.returncode == 130
    assert len(children) == 2
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def wait_until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.usefixtures("toy")
def test_a_mistake_in_a_sites_data_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = toy_federation(tmp_path)
    (tmp_path / "b.csv").write_text("x,y,above\n0,1,1\n")
    assert (
        main(["bench", str(settings), "--out", str(tmp_path / "out"), "--arms", "fedavg", "--seeds", "1"])
        == 2
    )
    said = capsys.readouterr().err
    assert said == "fedbragg: site b: 1 labelled points; label at least 10.\n"
