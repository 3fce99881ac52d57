"""Secure aggregation among five real sites, some of which are killed in the middle of a sum."""

from __future__ import annotations

import numpy as np
import pytest
from deployment import Deployment, check_announced, ended
from softmax import skewed_problem
from typer.testing import CliRunner
from waiting import wait_for

from fedbragg.cli.main import app
from fedbragg.config import Federation, PrivacySettings

SITES, OTHERS = ("site0", "site1", "site2"), ("site3", "site4")
FIVE = (*SITES, *OTHERS)


def secured(three: Deployment, barriers: int) -> Federation:
    table = three.settings.model_dump(mode="json")
    rules = {"barriers": barriers, "clip": 10.0, "patience": 1, "deadline": 25.0}
    return Federation.model_validate(
        {
            **table,
            "federation": {**table["federation"], **rules},
            "privacy": PrivacySettings(secure=True).model_dump(),
            "sites": [{"name": name} for name in FIVE],
        }
    )


def expected(included: list[tuple[str, ...]]) -> dict[str, np.ndarray]:
    """Return the model after barriers with these sites, by FedKL's formula, without the federation's code."""
    problem = skewed_problem()
    model = dict(problem.initial)
    for version, names in enumerate(included):
        sites = [site for site in problem.sites if site.name in names]
        updates = [site.train(model, version, 1 if version else 2) for site in sites]
        share = np.array([update.label_counts[0] for update in updates], dtype=float)
        sizes = share.sum(axis=1)
        share /= sizes[:, None]
        mixed = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1) / np.log2(share.shape[1])
        weights = (sizes / sizes.sum() + mixed / mixed.sum()) / 2
        model = {
            name: start + sum(w * u.tensors[name] for w, u in zip(weights, updates, strict=True))
            for name, start in model.items()
        }
    return model


@pytest.mark.slow
def test_sites_killed_in_a_sum_leave_the_right_model(three: Deployment) -> None:
    account = three.account()
    three.start(*OTHERS)

    def ends(barriers: int, **kills: str) -> tuple[str, list[tuple[str, ...]]]:
        for site, order in kills.items():
            (three.folder / f"{site}.kill").write_text(order)
        account.start(secured(three, barriers), restart=True)
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
    three.start("site4")
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
