"""Hit finding with real processes, by the command line: the model, and what leaves a site."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from deployment import FEDBRAGG, HERE, Deployment, as_toml, check_announced
from waiting import wait_for

from fedbragg.models.onnx_file import read_state
from fedbragg.tasks.hits import open_model
from fedbragg.types import Update
from fedbragg.workflows.site_evaluator import same

pytestmark = pytest.mark.slow
CANARY = "canary-7f3a"
SETTINGS: dict[str, Any] = {
    "hits": {"public_frames": 12, "public_epochs": 6},
    "training": {"warmup_epochs": 2, "epochs": 1},
    "federation": {"schedule": "sync", "barriers": 2, "deadline": 120.0},
    "server": {"heartbeat": 0.5, "server_timeout": 60.0, "observers": ["guest"]},
    "sites": [{"name": "counter"}, {"name": "old-ccd"}],
}
BEAMLINES = {"counter": ("pilatus6m", "3"), "old-ccd": ("ccd", "4")}
HEAD = re.compile(rb'\{"protocol": 2, "fields": \{"request": "[^"]+", "site".*?"quantised": \{\}\}\}')
"""The head of an update's message; a safetensors document follows it."""


@dataclass(frozen=True)
class Finished:
    """A federation of two sites that has ended; its command was killed once on the way."""

    deployment: Deployment
    output: str  # of the command that saw the end

    def fedbragg(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return fedbragg(self.deployment.folder, *arguments)


def fedbragg(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(FEDBRAGG), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


def canary_frames() -> np.ndarray:
    """Return frames of noise, which no simulator writes: no eight neighbouring pixels of them occur by chance."""
    return np.random.default_rng(99).integers(0, 60_000, size=(2, 64, 256), dtype=np.uint16)


def write_site(folder: Path, site: str) -> Path:
    """Simulate a site's frames into a folder whose name is searched for, canary frames among them."""
    beamline, seed = BEAMLINES[site]
    data = folder / f"{CANARY}-{site}"
    made = fedbragg(
        folder, "simulate", beamline, "--frames", "24", "--size", "256", "--seed", seed, "--out", data
    )
    assert made.returncode == 0, made.stderr
    np.save(data / f"{CANARY}.npy", canary_frames())
    with (data / "labels.csv").open("a") as table:
        table.writelines(f"{CANARY}.npy,{index},miss\n" for index in range(2))
    return data


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("hits")
    deployment = Deployment(folder, SETTINGS, (sys.executable, str(HERE / "recording_process.py")))
    for site in BEAMLINES:
        data = write_site(folder, site)
        (folder / f"{site}.toml").write_text(f'runs = ["{data}"]\nlabels = "{data}/labels.csv"\n')
    try:
        deployment.start("server", *BEAMLINES)
        command = ("federate", "federation.toml", "--engine", "nvflare", "--kit", "kits/coordinator")
        with subprocess.Popen(
            [FEDBRAGG, *command, "--out", "killed"], cwd=folder, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            lines = process.stdout
            wait_for(lambda: "joined" in lines.readline(), "the first site", 100)
            process.kill()
        done = fedbragg(folder, *command, "--out", "real", "--resume")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        models = [deployment.kit(site) / "site" / "models" for site in BEAMLINES]
        wait_for(lambda: all(any(path.glob("*.onnx")) for path in models), "the model at every site", 100)
        yield Finished(deployment, done.stdout)
    finally:
        deployment.close()


def weights(path: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(path).graph
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}


def test_the_model_is_the_local_engines(finished: Finished) -> None:
    folder = finished.deployment.folder
    sites = [
        {"name": site, "runs": [f"{CANARY}-{site}"], "labels": f"{CANARY}-{site}/labels.csv"}
        for site in BEAMLINES
    ]
    (folder / "local.toml").write_text(as_toml({**SETTINGS, "sites": sites}))
    done = finished.fedbragg("federate", "local.toml", "--out", "local")
    assert done.returncode == 0, done.stderr
    local = weights(folder / "local" / "model.onnx")
    real = weights(folder / "real" / "model.onnx")
    assert local.keys() == real.keys()
    for name, tensor in local.items():
        np.testing.assert_allclose(real[name], tensor, rtol=0, atol=1e-5)


def test_every_site_gets_the_model_and_prints_how_good_it_is_there(finished: Finished) -> None:
    real = weights(finished.deployment.folder / "real" / "model.onnx")
    for site in BEAMLINES:
        (path,) = (finished.deployment.kit(site) / "site" / "models").glob("*.onnx")
        assert all(np.array_equal(tensor, real[name]) for name, tensor in weights(path).items())
        wait_for(
            lambda site=site: "balanced accuracy" in finished.deployment.output(site), "the site's metric"
        )


def test_only_the_named_fields_leave_a_site(finished: Finished) -> None:
    tensors = {"tensors", "style", "gradient"}
    asked_by_other_rules = {"steps"}
    named = {field.name for field in fields(Update)} - tensors - asked_by_other_rules | {
        "request",
        "quantised",
    }
    for site in BEAMLINES:
        record = (finished.deployment.folder / f"{site}.record").read_bytes()
        heads = list(HEAD.finditer(record))
        assert len(heads) == 2  # one update for each barrier
        for head in heads:
            sent = json.loads(head[0])["fields"]
            assert set(sent) == named
            assert sent["site"] == site
        sizes = sum(tensor_bytes(record[head.end() :]) for head in heads)
        check_announced(finished.deployment, site, 2)
        # The rest is certificates, once, and FLARE's headers around each poll: too little for an image.
        assert len(record) - sizes < 50_000 + 4_000 * record.count(b'"client"')


def tensor_bytes(document: bytes) -> int:
    """Return the bytes of the tensors in a safetensors document: the head's length, the head, the numbers."""
    end = 8 + int.from_bytes(document[:8], "little")
    return max(entry["data_offsets"][1] for entry in json.loads(document[8:end]).values())


def holds_canary(path: Path) -> bool:
    """Return whether a file holds the canary's name, or eight neighbouring pixels of it in any likely type."""
    rows = canary_frames().reshape(-1, 256)[:, :8]
    types = (np.uint16, np.int32, np.float32)
    content = path.read_bytes()
    return CANARY.encode() in content or any(
        row.astype(kind).tobytes() in content for row in rows for kind in types
    )


def test_no_pixel_and_no_path_leaves_a_site(finished: Finished) -> None:
    folder = finished.deployment.folder
    server = [path for path in finished.deployment.kit("server").rglob("*") if path.is_file()]
    assert any(path.name == "checkpoint.json" for path in server)
    for path in [*(folder / f"{site}.record" for site in BEAMLINES), folder / "server.record", *server]:
        assert not holds_canary(path), path


def test_the_same_search_finds_the_canary_where_it_is(finished: Finished) -> None:
    folder = finished.deployment.folder
    assert holds_canary(folder / f"{CANARY}-counter" / "labels.csv")
    assert holds_canary(folder / f"{CANARY}-counter" / f"{CANARY}.npy")


def test_the_command_prints_each_barrier_and_the_end(finished: Finished) -> None:
    assert "barrier 2: loss " in finished.output
    assert "ended    all 2 barriers passed" in finished.output
    history = json.loads((finished.deployment.folder / "real" / "history.json").read_text())
    assert [line["bytes"] for line in history["history"] if line["event"] == "update"]


def test_an_observer_sees_the_table_and_cannot_start(finished: Finished) -> None:
    seen = finished.fedbragg("status", "--kit", "kits/guest")
    assert seen.returncode == 0, seen.stderr
    assert "finished, barrier 2 of 2" in seen.stdout
    assert all(site in seen.stdout for site in BEAMLINES)
    tried = finished.fedbragg("federate", "federation.toml", "--engine", "nvflare", "--kit", "kits/guest")
    assert tried.returncode == 2
    assert "guest@fedbragg.local may not do this" in tried.stderr


def test_a_kit_for_something_else_is_refused_in_one_line(finished: Finished) -> None:
    wrong = finished.fedbragg("join", "kits/server", "--data", "counter.toml")
    assert wrong.returncode == 2
    assert "this kit is for the server; the command needs that of a site" in wrong.stderr


NETWORKS = {"counter": "spotnet", "old-ccd": "spotnet-small"}
TAUGHT = {"distillation_frames": 12, "distillation_epochs": 2}


def networks_settings(site_data: bool) -> dict[str, Any]:
    sites = [{"name": site, "network": network} for site, network in NETWORKS.items()]
    for site in sites if site_data else ():
        folder = f"{CANARY}-{site['name']}"
        site |= {"runs": [folder], "labels": f"{folder}/labels.csv"}
    return {**SETTINGS, "hits": {**SETTINGS["hits"], **TAUGHT}, "sites": sites}


def test_sites_with_different_networks_end_with_the_local_engines_models(finished: Finished) -> None:
    """It comes late in this file: it adds a second federation to what has left the sites."""
    deployment = finished.deployment
    address = {"server": {**SETTINGS["server"], "address": f"localhost:{deployment.port}"}}
    (deployment.folder / "networks.toml").write_text(as_toml({**networks_settings(False), **address}))
    (deployment.folder / "networks-local.toml").write_text(as_toml(networks_settings(True)))
    command = ("federate", "networks.toml", "--engine", "nvflare", "--kit", "kits/coordinator")
    real = finished.fedbragg(*command, "--out", "networks")
    assert real.returncode == 0, real.stderr + deployment.output("server")
    local = finished.fedbragg("federate", "networks-local.toml", "--out", "networks-local")
    assert local.returncode == 0, local.stderr
    files = {"spotnet": "model.onnx", "spotnet-small": "model-spotnet-small.onnx"}
    for where, said in (("networks", real.stdout), ("networks-local", local.stdout)):
        history = json.loads((deployment.folder / where / "history.json").read_text())
        assert (history["networks"], history["models"]) == (NETWORKS, files)
        assert "network  spotnet: model.onnx, the default" in said
    for site, network in NETWORKS.items():
        here, there = (
            read_state(deployment.folder / where / files[network]) for where in ("networks-local", "networks")
        )
        assert open_model(deployment.folder / "networks" / files[network]).card.network == network
        models = deployment.kit(site) / "site" / "models"
        wait_for(
            lambda folder=models, wanted=there: any(
                same(read_state(p), wanted) for p in folder.glob("*.onnx")
            ),
            "the model file of the site's own network",
        )
        for name, tensor in here.items():
            np.testing.assert_allclose(there[name], tensor, rtol=0, atol=1e-5)


def test_sites_train_with_noise_and_stop_before_their_limit(finished: Finished) -> None:
    """Over the network as in one process: the promise comes first, is kept, and a site's own limit ends its part.

    The last test of this file, for that limit stays.
    """
    pytest.importorskip("dp_accounting", reason="pip install 'fedbragg[private]'")
    deployment, folder = finished.deployment, finished.deployment.folder
    server = {**SETTINGS["server"], "address": f"localhost:{deployment.port}"}
    private = {"privacy": {"epsilon": 4.0, "sampling_rate": 0.5}, "hits": {"public_frames": 0}}
    (folder / "private.toml").write_text(as_toml({**SETTINGS, **private, "server": server}))
    command = ("federate", "private.toml", "--engine", "nvflare", "--kit", "kits/coordinator")
    done = finished.fedbragg(*command, "--out", "private")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("privacy  at most epsilon 4 at delta 1e-05 for each run or crystal")
    history = json.loads((folder / "private" / "history.json").read_text())["history"]
    spent = [line["epsilon"] for line in history if line["event"] == "barrier"]
    assert 0 < spent[0] < spent[1] <= 4.0
    # A training of 20 of 26 frames in 2 files is counted by noisy estimates, which differ from round to round, unless
    # the noise has taken all of them to 1 or below, which counts as 1.
    counted = {line["samples"] for line in history if line["event"] == "update"}
    assert len(counted) > 1 or counted == {1}
    for site in BEAMLINES:
        entries = json.loads((deployment.kit(site) / "site" / "epsilon.json").read_text())
        assert len(entries) == 2
        assert "at most epsilon 4 at delta 1e-05" in deployment.output(site)
    limited = folder / "counter.toml"
    limited.write_text(f"{limited.read_text()}[limits]\nepsilon = 4.0\n")
    deployment.kill("counter")
    deployment.start("counter")
    done = finished.fedbragg(*command, "--out", "again")
    assert done.returncode == 0, done.stderr
    history = json.loads((folder / "again" / "history.json").read_text())["history"]
    failed = [line for line in history if line["event"] == "failed"]
    assert {line["site"] for line in failed} == {"counter"}
    assert "this site's own limit is 4" in failed[0]["reason"]
    assert [set(line["losses"]) for line in history if line["event"] == "barrier"] == [{"old-ccd"}] * 2
    assert len(json.loads((deployment.kit("counter") / "site" / "epsilon.json").read_text())) == 2
