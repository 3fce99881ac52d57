"""Schedules over messages, in real time: each ends with a model."""

from __future__ import annotations

from in_process import InProcessFederation, barriers


def test_sites_in_groups_of_arrivals_bring_every_barrier(federation: InProcessFederation) -> None:
    """FedCompass measures the sites' paces on the server's own clock."""
    for site in ("site0", "site1"):
        federation.join(site)
    federation.start(schedule="compass", barriers=3, compass_epochs=[1, 3])
    status = federation.ended()
    assert status["state"] == "finished", status
    assert barriers(status) == [{"site0", "site1"}] * 3
