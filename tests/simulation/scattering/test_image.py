from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation.scattering.beamstop import Beamstop
from fedbragg.simulation.scattering.experiment import (
    ANY_INSTRUMENT,
    Experiment,
    ScatteringSample,
    draw_experiment,
    with_beam_at,
)
from fedbragg.simulation.scattering.image import ScatteringImage, set_up, simulate_image, simulate_images
from fedbragg.simulation.scattering.layouts import LAYOUTS
from fedbragg.simulation.scattering.tag_names import TAGS


def tag(image: ScatteringImage, name: str) -> int:
    return int(image.tags[TAGS.index(name)])


def one(experiment: Experiment, seed: np.random.SeedSequence) -> ScatteringImage:
    return simulate_image(set_up(experiment), seed)


def test_equal_seeds_give_equal_images_and_others_other_ones() -> None:
    experiment = draw_experiment(ANY_INSTRUMENT, 256, np.random.SeedSequence(2))
    first, again = (list(simulate_images(experiment, 2, np.random.SeedSequence(9))) for _ in range(2))
    np.testing.assert_array_equal(first[1].counts, again[1].counts)
    np.testing.assert_array_equal(first[1].tags, again[1].tags)
    assert (first[0].counts != first[1].counts).any()


def test_images_of_an_experiment_share_geometry_and_gaps() -> None:
    experiment = draw_experiment(ANY_INSTRUMENT, 256, np.random.SeedSequence(4))
    images = list(simulate_images(experiment, 3, np.random.SeedSequence(1)))
    assert len({image.centre for image in images}) == 1
    assert all((image.mask == images[0].mask).all() for image in images)


def test_silver_behenates_rings_lie_at_multiples_of_its_period(
    plain: Experiment, seed: np.random.SeedSequence
) -> None:
    near = replace(
        plain,
        camera=replace(plain.camera, distance=0.2),
        samples=(ScatteringSample("silver behenate", 3, 1.0),),
    )
    image = one(near, seed)
    y, x = np.indices(image.expected.shape)
    radius = np.hypot(x - 127.5, y - 127.5)
    profile = np.array([image.expected[abs(radius - r) < 0.5].mean() for r in range(40, 150)])
    rings = [r for r in range(41, 149) if profile[r - 40] > max(profile[r - 41], profile[r - 39])]
    # tan(2 asin(n lambda / 2 d)) x 0.2 m / 75 um for d = 58.38: 63.65 and 127.4 pixels
    assert any(abs(r - 63.65) < 1 for r in rings) and any(abs(r - 127.4) < 1 for r in rings)
    assert tag(image, "higher_orders") == 1


def test_counts_scatter_about_the_expectation_as_poissons_law_says(
    plain: Experiment, seed: np.random.SeedSequence
) -> None:
    image = one(plain, seed)
    light = image.expected > 20
    pull = (image.counts[light] - image.expected[light]) / np.sqrt(image.expected[light])
    assert pull.mean() == pytest.approx(0, abs=4 / np.sqrt(light.sum()))
    assert pull.std() == pytest.approx(1, abs=0.03)


def test_the_strength_is_the_experiments(plain: Experiment, seed: np.random.SeedSequence) -> None:
    image = one(plain, seed)
    assert np.percentile(image.expected, 99.9) == pytest.approx(3000, rel=0.02)
    assert tag(image, "strong_scattering") == 1 and tag(image, "weak_scattering") == 0
    faint = one(replace(plain, peak_counts=4.0), seed)
    assert tag(faint, "strong_scattering") == 0 and tag(faint, "weak_scattering") == 1


def test_a_ring_that_drowns_in_noise_is_no_ring(plain: Experiment, seed: np.random.SeedSequence) -> None:
    assert tag(one(plain, seed), "ring") == 1
    assert tag(one(replace(plain, peak_counts=0.02), seed), "ring") == 0


def test_masked_gaps_hold_nothing(plain: Experiment, seed: np.random.SeedSequence) -> None:
    pilatus = next(layout for layout in LAYOUTS if layout.name == "Pilatus 1M")
    camera = replace(plain.camera, cols=241)
    image = one(replace(plain, layout=pilatus, camera=camera), seed)
    assert image.mask.mean() == pytest.approx(0.072, abs=0.02)
    assert (image.counts[image.mask] == 0).all() and (image.expected[image.mask] > 0).any()
    unsaid = one(replace(plain, layout=pilatus, camera=camera, gaps_masked=False), seed)
    assert not unsaid.mask.any() and (unsaid.counts[image.mask] == 0).all()


def test_a_beam_beside_the_detector_is_off_the_image(plain: Experiment, seed: np.random.SeedSequence) -> None:
    assert tag(one(plain, seed), "beam_off_image") == 0
    assert tag(one(with_beam_at(plain, (-60.0, 120.0)), seed), "beam_off_image") == 1


@pytest.mark.parametrize("kind", ["circular", "linear", "wedge"])
def test_a_stop_in_bright_light_is_seen(plain: Experiment, seed: np.random.SeedSequence, kind: str) -> None:
    stop = Beamstop(kind, 0.3, 9.0, 12.0, 1.0, 0.25, 1.0, 0.0)  # type: ignore[arg-type]
    bright = replace(plain, stop=stop, samples=(ScatteringSample("dilute", 3, 1.0),))
    image = one(bright, seed)
    assert [tag(image, f"{name}_beamstop") for name in ("circular", "linear", "wedge")] == [
        int(name == kind) for name in ("circular", "linear", "wedge")
    ]


def test_a_film_at_grazing_incidence_is_dark_below_its_horizon(
    plain: Experiment, seed: np.random.SeedSequence
) -> None:
    film = replace(
        with_beam_at(plain, (128.0, 200.0)),
        regime="grazing",
        samples=(ScatteringSample("film", 3, 1.0),),
        peak_counts=5e4,
    )
    image = one(film, seed)
    above, below = image.expected[:195].mean(), image.expected[215:].mean()
    assert above > 4 * below
    assert tag(image, "grazing_incidence") == 1 and tag(image, "anisotropic") == 1


def test_an_empty_image_shows_next_to_nothing(plain: Experiment, seed: np.random.SeedSequence) -> None:
    image = one(replace(plain, samples=(ScatteringSample("nothing", 3, 1.0),), peak_counts=3.0), seed)
    shown = {name for name, value in zip(TAGS, image.tags, strict=True) if value == 1}
    assert shown <= {"weak_scattering"}


def test_the_range_of_momentum_transfer_is_that_of_the_pixels(
    plain: Experiment, seed: np.random.SeedSequence
) -> None:
    low, high = one(plain, seed).q_range
    corner = plain.camera.q(np.array([np.hypot(127.5, 127.5)]))[0]
    assert low < plain.camera.q(np.array([1.0]))[0]
    assert high == pytest.approx(corner)


def test_every_tag_is_given_and_withheld() -> None:
    tags = np.array(
        [
            image.tags
            for i in range(150)
            for image in simulate_images(
                draw_experiment(ANY_INSTRUMENT, 128, np.random.SeedSequence([8, i])),
                2,
                np.random.SeedSequence([9, i]),
            )
        ]
    )
    assert ((tags == 1).sum(axis=0) >= 2).all()
    assert ((tags == 0).mean(axis=0) > 0.2).all()
