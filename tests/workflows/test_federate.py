"""Federations from a settings file: held-out frames, refusals, provenance."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fedbragg.config import Federation, SiteSettings, TrainingSettings
from fedbragg.errors import ConfigError, LabelError, ModelRefused
from fedbragg.federation import FederationOutcome
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import evaluate
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import pretrain
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.registry import open_task
from fedbragg.workflows.federate import Project, careful_trainer, open_project, provenance
from fedbragg.workflows.site_data import read_site, split


def frames(number: int) -> HitData:
    """One peak a frame, whose first measure is the frame's number."""
    measures = torch.zeros(number, MEASURES)
    measures[:, 0] = torch.arange(number)
    return HitData(measures, torch.arange(number + 1), torch.arange(number) % 2, -torch.ones(number))


def settings(**federation: object) -> Federation:
    site = {"name": "a", "runs": ["/secret/place/*.h5"], "labels": "/secret/labels.csv"}
    return Federation.model_validate({"federation": federation, "sites": [site]})


def test_the_last_frames_in_time_are_held_out() -> None:
    site = split("a", frames(10), share=0.2)
    assert site.train.measures[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert site.held_out.measures[:, 0].tolist() == [8, 9]


class NineFrames(HitsTask):
    """A site whose files hold nine labelled frames."""

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> HitData:
        return frames(9)


def test_the_error_for_nine_frames_says_how_many_are_needed() -> None:
    task = NineFrames(HitsSettings(), PrepareSettings())
    with pytest.raises(LabelError, match="site a: 9 labelled frames; label at least 10"):
        read_site(task, SiteSettings(name="a", runs=("-",), labels="-"), Path(), 0.2, SILENT)


def test_a_site_with_a_largest_fall_judges_models_on_its_held_out_frames(tmp_path: Path) -> None:
    """A new network calls all frames the same, a balanced accuracy of 1/2; one that was trained knows them all."""
    plan = settings(schedule="sync")
    plan = plan.model_copy(update={"training": TrainingSettings(learning_rate=0.01)})
    task = open_task(plan, None)
    data = frames(20)
    data.measures[:, 0] = 5.0 * data.hit
    site = split("a", replace(data, hit=data.hit.float()), share=0.5)
    start = pretrain(None, 0, 3)
    plain = careful_trainer(Project(plan, task, tmp_path), site)
    step = plain.train(start, 0, 400).tensors
    good = {name: start[name] + step[name] for name in start}
    scores = [evaluate(task, model, site.held_out)["balanced accuracy"].value for model in (start, good)]
    assert scores == [0.5, 1.0]
    for largest_fall, outcome in (
        (0.6, nullcontext()),
        (0.4, pytest.raises(ModelRefused, match="much worse")),
    ):
        judging = careful_trainer(Project(plan, task, tmp_path), replace(site, largest_fall=largest_fall))
        judging.train(good, 0, 1)
        with outcome:
            judging.train(start, 1, 1)


def test_a_rule_that_trains_no_network_is_refused_before_any_work(tmp_path: Path) -> None:
    site = '[[sites]]\nname = "a"\nruns = ["a"]\nlabels = "l"\n'
    path = tmp_path / "federation.toml"
    path.write_text(f'[federation]\naggregation = "fedboost"\nschedule = "sync"\n{site}')
    with pytest.raises(ConfigError, match="fedboost"):
        open_project(path)


def test_the_provenance_describes_the_training_without_paths() -> None:
    plan = settings()
    found = provenance(plan, open_task(plan, None), FederationOutcome({}, [], 3, "done"))
    assert found["barriers"] == 3
    assert found["settings"]["sites"][0]["name"] == "a"
    assert "secret" not in str(found)
