"""The settings file: every mistake is named with file, section, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from fedbragg.config import Section, SiteSettings, load, read_section
from fedbragg.errors import ConfigError, SettingsWarning
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.phases.settings import PhasesSettings

SITE = '\n[[sites]]\nname = "i24"\nruns = ["a.h5"]\nlabels = "l.csv"\n'


def written(folder: Path, text: str) -> Path:
    (folder / "federation.toml").write_text(text, encoding="utf-8")
    return folder / "federation.toml"


def refused(folder: Path, text: str) -> str:
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


def test_defaults_are_those_of_the_papers(tmp_path: Path) -> None:
    """FedKL, section 4: 15 epochs to warm up, 5 for each exchange; weights by FedKL on the hybrid schedule."""
    plan = load(written(tmp_path, SITE))
    assert (plan.training.warmup_epochs, plan.training.epochs) == (15, 5)
    assert (plan.federation.aggregation, plan.federation.schedule) == ("fedkl", "hybrid")
    assert plan.sites == (SiteSettings(name="i24", runs=("a.h5",), labels="l.csv"),)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    text = 'seed = 9\n[training]\nbatch = 4\n[federation]\naggregation = "median"\n' + SITE
    plan = load(written(tmp_path, text + "speed = 2.5\n"))
    assert (plan.seed, plan.training.batch) == (9, 4)
    assert plan.federation.aggregation == "median"
    assert plan.sites[0].speed == 2.5


@pytest.mark.parametrize(
    ("text", "where", "key", "known"),
    [
        (
            "rounds = 3\n" + SITE,
            ": ",
            "rounds",
            "task, seed, training, federation, privacy, style, server, sites, hits.",
        ),
        ("[training]\nepoch = 3\n" + SITE, " [training]: ", "epoch", "warmup_epochs, epochs, batch"),
        ("[federation]\nstrategy = 1\n" + SITE, " [federation]: ", "strategy", "aggregation, schedule"),
        ("[trainig]\nbatch = 1\n" + SITE, ": ", "trainig", "task, seed, training"),
        (
            SITE + "colour = 1\n",
            " [sites.0]: ",
            "colour",
            "name, runs, labels, share_style, unit, largest_fall, device, network, speed",
        ),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones(
    tmp_path: Path, text: str, where: str, key: str, known: str
) -> None:
    assert refused(tmp_path, text).startswith(f"{where}unknown key '{key}'. Known keys: {known}")


@pytest.mark.parametrize("section", ["training", "federation", "server"])
def test_the_message_lists_every_key_that_is_taken(tmp_path: Path, section: str) -> None:
    """Each key that the message names is one that the section knows; so none is looked for elsewhere."""
    message = refused(tmp_path, f"[{section}]\nnone = 1\n{SITE}")
    listed = message.split("Known keys: ")[1].rstrip(".").split(", ")
    for key in listed:
        said = refused(tmp_path, f"[{section}]\n{key} = {{}}\n{SITE}")
        assert f" [{section}]: {key}" in said
        assert "unknown key" not in said


class Depth(Section):
    """The section of some task."""

    depth: int = Field(default=3, ge=1)


def test_a_task_checks_its_own_section(tmp_path: Path) -> None:
    plan = load(written(tmp_path, 'task = "deep"\n[deep]\ndepth = 5\n' + SITE))
    assert read_section(plan, Depth).depth == 5
    assert read_section(load(written(tmp_path, 'task = "deep"\n' + SITE)), Depth).depth == 3
    for text, said in (
        ("depth = 0", r"\[deep\]: depth: .*greater than or equal to 1"),
        ("width = 1", r"\[deep\]: unknown key 'width'. Known keys: depth."),
    ):
        with pytest.raises(ConfigError, match=said):
            read_section(load(written(tmp_path, f'task = "deep"\n[deep]\n{text}\n{SITE}')), Depth)


def test_the_keys_of_version_0_1_still_work_with_a_warning(tmp_path: Path) -> None:
    text = "[model]\nblock = 10\npublic_frames = 7\n[training]\nhit_weight = 2.0\nbatch = 4\n" + SITE
    with pytest.warns(SettingsWarning) as warned:
        plan = load(written(tmp_path, text))
    assert read_section(plan, HitsSettings) == HitsSettings(block=10, public_frames=7, hit_weight=2.0)
    assert plan.training.batch == 4
    assert "[model]: block is now [hits] block; move it." in str(warned[0].message)
    assert len(warned) == 3
    with pytest.warns(SettingsWarning, match=r"\[model\]: public_frames is now \[phases\] public_patterns"):
        plan = load(written(tmp_path, 'task = "phases"\n[model]\npublic_frames = 7\n' + SITE))
    assert read_section(plan, PhasesSettings).public_patterns == 7


def test_a_repeated_site_name_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, SITE + SITE)
    assert message == ": two sites are named 'i24'; give each its own name."


def test_further_errors_are_counted(tmp_path: Path) -> None:
    assert "(Errors after this one: 2.)" in refused(tmp_path, "[training]\na = 1\nb = 2\nc = 3\n" + SITE)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('seed = "one"\n' + SITE, ": seed: "),
        ("seed = -1\n" + SITE, ": seed: "),
        (f"seed = {2**63}\n" + SITE, ": seed: "),
        ("[training]\nbatch = 0\n" + SITE, " [training]: batch: "),
        ("[training]\nlearning_rate = 0\n" + SITE, " [training]: learning_rate: "),
        ("[federation]\naggregation = 3\n" + SITE, " [federation]: aggregation: "),
        ("[federation]\nnoise = 1.0\n" + SITE, " [federation]: noise: noise on whole updates is gone"),
        ("training = 3\n" + SITE, ": training: "),
        ('\n[[sites]]\nname = "a b"\nruns = ["a"]\nlabels = "l"\n', " [sites.0]: name: "),
        ('\n[[sites]]\nname = "../a"\nruns = ["a"]\nlabels = "l"\n', " [sites.0]: name: "),
        ('\n[[sites]]\nname = "a"\nruns = []\nlabels = "l"\n', " [sites.0]: runs: "),
        ('\n[[sites]]\nname = "a"\nlabels = "l"\n', ": site 'a' has no runs and labels; "),
        ('[server]\naddress = "here"\n' + SITE, " [server]: address: "),
        (
            '[server]\naddress = "here:99999"\n' + SITE,
            " [server]: address: a port is a number from 1 to 65535",
        ),
        ("sites = []\n", ": sites: "),
        ("", ": sites: "),
    ],
)
def test_a_wrong_value_is_named_by_section_and_key(tmp_path: Path, text: str, start: str) -> None:
    assert refused(tmp_path, text).startswith(start)


def test_invalid_toml_is_named_by_line(tmp_path: Path) -> None:
    assert "not valid TOML" in refused(tmp_path, "seed = \n")
    assert "line 2" in refused(tmp_path, "seed = 1\nwhat is this\n")


def test_a_file_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: no such file. Give the path of a federation.toml"):
        load(tmp_path / "none.toml")
    (tmp_path / "federation.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "federation.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_settings_do_not_change_after_loading(tmp_path: Path) -> None:
    plan = load(written(tmp_path, SITE))
    with pytest.raises(ValueError, match="frozen"):
        plan.seed = 3  # type: ignore[misc]


def test_a_real_site_needs_no_paths(tmp_path: Path) -> None:
    plan = load(written(tmp_path, '[server]\naddress = "here.org:8002"\n[[sites]]\nname = "a"\n'))
    assert plan.sites == (SiteSettings(name="a"),)
