"""``fedbragg tags train``: adapt a tags model to your own annotated images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.options import DeviceOption, PathsArgument
from fedbragg.cli.train import (
    EpochsOption,
    ForceOption,
    HeldOutOption,
    LearningRateOption,
    ModelOutOption,
    PriorOption,
    SeedOption,
)
from fedbragg.cli.train import train as adapt


def train(
    paths: PathsArgument,
    labels: Annotated[Path, typer.Option(help="Table path,frame,TAG,... with 1, 0, or nothing for unknown.")],
    out: ModelOutOption = Path("tags.onnx"),
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="MODEL", help="Model file to adapt.  [default: the packaged model]"),
    ] = None,
    epochs: EpochsOption = 15,
    learning_rate: LearningRateOption = 5e-4,
    held_out: HeldOutOption = 0.3,
    seed: SeedOption = 1,
    device: DeviceOption = "cpu",
    force: ForceOption = False,
    prior: PriorOption = None,
) -> int:
    """Adapt the packaged tags model, or another, to your own annotated images.

    Trains on the first images in time, holds back the last, and compares the models on those. A model that is worse
    there is not written unless --force is given. The same as `fedbragg train --task tags`.
    """
    from fedbragg.extras import require
    from fedbragg.workflows.tag_images import open_tag_model

    require("train", "training")
    model = open_tag_model(start).path  # refuses a model of another task
    return adapt(
        paths, labels, out, model, "tags", epochs, learning_rate, held_out, seed, device, force, prior
    )
