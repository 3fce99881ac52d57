"""``fedbragg segments train``: train a segments model on your own micrographs and masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import DeviceOption
from fedbragg.cli.show import say
from fedbragg.cli.train import EpochsOption, ForceOption, LearningRateOption, ModelOutOption, SeedOption
from fedbragg.precision import Precision

if TYPE_CHECKING:
    from fedbragg.workflows.train_segments import TrainedSegments


def train(
    images: Annotated[Path, typer.Option(help="Folder of the micrographs.")],
    masks: Annotated[
        Path, typer.Option(help="Folder of the masks: class indices, 255 for unknown; same file names.")
    ],
    out: ModelOutOption = Path("segments.onnx"),
    classes: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME,...", help="Classes by index, the matrix first.", show_default="the start's"
        ),
    ] = "",
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="MODEL", help="Model file to start from.  [default: the packaged model]"
        ),
    ] = None,
    epochs: EpochsOption = 180,
    learning_rate: LearningRateOption = 2e-3,
    held_out: Annotated[
        float,
        typer.Option(
            min=0, max=0.9, help="Share of the micrographs, the last by name, that test; 0 tests nothing."
        ),
    ] = 0.3,
    seed: SeedOption = 1,
    device: DeviceOption = "cpu",
    precision: Annotated[
        Precision,
        typer.Option(
            help="Of the products in the layers; bfloat16 is faster on processors that have it (avx512_bf16, GPUs)."
        ),
    ] = "float32",
    force: ForceOption = False,
) -> int:
    """Train on your own micrographs and masks, which are paired by file name.

    The last micrographs test what the first ones teach; a model that is worse there than the start is not written
    unless --force is given. The model that is written has learnt from all of them.
    """
    from fedbragg.extras import require

    require("train", "training")
    require("segments", "segmenting micrographs")
    from fedbragg.progress import bars
    from fedbragg.tasks.segments import default_model
    from fedbragg.workflows.train_segments import FITTING, SegmentsTraining, train_segments

    training = SegmentsTraining(
        images=images,
        masks=masks,
        out=out,
        model=start or default_model(),
        names=tuple(name.strip() for name in classes.split(",") if name.strip()),
        fit=replace(FITTING, epochs=epochs, learning_rate=learning_rate, device=device, precision=precision),
        held_out=held_out,
        seed=seed,
        force=force,
    )
    with bars() as progress:
        found = train_segments(training, progress)
    _show(found)
    say(f"written            {out}")
    say(f"next               fedbragg segments label IMAGE... --model {out}")
    return 0


def _show(found: TrainedSegments) -> None:
    say(f"classes            {', '.join(f'{i} {name}' for i, name in enumerate(found.names))}")
    if not found.held_out:
        say(
            f"micrographs        {found.trained} trained on, none held back: nothing says how good the model is"
        )
        return
    say(f"micrographs        {found.trained} trained on to be tested by the last {found.held_out}, then all")
    for name, after in found.metrics.items():
        say(f"{name:<18} {f'{found.before[name]} -> ' if found.before else ''}{after}")
