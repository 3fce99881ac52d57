import torch

from fedbragg.tasks.tags.augment import augmented
from fedbragg.tasks.tags.halve import READ


def marked(beam: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """A view whose one bright cell is where the beam is."""
    views = torch.zeros(8, 4, READ, READ)
    views[:, 1] = 1
    column, row = (int((b + 1) * READ / 2) for b in beam)
    views[:, 0, row, column] = 1
    half = [(c + 0.5) * 2 / READ - 1 for c in (column, row)]
    return views, torch.tensor([half] * 8)


def test_the_beam_moves_with_the_picture() -> None:
    views, beams = marked((0.25, -0.4))
    followed = 0
    for seed in range(12):
        changed, moved = augmented(views, beams, torch.Generator().manual_seed(seed))
        for view, beam in zip(changed, moved, strict=True):
            bright = torch.nonzero((view[0] > 0.9) & (view[1] > 0))
            if len(bright) != 1:
                continue  # erased, or lost in noise
            row, column = ((bright[0] + 0.5) * 2 / READ - 1).tolist()
            assert abs(column - beam[0]) < 0.02 and abs(row - beam[1]) < 0.02
            followed += 1
    assert followed > 40


def test_views_come_back_turned_mirrored_gapped_and_noisy_but_measured_cells_stay_in_range() -> None:
    views, beams = marked((0.0, 0.0))
    changed, _ = augmented(views, beams, torch.Generator().manual_seed(3))
    assert changed.shape == views.shape
    assert (changed[:, 1] <= 1).all() and (changed >= 0).all()
    assert (changed[:, 1] == 0).any() and not torch.equal(changed, views)


def test_nothing_is_changed_in_place_and_equal_seeds_give_equal_views() -> None:
    views, beams = marked((0.1, 0.1))
    before = views.clone()
    first, again = (augmented(views, beams, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(views, before)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


def test_cells_that_were_not_measured_gain_no_light() -> None:
    views, beams = marked((0.1, 0.1))
    views[:, :, 50:60] = 0
    for seed in range(10):
        changed, _ = augmented(views, beams, torch.Generator().manual_seed(seed))
        assert (changed[:, 0][changed[:, 1] == 0] == 0).all()
