"""A site's micrographs read, trained on, exported and opened again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fedbragg.config import SiteSettings, TrainingSettings
from fedbragg.errors import InputError, LabelError, ModelFileError
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.progress import SILENT
from fedbragg.simulation.micrograph.micrograph import simulate_micrograph
from fedbragg.simulation.micrograph.style import draw_style
from fedbragg.tasks import segments
from fedbragg.tasks.base import LabelledFiles
from fedbragg.tasks.segments import crops, learner
from fedbragg.tasks.segments.data import LabelledPicture, SegmentData, concatenate
from fedbragg.tasks.segments.network import new_network, with_classes
from fedbragg.tasks.segments.settings import SegmentsSettings
from fedbragg.tasks.segments.sources import Simulated, simulated
from fedbragg.tasks.segments.task import SegmentsTask
from fedbragg.tasks.site import TaskSite


def write_site(folder: Path, pictures: int, seed: int = 1) -> SiteSettings:
    """Write micrographs of precipitates and their masks, and return the site's settings."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(pictures):
        generator = np.random.default_rng([seed, number])
        made = simulate_micrograph(
            "precipitates", (96, 128), draw_style(np.random.default_rng(seed)), generator
        )
        Image.fromarray(made.picture).save(folder / "images" / f"{number}.png")
        Image.fromarray(made.structure.classes).save(folder / "masks" / f"{number}.png")
    return SiteSettings(name="here", runs=("images",), labels="masks")


def two_classes(public: int = 0) -> SegmentsTask:
    return SegmentsTask(SegmentsSettings(names=("matrix", "boundary", "precipitate"), public_pictures=public))


def test_pictures_and_masks_are_paired_by_name(tmp_path: Path) -> None:
    site = write_site(tmp_path, 3)
    (tmp_path / "masks" / "1.png").unlink()
    data = two_classes().read(site, tmp_path, SILENT)
    assert len(data) == 2
    counts = [
        np.bincount(np.asarray(Image.open(tmp_path / "masks" / f"{n}.png")).ravel(), minlength=3)
        for n in (0, 2)
    ]
    np.testing.assert_array_equal(data.truth, counts)
    assert data.label_counts == (tuple(np.sum(counts, axis=0).tolist()),)
    assert len(data[:1]) == 1 and len(concatenate([data, data[1:]])) == 3


def test_training_learns_and_repeats_itself(tmp_path: Path) -> None:
    task = two_classes()
    data = task.read(write_site(tmp_path, 4), tmp_path, SILENT)
    start = task.start_model(1, SILENT)
    fit = FitSettings(epochs=12, batch=4, learning_rate=5e-3)
    state, loss = task.train(start, data, fit, seed=3)
    again, same_loss = task.train(start, data, fit, seed=3)
    assert loss == same_loss
    assert all(np.array_equal(state[name], again[name]) for name in state)
    _, first_loss = task.train(start, data, FitSettings(epochs=1, batch=4, learning_rate=5e-3), seed=3)
    assert loss < 0.8 * first_loss
    before, after = (task.metrics(data.truth, task.answers(s, data)) for s in (start, state))
    assert after["mean IoU"].value > before["mean IoU"].value
    assert {"mean IoU", "MAP", "boundary F1", "Rand error", "information", "IoU precipitate"} <= after.keys()


@pytest.mark.parametrize("fixed", [False, True])
def test_with_fixed_statistics_a_site_sends_none(fixed: bool, tmp_path: Path) -> None:
    task = two_classes()
    data = task.read(write_site(tmp_path, 2), tmp_path, SILENT)
    training = TrainingSettings(batch=1, fixed_statistics=fixed, precision="bfloat16")
    update = TaskSite("north", task, data, training, seed=1).train(task.start_model(1, SILENT), 0, epochs=1)
    statistics = [name for name in update.tensors if ".running_" in name or ".num_batches" in name]
    assert len(statistics) > 10
    assert any(update.tensors[name].any() for name in statistics) != fixed
    assert update.tensors["head.weight"].any() and update.tensors["norm.weight"].any()


