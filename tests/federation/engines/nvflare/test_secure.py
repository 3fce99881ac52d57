"""Secure aggregation among five real sites, some of which are killed in the middle of a sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from deployment import Deployment, check_announced, ended
from softmax import skewed_problem
from typer.testing import CliRunner
from waiting import wait_for

from fedbragg.cli.main import app
from fedbragg.config import Federation, PrivacySettings
from fedbragg.types import State, Update

pytestmark = pytest.mark.slow
SITES, OTHERS = ("site0", "site1", "site2"), ("site3", "site4")
FIVE = (*SITES, *OTHERS)
SIX = (*FIVE, "site5")
VETO = 'runs = ["private.h5"]\nlabels = "private.csv"\n[limits]\nsecure = true\nlargest_fall = 0.2\n'
SIZES = (120, 60, 200, 90, 150, 80)


def started(three: Deployment, *names: str) -> None:
    """Start what does not run yet; the sites that other tests do not need may veto, and demand masks.

    All federations here begin on one model, of which sites would sign no second list of survivors.
    """
    for name in SIX:
        (three.kit(name) / "site" / "signed.jsonl").unlink(missing_ok=True)
    for name in names:
        (three.folder / f"{name}.toml").write_text(VETO)
        if name not in three.processes or three.processes[name].poll() is not None:
            three.start(name)


def secured(three: Deployment, sites: Sequence[str], **rules: Any) -> Federation:
    table = three.settings.model_dump(mode="json")
    rules = {"clip": 10.0, "patience": 1, "deadline": 25.0, **rules}
    return Federation.model_validate(
        {
            **table,
            "federation": {**table["federation"], **rules},
            "privacy": PrivacySettings(secure=True, most_samples=1000).model_dump(),
            "sites": [{"name": name} for name in sites],
        }
    )


def weights(updates: Sequence[Update]) -> np.ndarray:
    """Return FedKL's weights by its formula, without the federation's code."""
    share = np.array([update.label_counts[0] for update in updates], dtype=float)
    sizes = share.sum(axis=1)
    share /= sizes[:, None]
    mixed = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1) / np.log2(share.shape[1])
    return (sizes / sizes.sum() + mixed / mixed.sum()) / 2


def trained(names: Sequence[str], model: State, version: int) -> list[Update]:
    sites = skewed_problem(speeds=(1.0,) * 6, sizes=SIZES).sites
    return [site.train(model, version, 1 if version else 2) for site in sites if site.name in names]


def moved(model: State, updates: Sequence[Update]) -> dict[str, np.ndarray]:
    shares = weights(updates)
    return {
        name: start + sum(w * u.tensors[name] for w, u in zip(shares, updates, strict=True))
        for name, start in model.items()
    }


def expected(included: list[tuple[str, ...]]) -> dict[str, np.ndarray]:
    """Return the model after barriers with these sites."""
    model = dict(skewed_problem().initial)
    for version, names in enumerate(included):
        model = moved(model, trained(names, model, version))
    return model


def expected_of_groups(steps: int) -> dict[str, np.ndarray]:
    """Return the model of a barrier before which the sum of the fast sites has moved the model so often."""
    start = dict(skewed_problem().initial)
    before = newest = start
    for version in range(steps):
        before, fast = newest, trained(SITES, newest, version)
        newest = moved(before, fast)
    own = [replace(u, tensors={k: before[k] + u.tensors[k] - start[k] for k in start}) for u in fast]
    return moved(start, [*own, *trained(SIX[3:], start, 0)])


def test_sites_killed_in_a_sum_leave_the_right_model(three: Deployment) -> None:
    account = three.account()
    started(three, *OTHERS)

    def ends(barriers: int, **kills: str) -> tuple[str, list[tuple[str, ...]]]:
        for site, order in kills.items():
            (three.folder / f"{site}.kill").write_text(order)
        account.start(secured(three, FIVE, barriers=barriers), restart=True)
        status = ended(account, 60.0, pause=0.5)
        for site in kills:
            wait_for(lambda: three.processes[site].poll() is not None, f"the death of {site}", pause=0.5)  # noqa: B023
        included = [tuple(line["sites"]) for line in status["history"] if line["event"] == "barrier"]
        for name, tensor in expected(included).items():
            np.testing.assert_allclose(account.model()[name], tensor, atol=1e-5)
        assert not any(line.keys() & {"samples", "losses", "weights"} for line in status["history"])
        return status["ended"], included

    # One of five is killed after its vector has left, before it signs: its update is in the sum.
    assert ends(1, site4="Survivors 1") == ("all 1 barriers passed", [FIVE])
    started(three, "site4")
    # Nobody is killed; then two of five, before one sends its shares and the other its vector.
    assert ends(2, site3="Keys 2", site4="Shares 2") == ("all 2 barriers passed", [FIVE, SITES])
    check_announced(three, "site0", 2)  # masked vectors
    # What left a site that has gone on is what the server has got; a killed client may have sent less than it noted.
    record = str(three.kit("server") / "received.jsonl")
    done = CliRunner().invoke(
        app, ["audit", str(three.kit("site0")), "--server", record], standalone_mode=False
    )
    lines = [line for line in done.output.splitlines() if " messages, " not in line]
    assert any(line.startswith("answer: ") for line in done.output.splitlines())
    assert all("left the site, and the server's record lacks it" in line for line in lines), lines


def test_fast_sites_are_summed_while_slow_ones_train(three: Deployment) -> None:
    started(three, *SIX[3:])
    for name in SIX[3:]:
        (three.folder / f"{name}.pause").write_text("2.5")
    account = three.account()
    account.start(secured(three, SIX, schedule="hybrid", buffer=3, barriers=1), restart=True)
    status = ended(account, 60.0, pause=0.5)
    for name in SIX[3:]:
        (three.folder / f"{name}.pause").unlink()
    steps = [tuple(line["sites"]) for line in status["history"] if line["event"] == "step"]
    [barrier] = [line for line in status["history"] if line["event"] == "barrier"]
    assert steps == [SITES] * len(steps)
    assert steps
    assert tuple(barrier["sites"]) == SIX
    for name, tensor in expected_of_groups(len(steps)).items():
        np.testing.assert_allclose(account.model()[name], tensor, atol=1e-5)
    assert not any(line.keys() & {"samples", "losses", "weights"} for line in status["history"])


def test_sites_refuse_the_model_of_masked_sums_that_one_of_them_has_poisoned(three: Deployment) -> None:
    """A site sends the opposite of what it has learnt, many times over, from the third model on."""
    honest = SIX[3:]
    started(three, *honest)
    (three.folder / "site0.poison").write_text("-30.0")
    account = three.account()
    settings = secured(three, ("site0", *honest), aggregation="fedavg", clip=100.0, barriers=8, patience=2)
    account.start(settings, restart=True)
    status = ended(account, 60.0, pause=0.5)
    (three.folder / "site0.poison").unlink()
    events = [line["event"] for line in status["history"]]
    assert events.count("withdrawn") == 2
    vetoed = {line["site"] for line in status["history"] if line["event"] == "vetoed"}
    assert vetoed == set(honest)  # three of four make the majority
    assert "in a row were refused" in status["ended"]
    problem = skewed_problem()
    assert problem.evaluate(account.model())["accuracy"] > 0.6
    kept = three.kit("site5") / "site" / "models"
    wait_for(lambda: any(kept.glob("*.onnx")), "the model at site5")
    newest = max(kept.glob("*.onnx"), key=lambda path: path.stat().st_mtime)
    wait_for(lambda: newest.read_text(), "its content")
    assert float(newest.read_text().split()[-1]) > 0.6
    three.kill("site5")
