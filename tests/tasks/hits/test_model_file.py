"""The model file: it reads back what was written, and other files are refused with advice."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from fedbragg.errors import ModelFileError
from fedbragg.images import open_run
from fedbragg.learn.state import state_of
from fedbragg.models.onnx_file import KEY, write_with_card
from fedbragg.tasks import phases
from fedbragg.tasks.hits.model_file import ModelCard, Scorer, save_model
from fedbragg.tasks.hits.network import SpotNet, WholeFrame
from fedbragg.tasks.hits.prepare import CHANNELS, CONTEXT, PROFILE, PrepareSettings, prepare
from fedbragg.tasks.hits.surroundings import measures_of
from fedbragg.types import Frame, View

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[4] / "shared" / "data"))
CARD = ModelCard("hits", "spotnet", PrepareSettings(10), 0.37, {"seed": 3, "sites": ["a", "b"]})


@pytest.fixture(scope="module")
def network() -> WholeFrame:
    torch.manual_seed(1)
    return WholeFrame(SpotNet()).eval()


@pytest.fixture(scope="module")
def file(network: WholeFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "deep" / "model.onnx"
    save_model(path, network, CARD, state_of(network.network))
    return path


@pytest.fixture(scope="module")
def scorer(file: Path) -> Scorer:
    return Scorer(file)


def in_torch(network: WholeFrame, view: View) -> tuple[float, NDArray[np.float32]]:
    with torch.no_grad():
        score, probabilities = network(torch.from_numpy(measures_of(view)))
    spot_map = np.zeros(view.channels.shape[1:], np.float32)
    spot_map[tuple(view.cells.T)] = probabilities.numpy()
    return float(score), spot_map


def view_of(rows: int, cols: int, peaks: int) -> View:
    """Return a View with this number of peaks, some of them at the frame's edges."""
    generator = np.random.default_rng([rows, cols, peaks])
    channels = np.zeros((len(CHANNELS), rows, cols), np.float32)
    channels[3] = generator.random((rows, cols)) < 0.1
    where = generator.choice(rows * cols, peaks, replace=False)
    channels[0].flat[where] = generator.uniform(1.7, 5, peaks)
    channels[1].flat[where] = generator.uniform(0, 5, peaks)
    channels[2].flat[where] = generator.uniform(-2, 4, peaks)
    cells = np.stack(np.unravel_index(where, (rows, cols)), axis=1)
    profiles = generator.uniform(0, 3, (peaks, len(PROFILE) + len(CONTEXT))).astype(np.float32)
    return View(channels, np.zeros((rows, cols), np.float32), cells, profiles, 8)


