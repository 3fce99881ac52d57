"""What joining is worth: two models of known quality, on points that a line parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toys import toy_federation, write_points

from fedbragg.config import SiteSettings
from fedbragg.progress import SILENT
from fedbragg.simulation import BEAMLINES
from fedbragg.types import State
from fedbragg.workflows.facilities import ALL_ARTEFACTS, SITES, judging_runs
from fedbragg.workflows.federate import Project, open_project, read_sites, train_pooled
from fedbragg.workflows.joining_worth import Rivals, SiteTests, worth


def points(project: Project, folder: Path, seed: int) -> object:
    write_points(folder / f"t{seed}.csv", seed, points=60)
    site = SiteSettings(name="t", runs=("-",), labels=f"t{seed}.csv")
    return project.task.read(site, folder, SILENT)


def turned(state: State) -> State:
    return {name: -np.asarray(array) for name, array in state.items()}


@pytest.mark.usefixtures("toy")
def test_a_good_model_is_worth_something_to_a_site_with_a_bad_one(tmp_path: Path) -> None:
    project = open_project(toy_federation(tmp_path))
    sites = read_sites(project, SILENT)
    good = train_pooled(project, sites, project.task.start_model(1, SILENT), 60)
    tests = {name: SiteTests(points(project, tmp_path, 8), points(project, tmp_path, 9)) for name in "ab"}  # type: ignore[arg-type]
    found = worth(project.task, Rivals(good, {"a": turned(good), "b": good}), tests, {"a": 96, "b": 96}, 1)
    first, second = found
    assert (first.site, first.labelled, first.verdict) == ("a", 96, "better")
    assert first.own.alone.value < 0.3 < 0.8 < first.own.together.value
    assert first.gain.low > 0.3
    assert second.verdict == "no difference shown"
    assert second.gain.value == 0
    assert second.others.alone == second.others.together


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_half_of_the_tests_show_what_a_site_has_never_labelled(site: object) -> None:
    assert site in SITES
    runs = judging_runs(site, 50)  # type: ignore[arg-type]
    own, others = set(runs["own"].artefacts), set(runs["others"].artefacts)
    assert own | others == set(ALL_ARTEFACTS)
    assert not own & others
    assert all(run.frames == 50 and run.beamline in BEAMLINES for run in runs.values())
