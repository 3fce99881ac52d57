"""A calibration that cannot succeed is refused, mostly before any frame is scored, and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedbragg import simulate
from fedbragg.errors import ConfigError, LabelError, ModelFileError
from fedbragg.images import write_labels, write_run
from fedbragg.screening.guarantee.demand import Counted, Demand, Maybe
from fedbragg.screening.judge import FrameScorer
from fedbragg.tasks.hits import default_model, open_model
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Geometry
from fedbragg.workflows.calibrate import CalibrationRequest, calibrate

FRAMES = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled run; its table is labels.csv beside it."""
    folder = tmp_path_factory.mktemp("run")
    stills = list(simulate("lo19", FRAMES, 3, edge=256))
    write_run(folder / "run.h5", (still.counts for still in stills), geometry=Geometry(), mask=stills[0].mask)
    rows = ((folder / "run.h5", index, still.label) for index, still in enumerate(stills))
    write_labels(folder / "labels.csv", rows)
    return folder / "run.h5"


@pytest.fixture(scope="module")
def predictor() -> HitPredictor:
    return open_model(default_model())


def request(run: Path, out: Path, demand: Demand | None = None) -> CalibrationRequest:
    wanted = demand or Demand(max_loss=0.3)
    return CalibrationRequest((str(run),), run.with_name("labels.csv"), out / "model.onnx", wanted)


@pytest.mark.parametrize(
    ("demand", "error", "message"),
    [
        (Demand(max_loss=0), ConfigError, "--max-loss is 0; give a share above 0 and below 1"),
        (Demand(confidence=1), ConfigError, "--confidence is 1; give"),
        (Demand(), LabelError, r"labelled hits are too few for at most 1 % .*: 299 are needed\."),
        (Demand(max_loss=0.1, maybe=Maybe.ASIDE), LabelError, "labelled hits are too few"),
        (Demand(max_loss=0.3, counted=Counted.GROUP), LabelError, f"{FRAMES} of {FRAMES} rows name no group"),
    ],
)
def test_demands_are_refused_before_any_frame_is_scored(
    run: Path,
    predictor: HitPredictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    demand: Demand,
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.setattr(FrameScorer, "__call__", lambda scorer, frame: pytest.fail("a frame is scored"))
    with pytest.raises(error, match=message):
        calibrate(predictor, request(run, tmp_path, demand))
    assert not list(tmp_path.iterdir())


def test_dates_and_targets_are_refused(run: Path, predictor: HitPredictor, tmp_path: Path) -> None:
    asked = request(run, tmp_path)
    with pytest.raises(ConfigError, match="--date is 'May'; give it as 2026-11-21"):
        calibrate(predictor, replace(asked, date="May"))
    with pytest.raises(ModelFileError, match="is the model itself, which is never changed"):
        calibrate(predictor, replace(asked, out=predictor.path))
    for out in (tmp_path, tmp_path / "model.html"):
        with pytest.raises(ModelFileError, match="is not a name for a model file"):
            calibrate(predictor, replace(asked, out=out))
    assert not list(tmp_path.iterdir())


def test_one_file_is_one_unit(run: Path, predictor: HitPredictor, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="1 files with labelled hits are too few"):
        calibrate(predictor, request(run, tmp_path, Demand(max_loss=0.3, counted=Counted.FILE)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nothing.h5,0,hit", "labels 1 files that no PATH gives"),
        ("{run},{frames},hit", "labels 1 frames that are not there"),
        ("{run},3,miss", r"line {end}: .*run\.h5 frame 3 has a label on line 5 already"),
    ],
)
def test_labels_of_other_frames_are_refused(
    run: Path, predictor: HitPredictor, tmp_path: Path, row: str, message: str
) -> None:
    table = run.with_name("labels.csv").read_text(encoding="utf-8")
    labels, out = tmp_path / "labels.csv", tmp_path / "out"
    labels.write_text(f"{table}{row.format(run=run, frames=FRAMES)}\n", encoding="utf-8")
    with pytest.raises(LabelError, match=message.format(end=FRAMES + 2)):
        calibrate(predictor, replace(request(run, out), labels=labels))
    assert not out.exists()