@pytest.mark.parametrize(
    ("rows", "cols", "peaks"),
    [(3, 3, 0), (3, 3, 9), (5, 3, 1), (30, 40, 60), (31, 17, 527), (1, 50, 3), (259, 271, 900), (60, 61, 0)],
)
def test_torch_and_onnx_runtime_agree(
    network: WholeFrame, scorer: Scorer, rows: int, cols: int, peaks: int
) -> None:
    view = view_of(rows, cols, peaks)
    score, spot_map = scorer(view)
    expected, expected_map = in_torch(network, view)
    assert score == pytest.approx(expected, abs=1e-4)
    assert 0 <= score <= 1
    np.testing.assert_allclose(spot_map, expected_map, atol=1e-4)
    assert spot_map.shape == (rows, cols)
    assert ((spot_map > 0) == (view.channels[0] > np.log1p(4.0))).all()


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}")
@pytest.mark.parametrize(
    "name",
    [
        "stills/thaumatin-i24/thau_3_2_0001.cbf.bz2",
        "stills/thaumatin-i24/thau_3_2_0018.cbf.bz2",
        "stills/nuclease-ccd/snc_newhead_00001.img.bz2",
        "stills/l-cysteine-i19/l-cyst_01_00001.cbf.bz2",
        "stills/i03/DLS_I03_smargon_0001.cbf.gz",
        "powder2d/ceria_50x30_740mm_000005_Pilatus2M.hdf5",
        "scattering/silver-behenate/AgB_10s_hi_1m.edf.bz2",
    ],
)
def test_torch_and_onnx_runtime_agree_on_real_frames(network: WholeFrame, scorer: Scorer, name: str) -> None:
    frame = open_run(DATA / name)[0]
    view = prepare(frame, PrepareSettings())
    assert view.channels.shape[1:] == tuple(edge // 8 for edge in frame.counts.shape)
    score, spot_map = scorer(view)
    expected, expected_map = in_torch(network, view)
    assert score == pytest.approx(expected, abs=1e-4)
    np.testing.assert_allclose(spot_map, expected_map, atol=1e-4)


def test_the_card_is_read_back(scorer: Scorer) -> None:
    assert scorer.card == CARD


def test_the_file_is_small_and_complete(file: Path) -> None:
    assert file.stat().st_size < 500_000
    assert [entry.name for entry in file.parent.iterdir()] == ["model.onnx"]  # no weights beside it
    onnx.checker.check_model(str(file), full_check=True)


def with_card(source: Path, target: Path, text: str | None) -> Path:
    """Copy a model file with its card replaced or removed."""
    model = onnx.load(str(source))
    entries = [entry for entry in model.metadata_props if entry.key != KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(entries)
    if text is not None:
        model.metadata_props.add(key=KEY, value=text)
    onnx.save(model, str(target))
    return target


def refused(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        Scorer(path)
    message = str(caught.value)
    assert str(path) in message
    assert "Give a model.onnx that `fedbragg federate` or `fedbragg demo` wrote." in message
    assert "\n" not in message
    return message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such model file" in refused(tmp_path / "none.onnx")
    assert "no such model file" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x89HDF\r\n\x1a\n" + bytes(100), bytes(1000)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    refused(tmp_path / "model.onnx")


def test_a_file_cut_short_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(file.read_bytes()[:2000])
    refused(tmp_path / "model.onnx")


def test_an_onnx_file_without_a_card_is_refused(file: Path, tmp_path: Path) -> None:
    message = refused(with_card(file, tmp_path / "model.onnx", None))
    assert "that fedbragg did not write" in message


def test_a_model_of_another_task_is_named() -> None:
    assert "a model of the task phases, not of hits" in refused(phases.default_model())


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(file: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    (tmp_path / "taken.onnx").mkdir()
    for target in (tmp_path / "taken.onnx", blocked / "model.onnx"):
        with pytest.raises(ModelFileError, match="cannot write there") as caught:
            write_with_card(target, onnx.load(str(file)), "{}")
        assert str(target) in str(caught.value)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "taken.onnx"]


def changed(**values: Any) -> str:
    return json.dumps(json.loads(CARD.to_json()) | values)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (changed(format=4), "another version"),
        (changed(format=2, calibration={}), "settings"),
        (changed(prepare={"kind": "crop", "size": 320}), "another kind of input"),
        (changed(prepare={"kind": "peaks", "channels": list(CHANNELS), "profile": list(PROFILE)}), "block"),
        (changed(prepare=None), "settings"),
        (changed(prepare=[]), "settings"),
        (changed(colour="blue"), "colour"),
        (changed(threshold="high"), "high"),
        (changed(threshold=None), "settings"),
        ("{}", "format"),
        ("[1, 2]", "settings"),
        ("null", "settings"),
        ("not json", "settings"),
        (json.dumps({"format": 1}), "prepare"),
    ],
)
def test_a_card_of_another_kind_is_refused(file: Path, tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refused(with_card(file, tmp_path / "model.onnx", text))


def test_a_frame_is_prepared_and_scored(scorer: Scorer) -> None:
    counts = np.random.default_rng(1).poisson(1, (70, 90)).astype(np.uint16)
    frame = Frame(counts, np.zeros(counts.shape, np.bool_), "made.h5", 0)
    score, spot_map = scorer(prepare(frame, scorer.card.prepare))
    assert spot_map.shape == (7, 9)
    assert 0 < score < 1
