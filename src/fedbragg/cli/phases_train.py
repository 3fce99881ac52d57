"""``fedbragg phases train``: a model for other minerals, from their structures alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from fedbragg.cli.folder import make_folder
from fedbragg.cli.show import Bar, bars, say

if TYPE_CHECKING:
    from fedbragg.simulate.powder import Phase
    from fedbragg.tasks.phases.build import Recipe


def train(
    cif: Annotated[
        list[Path], typer.Option(help="Structure of a phase, once for each; named after its file.")
    ],
    wavelength: Annotated[float, typer.Option(min=0.01, max=10, help="Angstrom.")],
    out: Annotated[Path, typer.Option(help="Model file to write.")] = Path("phases.onnx"),
    two_theta: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH", help="Degrees that patterns cover.", show_default="q 0.92 to 4.8 1/angstrom"
        ),
    ] = None,
    patterns: Annotated[int, typer.Option(min=200, help="Simulated patterns to train on.")] = 24_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over them.")] = 12,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    loss: Annotated[str, typer.Option(help="plain, positive, domain, focal or uncertainty.")] = "plain",
) -> int:
    """Train a model that tells phases apart, from their structures alone.

    Simulates patterns of a micro-beam at the given wavelength and trains on them, in about seven minutes. Takes the
    training extras: pip install 'fedbragg[train]'.
    """
    from fedbragg.errors import ConfigError, MissingExtraError
    from fedbragg.simulate.powder import read_phase

    found = [read_phase(path) for path in cif]
    if len({phase.name for phase in found}) < len(found):
        raise ConfigError("two CIFs have the same name, and with it two phases; rename one.")
    make_folder(out.parent)
    try:
        import torch

        from fedbragg.tasks.phases import build
        from fedbragg.tasks.phases.losses import LossName
    except ImportError:
        raise MissingExtraError("training needs torch and onnx: pip install 'fedbragg[train]'.") from None
    if loss not in get_args(LossName):
        raise ConfigError(f"loss {loss!r} is unknown. Known: {', '.join(get_args(LossName))}.")
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    base = build.Recipe(seed=seed, patterns=patterns, epochs=epochs, loss=loss)  # type: ignore[arg-type]
    recipe = build.recipe_for(wavelength, two_theta, base)
    _train(found, recipe, out, wavelength)
    return 0


def _train(found: list[Phase], recipe: Recipe, out: Path, wavelength: float) -> None:
    from fedbragg.tasks.phases import build

    with bars() as place:
        simulating, learning = (
            Bar(place, "Simulating patterns", recipe.patterns),
            Bar(place, "Training", recipe.epochs),
        )
        task, state = build.train_model(found, recipe, simulating.step, learning.step)
    written_by = build.provenance(recipe, "fedbragg phases train")
    build.write_phases_model(out, task, state, wavelength, written_by)
    say(f"phases   {', '.join(phase.name for phase in found)}")
    say(f"written  {out}")
