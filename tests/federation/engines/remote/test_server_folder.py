"""What a server keeps of a federation's settings, and what an account sends it: all that the sites must keep to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedbragg.config import Federation
from fedbragg.federation.engines.remote.server_folder import ServerFolder, without_paths

SITE = {"name": "a", "runs": ["/secret/*.h5"], "labels": "/secret/labels.csv"}


@pytest.mark.parametrize(
    "privacy", [{"epsilon": 4.0, "delta": 1e-4, "sampling_rate": 0.5}, {"secure": True, "threshold": 3}]
)
def test_what_the_section_privacy_asks_for_reaches_the_server_and_outlives_a_restart(
    tmp_path: Path, privacy: dict[str, Any]
) -> None:
    server = {"address": "localhost:8002"}
    settings = Federation.model_validate({"privacy": privacy, "sites": [SITE], "server": server})
    assert without_paths(settings)["privacy"].items() >= privacy.items()
    folder = ServerFolder(tmp_path / "federation")
    folder.create(settings)
    read = folder.read()
    assert read is not None
    assert read[1].privacy == settings.privacy


def test_paths_stay_here_and_so_does_a_section_that_asks_for_nothing() -> None:
    table = without_paths(Federation.model_validate({"sites": [SITE]}))
    assert "/secret" not in str(table)
    assert "privacy" not in table
