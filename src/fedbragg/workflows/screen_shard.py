"""Screen one shard of a run into a folder, for `fedbragg.workflows.merge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.progress import SILENT, Progress
from fedbragg.workflows.screen import Screening, judge_of, open_checked, screening_step

if TYPE_CHECKING:
    from fedbragg.screening.session import Outcome, Session
    from fedbragg.screening.shards.record import Request, ShardRecord
    from fedbragg.screening.shards.shard import Shard
    from fedbragg.types import Run


def begin_shard(
    paths: Sequence[str], screening: Screening, shard: Shard, *, resume: bool
) -> tuple[Run, Session]:
    """Open the run and start a shard of its screening, or continue it; raise FedbraggError before any work."""
    from fedbragg.screening import checkpoint
    from fedbragg.screening.session import Session
    from fedbragg.screening.shards.record import RECORD, save_record
    from fedbragg.workflows.folder import make_folder

    opened = open_checked(paths, screening)
    identity = replace(opened.identity, shard=str(shard))
    start = (checkpoint.resume if resume else checkpoint.start_over)(screening.out, identity)
    make_folder(screening.out)
    save_record(screening.out, record_of(paths, screening, shard, identity.frames))
    session = Session(
        screening.out,
        screening.threads,
        replace(start, outputs=[RECORD]),
        part=shard.positions(identity.frames),
    )
    return opened.run, session


def screen_shard(run: Run, screening: Screening, session: Session, progress: Progress = SILENT) -> Outcome:
    """Screen the shard, or the rest of it; drift is watched when the shards are merged."""
    from fedbragg.screening.shards.screen import screen_shard_to_folder

    judge = judge_of(screening.predictor, screening.threshold, run.geometry, list_spots=screening.list_spots)
    return screen_shard_to_folder(run, judge, session, screening_step(session, progress))


def record_of(paths: Sequence[str], screening: Screening, shard: Shard, frames: int) -> ShardRecord:
    """Return the record that a shard's folder holds; ``frames`` are those of the whole run."""
    from fedbragg.screening.shards.record import ShardRecord
    from fedbragg.version import __version__

    return ShardRecord(shard, frames, _request(paths, screening), str(Path.cwd()), __version__)


def _request(paths: Sequence[str], screening: Screening) -> Request:
    from fedbragg.screening.shards.record import Request
    from fedbragg.tasks.hits import default_model

    outputs, model = screening.outputs, screening.predictor.path
    return Request(
        paths=tuple(paths),
        model="" if model == default_model() else str(model),
        geometry=_text(screening.geometry),
        panels=screening.panels,
        grid=screening.grid or "",
        snake=screening.snake,
        table=_text(outputs.table),
        nxmx=_text(outputs.nxmx),
        cxi=_text(outputs.cxi),
        copy=outputs.copy,
    )


def _text(path: Path | None) -> str:
    return "" if path is None else str(path)
