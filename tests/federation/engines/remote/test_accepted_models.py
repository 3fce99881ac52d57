"""Real sites that judge new models: what the server is told, and which model a site keeps."""

from __future__ import annotations

import json
from pathlib import Path

from in_process import InProcessFederation, settings
from waiting import wait_for

from fedbragg.federation.engines.remote.accepted_models import AcceptedModels
from fedbragg.federation.engines.remote.site_config import Limits
from fedbragg.federation.engines.remote.worker_messages import ModelAccepted

VETO = "[limits]\nlargest_fall = 0.1\n"


def test_a_poisoned_model_is_withdrawn_and_each_site_keeps_a_good_one(
    federation: InProcessFederation,
) -> None:
    (federation.folder / "site0.poison").write_text("-30")
    for number in range(3):
        federation.join(f"site{number}", VETO if number else "")
    table = settings(barriers=6, patience=2, norm_factor=1e6)
    table["sites"] = [{"name": f"site{number}"} for number in range(3)]
    federation.start(table)
    status = federation.ended()
    vetoes = [line for line in status["history"] if line["event"] == "vetoed"]
    assert {line["site"] for line in vetoes} == {"site1", "site2"}
    assert (
        vetoes[0]["reason"] == "the model is much worse than an earlier one on this site's held-out examples"
    )
    assert [line["event"] for line in status["history"]].count("withdrawn") == 2
    assert "in a row were refused" in status["ended"]
    problems = {row["site"]: row["problem"] for row in status["sites"]}
    assert problems["site1"].startswith("vetoed: the model is much worse")
    models = federation.folder / "site1" / "site" / "models"
    found = wait_for(
        lambda: [path for path in federation.folder.glob("site1/models/*.onnx") if path.read_text()],
        "the model",
    )
    assert float(found[0].read_text().split()[-1]) > 0.5, models


def test_a_last_model_that_is_too_bad_is_not_written_in_place_of_a_good_one(
    federation: InProcessFederation,
) -> None:
    (federation.folder / "site0.poison").write_text("-30")
    for number in range(2):
        federation.join(f"site{number}", VETO if number else "")
    federation.start(barriers=3, norm_factor=1e6)  # the third barrier's model is the first that is poisoned
    federation.ended()
    said = federation.said["site1"]
    wait_for(lambda: any("the last that was accepted" in line for line in said), "the final model")
    written = next(federation.folder.glob("site1/models/*.onnx")).read_text()
    assert float(written.split()[-1]) > 0.5


def test_the_standard_outlives_a_restart_and_is_of_one_federation(tmp_path: Path) -> None:
    (tmp_path / "start").write_bytes(b"model")
    first = AcceptedModels(Limits(largest_fall=0.2), tmp_path)
    first.enter("one")
    first.note(ModelAccepted("r", 0.9), tmp_path / "start")
    assert json.loads((tmp_path / "accepted.json").read_text()) == {"federation": "one", "best": 0.9}
    again = AcceptedModels(Limits(largest_fall=0.2), tmp_path)
    again.enter("one")
    assert again.otherwise is not None
    assert again.otherwise[0].read_bytes() == b"model"
    again.enter("two")
    assert again.otherwise is None


def test_a_site_without_a_standard_judges_nothing(tmp_path: Path) -> None:
    models = AcceptedModels(Limits(), tmp_path)
    models.enter("one")
    models.note(ModelAccepted("r", 0.9), tmp_path / "none")
    assert (models.standard, models.otherwise) == (None, None)
