"""``fedbragg train``: adapt a model to your own labelled examples, without a federation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import DeviceOption, PathsArgument
from fedbragg.cli.show import say

if TYPE_CHECKING:
    from fedbragg.workflows.train import Trained

ModelOutOption = Annotated[Path, typer.Option(help="Model file to write.")]
EpochsOption = Annotated[int, typer.Option(min=1, help="Passes over the labelled examples.")]
LearningRateOption = Annotated[float, typer.Option(min=0, help="Learning rate of the optimiser.")]
HeldOutOption = Annotated[
    float, typer.Option(min=0.05, max=0.9, help="Share of the examples, the last in time, that only test.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same model.")]
PriorOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="EXAMPLES",
        help="How many labelled examples the start model counts for: the more, the closer the new one stays.  "
        "[default: 100 for hits and phases, 30 for tags, else 0]",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write the model even if it is worse.")]


def train(
    paths: PathsArgument,
    labels: Annotated[
        Path,
        typer.Option(help="The task's table of labels; for hits path,frame,label with hit, maybe or miss."),
    ],
    out: ModelOutOption = Path("trained.onnx"),
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="MODEL", help="Model file to adapt.  [default: the task's packaged model]"
        ),
    ] = None,
    task: Annotated[str, typer.Option(help="Task, if no model is given: hits, phases, tags ...")] = "hits",
    epochs: EpochsOption = 15,
    learning_rate: LearningRateOption = 5e-4,
    held_out: HeldOutOption = 0.3,
    seed: SeedOption = 1,
    device: DeviceOption = "cpu",
    force: ForceOption = False,
    prior: PriorOption = None,
) -> int:
    """Adapt the packaged model, or another, to your own labelled frames or patterns.

    Trains on the first examples in time, holds back the last, and compares the models on those. A model that is worse
    there is not written unless --force is given. Paths and table are those of the task.
    """
    from fedbragg.learn.settings import FitSettings
    from fedbragg.progress import bars
    from fedbragg.tasks.adapt import Adapting
    from fedbragg.tasks.registry import default_model
    from fedbragg.workflows.train import TrainRequest
    from fedbragg.workflows.train import train as adapt

    request = TrainRequest(
        paths=tuple(paths),
        labels=labels,
        out=out,
        model=start or default_model(task),
        adapting=Adapting(FitSettings(epochs, learning_rate=learning_rate, device=device), seed, prior),
        held_out=held_out,
        force=force,
    )
    with bars() as progress:
        found = adapt(request, progress)
    _show(found)
    say(f"written            {out}")
    say(f"next               {found.next_command.format(model=out)}")
    return 0


def _show(found: Trained) -> None:
    say(f"{found.unit + 's':<18} {found.trained} trained on, the last {found.held_out} held back")
    for name, after in found.after.items():
        say(f"{name:<18} {found.before[name]} -> {after}")
    say(f"change             {found.headline} {found.gain.signed}: {found.verdict}")
