"""Calibrate, and screen with the calibrated model, from the command line."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from commands import done, fedbragg, refused

from fedbragg.api import screen
from fedbragg.images import open_run, write_run
from fedbragg.tasks.hits import default_model
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.types import Frame, Geometry

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Beamtime:
    """A labelled run, a fresh run of the same beamline, and the model calibrated on the first."""

    folder: Path
    said: str

    @property
    def run(self) -> Path:
        return self.folder / "labelled" / "lo19.h5"

    @property
    def labels(self) -> Path:
        return self.folder / "labelled" / "labels.csv"

    @property
    def fresh(self) -> Path:
        return self.folder / "fresh" / "lo19.h5"

    @property
    def model(self) -> Path:
        return self.folder / "calibrated.onnx"


@pytest.fixture(scope="module")
def beamtime(tmp_path_factory: pytest.TempPathFactory) -> Beamtime:
    folder = tmp_path_factory.mktemp("beamtime")
    for name, seed in (("labelled", 3), ("fresh", 4)):
        arguments = ("--frames", "160", "--size", "256", "--seed", str(seed))
        done("simulate", "lo19", *arguments, "--out", folder / name)
    labels = folder / "labelled" / "labels.csv"
    arguments = ("--max-loss", "0.05", "--date", "2026-11-21", "--out", folder / "calibrated.onnx")
    said = done("calibrate", folder / "labelled", "--labels", labels, *arguments)
    return Beamtime(folder, said)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_printed_figures_are_those_in_the_model_file(beamtime: Beamtime) -> None:
    card = Scorer(beamtime.model).card
    assert card.calibration is not None
    promise = card.calibration.promise
    labels = [row["label"] for row in rows_of(beamtime.labels)]
    assert promise.hits == sum(label != "miss" for label in labels)
    assert promise.misses == labels.count("miss")
    assert "promise            at most 5 % of hits lost, with 95 % confidence\n" in beamtime.said
    assert f"threshold          {card.threshold:.4g} " in beamtime.said
    assert f"misses             {promise.misses}, {promise.discarded} discarded" in beamtime.said
    assert re.search(r"^data discarded +\d+\.\d % of frames such as these", beamtime.said, re.M)
    origin = card.calibration.origin
    assert (origin.date, origin.model, origin.labels) == (
        "2026-11-21",
        digest(default_model()),
        digest(beamtime.labels),
    )


def test_the_same_command_writes_the_same_bytes(beamtime: Beamtime, tmp_path: Path) -> None:
    again = tmp_path / "again.onnx"
    arguments = ("--max-loss", "0.05", "--date", "2026-11-21", "--out", again)
    done("calibrate", beamtime.run.parent, "--labels", beamtime.labels, *arguments)
    assert digest(again) == digest(beamtime.model)


@pytest.fixture(scope="module")
def screened(beamtime: Beamtime) -> tuple[Path, str]:
    """The fresh run screened with the calibrated model: the folder of results, and the output."""
    out = beamtime.folder / "screened"
    return out, done("screen", beamtime.fresh, "--model", beamtime.model, "--out", out)


def test_screening_prints_the_promise_and_keeps_it_on_fresh_frames(
    beamtime: Beamtime, screened: tuple[Path, str]
) -> None:
    out, said = screened
    assert "promise     at most 5 % of hits lost, with 95 % confidence (" in said
    assert "drift " not in said
    labels = [row["label"] for row in rows_of(beamtime.folder / "fresh" / "labels.csv")]
    kept = [row["keep"] == "true" for row in rows_of(out / "verdicts.csv")]
    lost = sum(label != "miss" and not keep for label, keep in zip(labels, kept, strict=True))
    assert lost <= 0.05 * sum(label != "miss" for label in labels)
    assert 0 < sum(kept) < len(kept)
    assert "Promise: at most 5 % of hits lost" in (out / "report.html").read_text(encoding="utf-8")


def test_screen_look_and_evaluate_give_one_score(
    beamtime: Beamtime, screened: tuple[Path, str], tmp_path: Path
) -> None:
    """The calibrated one, and the same threshold."""
    rows = rows_of(screened[0] / "verdicts.csv")
    row = rows[5]
    picture = tmp_path / "look.jpg"
    looked = done("look", f"{beamtime.fresh}:5", "--model", beamtime.model, "--out", picture)
    verdict = "kept" if row["keep"] == "true" else "dropped"
    assert f"score {float(row['score']):.3f}, {verdict}" in looked
    labels = beamtime.folder / "fresh" / "labels.csv"
    judged = done("evaluate", beamtime.fresh, "--labels", labels, "--model", beamtime.model)
    kept = sum(row["keep"] == "true" for row in rows)
    (hits, misses) = re.search(r"kept +(\d+) hits or maybes, (\d+) misses", judged).groups()  # type: ignore[union-attr]
    assert int(hits) + int(misses) == kept
    threshold = f"threshold {Scorer(beamtime.model).card.threshold:.3g}"
    assert threshold in looked
    assert threshold in judged


def test_a_calibrated_model_is_calibrated_again_from_its_own_scores(
    beamtime: Beamtime, tmp_path: Path
) -> None:
    again = tmp_path / "again.onnx"
    arguments = ("--max-loss", "0.05", "--model", beamtime.model, "--out", again)
    done("calibrate", beamtime.run, "--labels", beamtime.labels, *arguments)
    first, second = Scorer(beamtime.model).card, Scorer(again).card
    assert first.calibration is not None
    assert second.calibration is not None
    assert second.calibration.score_map == first.calibration.score_map
    assert second.threshold == first.threshold


def frames_with(beamtime: Beamtime, path: Path, change: int) -> Path:
    """The fresh run, and as many frames after it with all counts divided."""
    frames = [frame for frame in open_run(str(beamtime.fresh)).frames() if isinstance(frame, Frame)]
    counts = [frame.counts.copy() for frame in frames]
    write_run(path, iter([*counts, *(c // change for c in counts)]), mask=frames[0].mask, geometry=Geometry())
    return path


def test_when_the_beam_is_lost_everything_is_kept_with_a_warning(beamtime: Beamtime, tmp_path: Path) -> None:
    run = frames_with(beamtime, tmp_path / "run.h5", 20)
    result = fedbragg("screen", run, "--model", beamtime.model, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    (line,) = result.stderr.splitlines()
    noticed = re.match(r"fedbragg: DRIFT at frame (\d+) of the run: .*keeping every frame", line)
    assert noticed
    assert (
        160 <= int(noticed[1]) < 260
    )  # few hits, so the allowance is large; each frame is kept before the alarm
    rows = rows_of(tmp_path / "out" / "verdicts.csv")
    assert all(row["keep"] == "true" for row in rows[160:])
    assert any(row["keep"] == "false" for row in rows[:160])
    assert re.search(r"^drift +frames \d+ to the end: ", result.stdout, re.M)
    assert "Drift: frames" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    free = fedbragg("screen", run, "--model", beamtime.model, "--out", tmp_path / "free", "--no-fail-safe")
    assert "frames are still dropped (--no-fail-safe)" in free.stderr
    kept = [row["keep"] for row in rows_of(tmp_path / "free" / "verdicts.csv")]
    assert "false" in kept[200:]


def test_without_a_calibration_there_is_no_promise(beamtime: Beamtime, tmp_path: Path) -> None:
    said = done("screen", beamtime.fresh, "--out", tmp_path / "out")
    assert "promise     none: the model is not calibrated" in said
    arguments = ("--model", beamtime.model, "--out", tmp_path / "high", "--threshold", "0.99")
    assert "promise     none: at this threshold" in done("screen", beamtime.fresh, *arguments)


def test_a_refusal_is_one_line_and_writes_nothing(beamtime: Beamtime, tmp_path: Path) -> None:
    line = refused("calibrate", beamtime.run, "--labels", beamtime.labels, "--out", tmp_path / "model.onnx")
    assert re.match(
        r"\d+ labelled hits are too few for at most 1 % of hits lost with 95 % confidence: 299 are needed\.",
        line,
    )
    assert not list(tmp_path.iterdir())


def test_the_report_beside_the_model_stands_alone(beamtime: Beamtime) -> None:
    text = beamtime.model.with_suffix(".html").read_text(encoding="utf-8")
    assert "What other promises cost" in text
    assert text.count("<svg") == 2
    assert "http" not in re.sub(
        r"http://www\.w3\.org|http://purl\.org|http://creativecommons\.org|https?://matplotlib\.org", "", text
    )


def test_near_copies_give_a_warning(beamtime: Beamtime, tmp_path: Path) -> None:
    """Every frame eight times: eight times the hits, with no more information."""
    frames = [frame for frame in open_run(str(beamtime.run)).frames() if isinstance(frame, Frame)]
    generator = np.random.default_rng(1)
    copies = [
        frame.counts + generator.integers(0, 2, frame.counts.shape).astype(frame.counts.dtype)
        for frame in frames
        for _ in range(8)
    ]
    write_run(tmp_path / "run.h5", iter(copies), mask=frames[0].mask, geometry=Geometry())
    labels = [row["label"] for row in rows_of(beamtime.labels)]
    lines = [f"run.h5,{8 * index + copy},{label}" for index, label in enumerate(labels) for copy in range(8)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,frame,label", *lines]) + "\n", encoding="utf-8")
    arguments = ("--labels", tmp_path / "labels.csv", "--out", tmp_path / "m.onnx")
    result = fedbragg("calibrate", tmp_path / "run.h5", *arguments)
    assert result.returncode == 0, result.stderr
    assert "WARNING: neighbouring hits are alike" in result.stderr
    found = Scorer(tmp_path / "m.onnx").card.calibration
    assert found is not None
    assert found.promise.effective_hits < found.promise.hits / 3


@pytest.mark.parametrize("fail_safe", [True, False])
def test_python_decides_as_the_command_does(beamtime: Beamtime, tmp_path: Path, *, fail_safe: bool) -> None:
    """screen() in Python monitors drift too: when the beam is lost, it keeps every frame, or drops with a line."""
    path = tmp_path / "dimmer.h5"
    frames_with(beamtime, path, change=40)
    option = "--fail-safe" if fail_safe else "--no-fail-safe"
    done("screen", path, "--model", beamtime.model, "--out", tmp_path / "out", option)
    screened = screen(path, beamtime.model, fail_safe=fail_safe, threads=2)
    verdicts = list(screened)
    rows = rows_of(tmp_path / "out" / "verdicts.csv")
    assert [verdict.keep for verdict in verdicts] == [row["keep"] == "true" for row in rows]
    assert [verdict.reason for verdict in verdicts] == [row["reason"] for row in rows]
    assert any(verdict.reason.startswith("drift:") for verdict in verdicts) == fail_safe
    assert screened.drift
    assert screened.promise.startswith("at most 5 % of hits lost, with 95 % confidence")
