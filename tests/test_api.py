"""What ``import fedbragg`` offers."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fedbragg
from fedbragg.errors import ConfigError, InputError
from fedbragg.images import write_labels, write_run
from fedbragg.types import Frame, Geometry, Label

FUNCTIONS = [name for name in fedbragg.__all__ if name != "__version__"]


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "numpy torch h5py onnxruntime matplotlib pydantic typer"
    code = f"import fedbragg, sys; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_name_is_a_documented_function_of_few_arguments(name: str) -> None:
    function = getattr(fedbragg, name)
    assert callable(function)
    assert len(inspect.signature(function).parameters) <= 6
    assert inspect.getdoc(function)
    assert name in dir(fedbragg)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'screem'"):
        fedbragg.screem  # noqa: B018  what is tested


def frames_of(folder: Path, frames: int = 24) -> Path:
    """A run of 64 x 96 frames of which every second shows ten strong spots, and its labels."""
    folder.mkdir()
    generator = np.random.default_rng(3)
    counts = generator.poisson(2, (frames, 128, 160)).astype(np.uint16)
    for index in range(0, frames, 2):
        for row, column in generator.integers(10, 118, (10, 2)):
            counts[index, row - 1 : row + 2, column - 1 : column + 2] += 20
            counts[index, row, column] += 80
    write_run(folder / "run.h5", counts, geometry=Geometry())
    labels = (Label.HIT, Label.MISS)
    write_labels(folder / "labels.csv", (("run.h5", index, labels[index % 2]) for index in range(frames)))
    return folder / "run.h5"


def test_a_run_is_opened_prepared_and_screened(tmp_path: Path) -> None:
    path = frames_of(tmp_path / "run")
    run = fedbragg.open_run(path)
    frame = run[0]
    assert isinstance(frame, Frame)
    assert fedbragg.prepare(frame).channels.shape == (4, 16, 20)
    verdict = fedbragg.load_model()(frame)
    assert verdict.keep
    assert len(verdict.spots) > 5
    screened = fedbragg.screen(run)
    verdicts = list(screened)
    assert [(v.path, v.index) for v in verdicts] == [(str(path), index) for index in range(24)]
    assert verdicts[0].score == pytest.approx(verdict.score)
    assert screened.promise.startswith("none: the model is not calibrated")
    assert screened.drift == ()
    assert all(v.keep for v in fedbragg.screen([path], threshold=0.0))


def test_a_model_is_evaluated_and_adapted(tmp_path: Path) -> None:
    path = frames_of(tmp_path / "run", 60)
    labels, out = tmp_path / "run" / "labels.csv", tmp_path / "own.onnx"
    before = fedbragg.evaluate(path, labels)
    assert before.metrics["AUC"].value > 0.9
    assert dict(before.facts)["frames"] == "60: 30 hit or maybe, 30 miss"
    trained = fedbragg.train(path, labels, out)
    assert (trained.trained, trained.held_out) == (42, 18)
    assert trained.verdict in ("better", "no worse, but no gain shown")
    assert fedbragg.evaluate(path, labels, out).metrics["AUC"].value > 0.9
    assert fedbragg.load_model(str(out)).card.task == "hits"
    with pytest.raises(ConfigError, match="task 'tracks' is unknown"):
        fedbragg.train(path, labels, out, task="tracks")


def test_simulated_stills_have_the_requested_size() -> None:
    stills = list(fedbragg.simulate("pilatus2m", 3, seed=4, edge=256))
    assert [still.counts.shape for still in stills] == [(256, 256)] * 3
    with pytest.raises(ConfigError, match="no beamline is named 'here'"):
        fedbragg.simulate("here", 3)


def test_phases_are_identified_one_by_one(tmp_path: Path) -> None:
    axis = np.arange(4.5, 25, 0.02)
    np.save(tmp_path / "noise.npy", np.stack([axis, np.random.default_rng(1).poisson(100.0, len(axis))]))
    good, bad = fedbragg.identify_phases([tmp_path / "noise.npy", tmp_path / "none.npy"])
    assert good.answer is not None
    assert good.answer.probabilities.shape == (3,)
    assert bad.answer is None
    assert "none.npy: no such file" in bad.reason


def test_a_worse_model_is_not_written(tmp_path: Path) -> None:
    """Labels that are swapped in the first frames and right in the last ones train the opposite of the test."""
    path = frames_of(tmp_path / "run", 60)
    labels = tmp_path / "swapped.csv"
    rows = ((str(path), i, (Label.MISS, Label.HIT)[(i + (i >= 42)) % 2]) for i in range(60))
    write_labels(labels, rows)
    from fedbragg.learn.settings import FitSettings
    from fedbragg.tasks.adapt import Adapting

    swapped = Adapting(FitSettings(60, learning_rate=1e-2), prior=0)
    with pytest.raises(InputError, match=r"is worse: balanced accuracy .* Nothing is written"):
        fedbragg.train(path, labels, tmp_path / "own.onnx", adapting=swapped)
    assert not (tmp_path / "own.onnx").exists()


def test_micrographs_are_measured(tmp_path: Path, segment_model: Path) -> None:
    from PIL import Image

    picture = np.full((120, 160), 120, np.uint8)
    picture[59:61], picture[:, 52:54], picture[:, 106:108] = 10, 10, 10  # three boundaries part six grains
    picture[20:30, 20:30], picture[80:90, 130:140] = 240, 240
    Image.fromarray(picture).save(tmp_path / "a.png")
    names = [tmp_path / "a.png", tmp_path / "none.png"]
    measured, missing = fedbragg.measure_micrographs(names, segment_model, "0.5um")
    assert missing.answer is None and "no such file" in missing.reason
    assert measured.answer is not None and measured.answer.size is not None
    assert measured.answer.instances.max() == 8 and measured.answer.size.grains == 6
    square = measured.answer.table.kind == "precipitate"
    assert measured.answer.table.area[square] == pytest.approx([25.0, 25.0])
    assert measured.answer.fractions["precipitate"].value == pytest.approx(200 / (120 * 160))
    (grains,) = fedbragg.measure_micrographs(names[0], segment_model, absent=["precipitate"])
    assert grains.answer is not None and set(grains.answer.table.kind) == {"matrix"}
    assert list(grains.answer.fractions) == ["matrix", "boundary"]
