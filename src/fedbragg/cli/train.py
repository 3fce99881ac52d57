"""``fedbragg train``: adapt a model to one's own labelled frames, without a federation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import PathsArgument
from fedbragg.cli.show import say

if TYPE_CHECKING:
    from fedbragg.workflows.train import Trained, TrainRequest

ModelOutOption = Annotated[Path, typer.Option(help="Model file to write.")]
EpochsOption = Annotated[int, typer.Option(min=1, help="Passes over the labelled examples.")]
LearningRateOption = Annotated[float, typer.Option(min=0, help="Of the optimiser.")]
HeldOutOption = Annotated[
    float, typer.Option(min=0.05, max=0.9, help="Share of the examples, the last in time, that only judge.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same model.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write the model even if it is worse.")]


def train(
    paths: PathsArgument,
    labels: Annotated[Path, typer.Option(help="Table path,frame,label; label is hit, maybe or miss.")],
    out: ModelOutOption = Path("trained.onnx"),
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="MODEL", help="Model file to adapt.  [default: the task's in the package]"
        ),
    ] = None,
    task: Annotated[str, typer.Option(help="What is learnt, where no model is given.")] = "hits",
    epochs: EpochsOption = 15,
    learning_rate: LearningRateOption = 5e-4,
    held_out: HeldOutOption = 0.3,
    seed: SeedOption = 1,
    force: ForceOption = False,
) -> int:
    """Adapt the packaged model, or another, to your own labelled frames.

    Trains on the first frames in time, holds the last back, and compares the models on those. A model that is worse
    there is not written unless --force is given. With a model of another task, paths and table are that task's.
    """
    from fedbragg.learn.settings import FitSettings
    from fedbragg.tasks.registry import default_model
    from fedbragg.workflows.train import TrainRequest

    request = TrainRequest(
        paths=tuple(paths),
        labels=labels,
        out=out,
        model=start or default_model(task),
        fit=FitSettings(epochs, learning_rate=learning_rate),
        held_out=held_out,
        seed=seed,
        force=force,
    )
    train_and_show(request)
    say(f"next               fedbragg calibrate PATH... --labels LABELS.csv --model {out}, with other labels")
    return 0


def train_and_show(request: TrainRequest) -> None:
    """Train with bars and print how the model compares with the one it started from."""
    from fedbragg.progress import bars
    from fedbragg.workflows.train import train as adapt

    with bars() as progress:
        found = adapt(request, progress)
    _show(found)
    say(f"written            {request.out}")


def _show(found: Trained) -> None:
    say(f"{found.unit + 's':<18} {found.trained} trained on, the last {found.held_out} held back")
    for name, after in found.after.items():
        say(f"{name:<18} {found.before[name]} -> {after}")
    gain = found.gain
    say(
        f"change             {found.headline} {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]: {found.verdict}"
    )
