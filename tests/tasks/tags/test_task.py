import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fedbragg.config import Federation, SiteSettings
from fedbragg.errors import ConfigError, LabelError, ModelFileError
from fedbragg.learn.settings import FitSettings
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import SILENT
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.simulation.scattering.image import simulate_images
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks import tags
from fedbragg.tasks.base import LabelledFiles, evaluate
from fedbragg.tasks.registry import load_model, open_task
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.task import TagsTask
from fedbragg.types import Frame, State

SMALL = {"public_images": 20, "public_epochs": 1}


def task(**section: object) -> TagsTask:
    here = {"name": "here", "runs": ["-"], "labels": "-"}
    settings = Federation(task="tags", tags={**SMALL, **section}, sites=[here])
    opened = open_task(settings, None)
    assert isinstance(opened, TagsTask)
    return opened


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of .npy images with their table of tags."""
    folder = tmp_path_factory.mktemp("site")
    rows = []
    for i in range(4):
        experiment = draw_experiment(ANY_INSTRUMENT, 128, np.random.SeedSequence([3, i]))
        for j, image in enumerate(simulate_images(experiment, 3, np.random.SeedSequence([4, i]))):
            np.save(folder / f"{i}_{j}.npy", image.counts)
            rows.append([f"{i}_{j}.npy", *("" if t < 0 else t for t in image.tags)])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", *TAGS], *rows])
    return folder


def settings_of(site: Path) -> SiteSettings:
    return SiteSettings(name="here", runs=(str(site),), labels=str(site / "labels.csv"))


@dataclass(frozen=True)
class Exported:
    """A model trained on the site's images, and its file."""

    data: TagData
    state: State
    path: Path


@pytest.fixture(scope="module")
def exported(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    tagging = task()
    data = tagging.read(settings_of(site), Path(), SILENT)
    state, loss = tagging.train(tagging.start_model(1, SILENT), data, FitSettings(epochs=1), 5)
    assert np.isfinite(loss)
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    tagging.export(state, path, {"made_by": "a test"})
    return Exported(data, state, path)


def test_a_site_is_read_trained_on_exported_and_opened_again(site: Path, exported: Exported) -> None:
    tagging, data, state = task(), exported.data, exported.state
    assert len(data) == 12 and len(data.label_counts) == len(tagging.questions) == 19
    predictor = load_model(exported.path)
    assert predictor.card.task == "tags"
    counts = np.load(site / "1_0.npy")
    answer = predictor(Frame(counts, np.zeros(counts.shape, bool), "1_0.npy", 0))
    judged = evaluate(tagging, state, data)
    files = predictor.evaluate(LabelledFiles((str(site),), site / "labels.csv"), SILENT).metrics
    assert answer.probabilities.shape == (19,)
    for name in ("mAP", "AUC", "accuracy"):  # half precision apart, the file answers as the network does
        assert files[name].value == pytest.approx(judged[name].value, abs=0.03, nan_ok=True)
    kept = read_state(exported.path)
    assert all(np.array_equal(kept[name], state[name]) for name in state)


def test_a_model_knows_the_task_it_was_trained_for(tmp_path: Path) -> None:
    tagging = task(names=["ring", "own_tag"])
    tagging.export(tagging.start_model(2, SILENT), tmp_path / "own.onnx", {})
    again = tags.task_of_model(tmp_path / "own.onnx")
    assert list(again.questions) == ["ring", "own_tag"]


def test_a_model_file_fits_into_the_package(exported: Exported) -> None:
    assert exported.path.stat().st_size <= 4_000_000


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"nmaes": ["ring"]}, "nmaes"),
        ({"names": ["ring", "ring"]}, "named twice"),
        ({"public_epochs": -1}, "public_epochs"),
    ],
)
def test_a_wrong_section_is_refused_by_its_key(section: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        task(**section)


def test_a_site_without_annotated_images_says_so(site: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,ring\nelsewhere.npy,1\n")
    with pytest.raises(LabelError, match="site here: none of the 12 image files has a label"):
        task().read(
            SiteSettings(name="here", runs=(str(site),), labels=str(tmp_path / "labels.csv")), Path(), SILENT
        )


def test_a_model_of_another_task_is_refused(tmp_path: Path) -> None:
    from fedbragg.tasks import hits

    with pytest.raises(ModelFileError, match="a model of the task hits, not of tags"):
        tags.open_model(hits.default_model())
