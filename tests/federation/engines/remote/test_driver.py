"""What a driver says of its federation before it runs."""

from __future__ import annotations

from pathlib import Path

from in_process import settings
from softmax import skewed_problem

from fedbragg.config import Federation
from fedbragg.federation.checkpoint import CheckpointStore
from fedbragg.federation.engines.remote.driver import RealTimeDriver


def test_the_status_names_each_site_s_network(tmp_path: Path) -> None:
    def networks(**named: str) -> object:
        sites = [
            {"name": site, "runs": ["-"], "labels": "-", "network": named.get(site, "")}
            for site in ("a", "b")
        ]
        known = Federation.model_validate({**settings(), "sites": sites})
        store = CheckpointStore(tmp_path, "mark")
        return RealTimeDriver(known, skewed_problem().initial, store, lambda _: None).status(0)["networks"]

    assert networks(a="spotnet", b="resnet18") == {"a": "spotnet", "b": "resnet18"}
    assert networks() == {}