def test_a_gradient_and_the_steps_for_rules_that_ask(tmp_path: Path) -> None:
    task = two_classes()
    data = task.read(write_site(tmp_path, 4), tmp_path, SILENT)
    start, fit = task.start_model(1, SILENT), FitSettings(epochs=3, batch=2)
    gradient = task.gradient(start, data, fit, seed=1)
    assert gradient.keys() <= start.keys()
    assert all(gradient[name].shape == start[name].shape for name in gradient)
    assert any(tensor.any() for tensor in gradient.values())
    assert task.steps(data, fit) == 3 * 2  # four crops an epoch, two a step


def test_simulated_micrographs_are_mixed_in_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def train(network: object, data: SegmentData, *_: object, **_named: object) -> float:
        seen.append(crops.number_of_crops(data))
        return 0.0

    monkeypatch.setattr(learner, "train", train)
    data = two_classes().read(write_site(tmp_path, 4), tmp_path, SILENT)
    for mixed in (0.0, 0.5):
        task = SegmentsTask(SegmentsSettings(public_pictures=0, mixed=mixed))
        task.train(task.start_model(1, SILENT), data, FitSettings(epochs=1), seed=1)
    assert seen == [4, 8]  # half of what is seen is simulated, as in Ma et al. (2020)


def test_the_start_model_is_trained_on_simulated_micrographs() -> None:
    task = SegmentsTask(SegmentsSettings(public_pictures=2, public_epochs=1))
    first, second, untrained = (
        task.start_model(1, SILENT),
        task.start_model(1, SILENT),
        two_classes().start_model(1, SILENT),
    )
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["head.weight"], untrained["head.weight"])


def test_a_model_file_answers_as_the_network_and_knows_its_task(tmp_path: Path) -> None:
    task = SegmentsTask(SegmentsSettings(names=("matrix", "oxide"), boundary="seam", public_pictures=0))
    state = task.train(task.start_model(4, SILENT), two_bands(), FitSettings(epochs=2), seed=1)[0]
    path = tmp_path / "model.onnx"
    task.export(state, path, {"made_by": "a test"})
    predictor = segments.open_model(path)
    assert predictor.card.classes.names == ("matrix", "oxide")
    assert predictor.card.provenance["made_by"] == "a test"
    picture = np.random.default_rng(1).integers(0, 65535, (75, 530), dtype=np.uint16)
    expected = learner.probabilities(learner.network_of(state, 2), picture)
    np.testing.assert_allclose(predictor.segmenter(picture).astype(float), expected.astype(float), atol=2e-3)
    assert segments.task_of_model(path).settings == task.settings.model_copy(
        update={"public_pictures": SegmentsSettings().public_pictures}
    )


def two_bands() -> SegmentData:
    """Return two pictures of a dark and a bright band."""
    labels = np.repeat([0, 1], 32).astype(np.uint8)[:, None].repeat(64, axis=1)
    noise = np.random.default_rng(1).normal(0, 5, (2, 64, 64))
    return SegmentData(
        tuple(LabelledPicture((80 * labels + 60 + n).astype(np.uint8), labels) for n in noise), 2
    )


def test_a_predictor_is_evaluated_on_masks(tmp_path: Path) -> None:
    write_site(tmp_path, 2)
    task = two_classes()
    task.export(task.start_model(1, SILENT), tmp_path / "model.onnx", {})
    predictor = segments.open_model(tmp_path / "model.onnx")
    found = predictor.evaluate(LabelledFiles((str(tmp_path / "images"),), tmp_path / "masks"))
    data = task.read(SiteSettings(name="here", runs=("images",), labels="masks"), tmp_path, SILENT)
    expected = task.metrics(data.truth, task.answers(task.start_model(1, SILENT), data))
    assert found.metrics["mean IoU"].value == pytest.approx(expected["mean IoU"].value, abs=0.01)
    assert found.facts == (("pictures", "2"),)


