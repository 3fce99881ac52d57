"""``fedbragg phases train``: train a model for other minerals from their structures alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from fedbragg.cli.show import say

if TYPE_CHECKING:
    from fedbragg.simulation.powder import Phase
    from fedbragg.tasks.phases.build import PhasesRecipe


def train(
    cif: Annotated[
        list[Path],
        typer.Option(
            help="Structure of a phase; give it once for each. The file name becomes the phase's name."
        ),
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
    loss: Annotated[
        str, typer.Option(help="plain, tailored, positive, domain, focal or uncertainty.")
    ] = "positive",
) -> int:
    """Train a model that identifies phases, from their structures alone.

    Simulates patterns of a micro-beam at the given wavelength and trains on them, in about five minutes. Needs the
    training extra: pip install 'fedbragg[train]'.
    """
    from fedbragg.errors import ConfigError
    from fedbragg.extras import require
    from fedbragg.simulation.powder import read_phase
    from fedbragg.tasks.phases.settings import LossName

    require("train", "training")
    found = [read_phase(path) for path in cif]
    if len({phase.name for phase in found}) < len(found):
        raise ConfigError(
            "two CIFs have the same file name, so two phases would have the same name. Rename one."
        )
    if loss not in get_args(LossName):
        raise ConfigError(f"loss {loss!r} is unknown. Known: {', '.join(get_args(LossName))}.")
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.phases import build
    from fedbragg.workflows.folder import make_folder

    make_folder(out.parent)
    keep_to_one_core()
    base = build.PhasesRecipe(seed=seed, patterns=patterns, epochs=epochs, loss=loss)  # type: ignore[arg-type]
    recipe = build.recipe_for(wavelength, two_theta, base)
    _train(found, recipe, out, wavelength)
    return 0


def _train(found: list[Phase], recipe: PhasesRecipe, out: Path, wavelength: float) -> None:
    from fedbragg.progress import bars
    from fedbragg.tasks.phases import build

    with bars() as progress:
        trained = build.train_model(found, recipe, progress)
    made = build.provenance(recipe, "fedbragg phases train")
    build.write_phases_model(out, trained, wavelength, made)
    say(f"phases   {', '.join(phase.name for phase in found)}")
    say(f"written  {out}")
