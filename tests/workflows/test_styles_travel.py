"""Sites that share their style, from settings file to model: what each trains on, and who may refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fedbragg.errors import ConfigError
from fedbragg.learn.settings import FitSettings
from fedbragg.tasks.segments.data import SegmentData
from fedbragg.tasks.segments.task import SegmentsTask
from fedbragg.types import State
from fedbragg.workflows.federate import federate, open_project

LEVELS = {"north": (60, 180), "south": (190, 70)}
"""Grey levels of the matrix and of the particles at each site: one sees them bright, the other dark."""


def write_site(folder: Path, name: str) -> None:
    generator = np.random.default_rng(len(name))
    for part in ("images", "masks"):
        (folder / name / part).mkdir(parents=True)
    for i in range(4):
        classes = np.zeros((64, 64), np.uint8)
        row, col = generator.integers(4, 30, 2)
        classes[row : row + 26, col : col + 26] = 1
        levels = np.array(LEVELS[name])[classes] + generator.normal(0, 5, classes.shape)
        Image.fromarray(levels.astype(np.uint8)).save(folder / name / "images" / f"{i}.png")
        Image.fromarray(classes).save(folder / name / "masks" / f"{i}.png")


def settings(folder: Path, share: str, *, refuses: str = "") -> Path:
    sites = "".join(
        f'[[sites]]\nname = "{name}"\nruns = ["{name}/images"]\nlabels = "{name}/masks"\n'
        + ("share_style = false\n" if name == refuses else "")
        for name in LEVELS
    )
    path = folder / "federation.toml"
    path.write_text(
        f'task = "segments"\n[style]\nshare = "{share}"\n'
        '[segments]\nnames = ["matrix", "particle"]\npublic_pictures = 0\n'
        "[training]\nwarmup_epochs = 1\nepochs = 1\nvalidation_share = 0.25\n"
        f'[federation]\nschedule = "sync"\nbarriers = 2\n{sites}'
    )
    return path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[list[State]]:
    """The styles that each training got, in the order of the trainings that got any."""
    got: list[list[State]] = []
    train = SegmentsTask.train_in_styles

    def spy(self: Any, state: State, data: SegmentData, fit: FitSettings, seed: int, styles: Any) -> Any:
        got.append(list(styles))
        return train(self, state, data, fit, seed, styles)

    monkeypatch.setattr(SegmentsTask, "train_in_styles", spy)
    return got


@pytest.mark.parametrize("share", ["statistics", "spectrum"])
def test_after_a_barrier_each_site_trains_in_the_others_style(
    tmp_path: Path, share: str, seen: list[list[State]]
) -> None:
    for name in LEVELS:
        write_site(tmp_path, name)
    done = federate(open_project(settings(tmp_path, share)), tmp_path / "out")
    assert [[list(style) for style in styles] for styles in seen] == [[[share]], [[share]]]
    if share == "statistics":
        contrasts = sorted(float(s[share][1, 0, 0] - s[share][0, 0, 0]) for (s,) in seen)
        assert contrasts[0] < -1 and contrasts[1] > 1  # dark particles at one site, bright ones at the other
    assert not any(name.startswith("style:") for name in done.outcome.model)


def test_a_site_may_refuse_and_still_take_part(tmp_path: Path, seen: list[list[State]]) -> None:
    for name in LEVELS:
        write_site(tmp_path, name)
    done = federate(open_project(settings(tmp_path, "statistics", refuses="south")), tmp_path / "out")
    (styles,) = seen  # only south has a style to train in: north's
    assert styles[0]["statistics"][1, 0, 0] > styles[0]["statistics"][0, 0, 0]
    assert set(done.metrics) == set(LEVELS)


def test_off_shares_nothing(tmp_path: Path, seen: list[list[State]]) -> None:
    for name in LEVELS:
        write_site(tmp_path, name)
    federate(open_project(settings(tmp_path, "off")), tmp_path / "out")
    assert seen == []


def test_a_task_without_styles_is_refused(tmp_path: Path) -> None:
    path = settings(tmp_path, "statistics")
    path.write_text(
        path.read_text()
        .replace('task = "segments"', 'task = "hits"')
        .replace("[segments]", "[hits]")
        .replace('names = ["matrix", "particle"]\npublic_pictures = 0\n', "")
    )
    with pytest.raises(ConfigError, match=r"\[style\]: the task hits has no style to share"):
        open_project(path)
