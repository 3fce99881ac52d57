import numpy as np
import pytest
import torch

from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, Instrument, draw_experiment
from fedbragg.simulation.scattering.layouts import Layout
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.sources import Simulated, simulated


def quiet(text: str | None = None) -> None:
    pass


def test_parts_of_the_experiments_are_the_same_as_all_at_once(images: TagData) -> None:
    part = simulated(Simulated(3, 3, longest=(96, 128), first=9), 5, quiet, threads=1)
    for one, all_at_once in (
        (part.views, images.views),
        (part.labels, images.labels),
        (part.beams, images.beams),
    ):
        assert torch.equal(one, all_at_once[27:36])


@pytest.mark.parametrize("number", range(6))
def test_a_detector_may_keep_its_own_pixels(number: int) -> None:
    experiment = draw_experiment(ANY_INSTRUMENT, None, np.random.SeedSequence([3, number]))
    layout, camera = experiment.layout, experiment.camera
    assert (camera.rows, camera.cols, camera.pixel_size) == (layout.rows, layout.cols, layout.pixel_size)


def test_grains_are_a_few_pixels_wide_on_a_detectors_own_pixels() -> None:
    instrument = Instrument(
        "powders",
        {"wide angle": 1.0},
        (Layout("one piece", 700, 700, 172e-6),),
        0.0,
        (5e3, 5e4),
        {"powder": 1.0},
    )
    made = simulated(Simulated(24, 1, instrument, longest=(None,)), 8, quiet)
    grainy = made.labels[:, TAGS.index("polycrystalline")] == 1
    high = made.views[grainy, 3].float().flatten(1).quantile(0.98, dim=1)
    # ln(1 + 0.42 / 0.1) / 5: all around the rings, neighbours differ by 0.42 of their mean; broad grains do by less
    assert float((high > 0.33).float().mean()) > 0.25