def test_other_classes_keep_all_but_the_last_layer() -> None:
    state = state_of(new_network(3, 1))
    made = with_classes(state, ("matrix", "boundary", "dot"), ("matrix", "dot", "oxide", "crack"), 2)
    assert made["head.weight"].shape[0] == 4 * 4  # four pixels of each class
    np.testing.assert_array_equal(made["head.weight"][4:8], state["head.weight"][8:12])
    kept = [name for name in state if not name.startswith("head.")]
    assert all(np.array_equal(made[name], state[name]) for name in kept)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelFileError, match="another network"):
        learner.network_of({"head.weight": np.zeros(3)}, 3)


def test_unlabelled_pixels_teach_nothing() -> None:
    logits = torch.randn(2, 3, 16, 16, requires_grad=True, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(0, 3, (2, 16, 16), generator=torch.Generator().manual_seed(2))
    labels[:, 8:] = 255
    learner.segment_loss(logits, labels, torch.ones(3)).backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, 8:].any() and logits.grad[:, :, :8].any()


def test_a_rare_class_weighs_more_up_to_a_limit() -> None:
    weights = learner.class_weights(np.array([4000, 1000, 1]))
    assert weights[0] == 1
    assert weights[1] == pytest.approx(2.0)  # the root of four times fewer pixels
    assert weights[2] == pytest.approx(20.0)  # no more, however rare


def test_crops_are_aimed_at_rare_classes() -> None:
    labels = np.zeros((1024, 1024), np.uint8)
    labels[900:912, 40:52] = 1
    generator = np.random.default_rng(1)
    seen = []
    for _ in range(200):
        row, col = crops.crop_at(labels, generator)
        seen.append((labels[row : row + crops.CROP, col : col + crops.CROP] == 1).any())
    assert 0.2 < np.mean(seen) < 0.5  # half are aimed, half of those at this class; chance alone gives 0.06


def test_simulated_pictures_of_one_structure_differ_in_style() -> None:
    data = simulated(Simulated(structures=1, styles=2, side=64), ("matrix", "boundary", "precipitate"), 1)
    first, second = data.pictures
    assert (np.sort(first.labels.ravel()) == np.sort(second.labels.ravel())).all()
    assert not np.array_equal(first.picture, second.picture)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("size", r"0.png: 64 x 64 pixels, its picture has 128 x 96"),
        ("value", r"0.png: the value 7 is not a class. Give indices from 0 to 2"),
        ("colour", r"0.png: a colour picture"),
        ("single", r"masks: the masks hold a single class"),
        ("text", r"0.png: cannot be read \(not a picture\)"),
        ("none", r"none of the 1 pictures has a mask of the same name"),
        ("small", r"0.png: 10 x 10 pixels are too few"),
    ],
)
def test_bad_input_is_refused_by_name(tmp_path: Path, spoil: str, said: str) -> None:
    site = write_site(tmp_path, 1)
    mask, picture = tmp_path / "masks" / "0.png", tmp_path / "images" / "0.png"
    match spoil:
        case "size":
            Image.fromarray(np.zeros((64, 64), np.uint8)).save(mask)
        case "value":
            Image.fromarray(np.full((96, 128), 7, np.uint8)).save(mask)
        case "colour":
            Image.fromarray(np.zeros((96, 128, 4), np.uint8)).save(mask)
        case "single":
            Image.fromarray(np.zeros((96, 128), np.uint8)).save(mask)
        case "text":
            picture.write_text("no picture")
        case "none":
            mask.rename(tmp_path / "masks" / "other.png")
        case "small":
            Image.fromarray(np.zeros((10, 10), np.uint8)).save(picture)
    with pytest.raises(LabelError, match=said):
        two_classes().read(site, tmp_path, SILENT)


def test_a_folder_without_masks_is_refused(tmp_path: Path) -> None:
    write_site(tmp_path, 1)
    with pytest.raises(InputError, match="no such folder"):
        two_classes().read(SiteSettings(name="here", runs=("images",), labels="nowhere"), tmp_path, SILENT)
