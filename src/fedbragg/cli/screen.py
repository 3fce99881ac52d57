"""``fedbragg screen``: score every frame, keep the hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.options import (
    IMAGES,
    GeometryOption,
    ModelOption,
    OutOption,
    PathsArgument,
    ThreadsOption,
    ThresholdOption,
    open_hit_finder,
)
from fedbragg.cli.screen_cluster import ClusterOptions, screen_on_cluster
from fedbragg.cli.screen_shard import screen_one_shard
from fedbragg.cli.screen_whole import screen_whole_run
from fedbragg.cli.show import warn
from fedbragg.errors import ConfigError

RESULTS, MACHINES = "More results", "Many machines"
"""Groups of options in the help."""
TableOption = Annotated[
    Path | None,
    typer.Option(
        help="All verdicts as Parquet too: a name in OUT, such as verdicts.parquet.", rich_help_panel=RESULTS
    ),
]
NxmxOption = Annotated[
    Path | None, typer.Option(help="The hits as one NXmx file: a name in OUT.", rich_help_panel=RESULTS)
]
CxiOption = Annotated[
    Path | None,
    typer.Option(help="The hits and their spots as one CXI file: a name in OUT.", rich_help_panel=RESULTS),
]
CopyOption = Annotated[
    bool,
    typer.Option(
        "--copy",
        help="Copy images into --nxmx and --cxi instead of pointing at them.",
        rich_help_panel=RESULTS,
    ),
]
GridOption = Annotated[
    str | None,
    typer.Option(
        metavar="ROWSxCOLS", help="The run is a grid scan: draw a map of the scores.", rich_help_panel=IMAGES
    ),
]
SnakeOption = Annotated[
    bool,
    typer.Option(
        "--snake", help="Every second row of the grid was scanned backwards.", rich_help_panel=IMAGES
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Continue the screening in OUT where it stopped.")
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Screen part I of N of the run only; `fedbragg merge` joins the parts.",
        rich_help_panel=MACHINES,
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        metavar="auto|local|HOST:PORT",
        help="Screen on the nodes of a Ray cluster; auto: the one on this machine, else local, this machine alone.",
        rich_help_panel=MACHINES,
    ),
]
ShardsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="With --ray: parts of the run, one a node at a time.",
        show_default="four a node, of 1000 frames or more",
        rich_help_panel=MACHINES,
    ),
]
PanelsOption = Annotated[
    bool,
    typer.Option(
        "--panels",
        help="The images of a file (NumPy, TIFF, EDF) are the panels of one frame.",
        rich_help_panel=IMAGES,
    ),
]
FailSafeOption = Annotated[
    bool, typer.Option(help="Keep everything while frames are unlike those that the model was calibrated on.")
]


def screen(
    paths: PathsArgument,
    model: ModelOption = None,
    out: OutOption = Path("screening"),
    threshold: ThresholdOption = None,
    threads: ThreadsOption = 0,
    table: TableOption = None,
    nxmx: NxmxOption = None,
    cxi: CxiOption = None,
    copy: CopyOption = False,
    grid: GridOption = None,
    snake: SnakeOption = False,
    resume: ResumeOption = False,
    fail_safe: FailSafeOption = True,
    panels: PanelsOption = False,
    geometry: GeometryOption = None,
    shard: ShardOption = None,
    ray: RayOption = None,
    shards: ShardsOption = None,
) -> int:
    """Score every frame of a run and keep the hits.

    Writes OUT/verdicts.csv (path, frame, score, keep, background, spots, resolution, reason: one row a frame),
    OUT/hits.lst (a CrystFEL event list of the kept frames) and OUT/report.html; the images are never changed. A frame
    that cannot be read is kept; the exit code is then 3. After Ctrl-C the results of all finished frames are complete;
    --resume continues. With --shard OUT holds a part, which `fedbragg merge` joins with the others. With --ray the
    nodes of a cluster screen the parts, which are merged at the end; --threads are those of a node.
    """
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.screening.shards.shard import read_shard
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.screen import Screening

    _check_together(shard, ray, shards)
    part = read_shard(shard) if shard is not None else None
    predictor = open_hit_finder(model)
    screening = Screening(
        predictor=predictor,
        threshold=predictor.card.threshold if threshold is None else threshold,
        out=out,
        threads=threads,
        outputs=Outputs(table, nxmx, cxi, copy),
        grid=grid,
        snake=snake,
        fail_safe=fail_safe,
        warn=warn,
        panels=panels,
        geometry=geometry,
    )
    if ray is not None:
        return screen_on_cluster(paths, screening, ClusterOptions(ray, shards), resume=resume)
    here = replace(screening, threads=number_of_threads(threads))
    if part is not None:
        return screen_one_shard(paths, here, part, resume=resume)
    return screen_whole_run(paths, here, resume=resume)


def _check_together(shard: str | None, ray: str | None, shards: int | None) -> None:
    """Raise ConfigError for options that exclude or need each other."""
    if shard is not None and ray is not None:
        raise ConfigError("--shard is for one machine, --ray for all: leave one of them out.")
    if shards is not None and ray is None:
        raise ConfigError("--shards applies to --ray only. For one part give --shard, such as --shard 3/16.")
