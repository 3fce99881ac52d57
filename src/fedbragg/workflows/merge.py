"""Merge the shards of a run into the folder that one machine would have written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import ConfigError, FedbraggError, InputError
from fedbragg.progress import SILENT, Progress
from fedbragg.workflows.screen import Opened, Screening, drift_monitor, open_checked, with_promise

if TYPE_CHECKING:
    from fedbragg.screening.checkpoint import Identity
    from fedbragg.screening.session import Outcome, Session
    from fedbragg.screening.shards.join import StoredShard
    from fedbragg.screening.shards.record import Request
    from fedbragg.types import Run


@dataclass(frozen=True, slots=True, eq=False)
class Merging:
    """Shards that make up a run, and the screening of which they are parts."""

    shards: Sequence[StoredShard]  # in the run's order
    run: Run
    screening: Screening
    session: Session


def begin_merge(folders: Sequence[Path], out: Path, warn: Callable[[str], None]) -> Merging:
    """Check, before any work, that the shards cover their run and that it is unchanged; raise FedbraggError."""
    from fedbragg.screening.checkpoint import start_over
    from fedbragg.screening.session import Session
    from fedbragg.screening.shards.join import join
    from fedbragg.screening.shards.record import RECORD

    if (out / RECORD).exists():
        raise ConfigError(f"--out {out}: holds a shard. Give another folder.")
    shards = join(folders)
    screening, opened = _opened(shards[0], out, warn)
    _check_unchanged(shards[0], opened.identity)
    seconds = sum(shard.checkpoint.seconds for shard in shards)
    start = replace(start_over(out, opened.identity), seconds=seconds)
    drift = drift_monitor(screening.predictor, screening.fail_safe, warn)
    session = Session(out, screening.threads, start, opened.grid, drift)
    return Merging(shards, opened.run, screening, session)


def merge(merging: Merging, progress: Progress = SILENT) -> Outcome:
    """Write the tables of the whole run."""
    from fedbragg.screening.shards.merge import merge_to_folder

    session = merging.session
    step = progress.stage("Merging", len(session.frames))
    return with_promise(merge_to_folder(merging.shards, session, step), merging.screening, session)


def _opened(shard: StoredShard, out: Path, warn: Callable[[str], None]) -> tuple[Screening, Opened]:
    """Open model and run as the shards name them; an error states where relative paths start."""
    try:
        screening = _screening(shard, out, warn)
        return screening, open_checked(shard.record.request.paths, screening)
    except FedbraggError as error:
        if shard.record.folder == str(Path.cwd()):
            raise
        raise InputError(
            f"{error} The shards were screened in {shard.record.folder}: merge them there."
        ) from None


def _screening(shard: StoredShard, out: Path, warn: Callable[[str], None]) -> Screening:
    """Return the settings of the whole screening, into the folder ``out``."""
    whole = screening_of(shard.record.request, shard.checkpoint.identity)
    return replace(whole, out=out, warn=warn)


def screening_of(request: Request, identity: Identity) -> Screening:
    """Return the screening that a shard's folder asks for, of one thread and into no folder."""
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.tasks import hits

    model = Path(request.model) if request.model else hits.default_model()
    return Screening(
        predictor=hits.open_model(model),
        threshold=identity.threshold,
        out=Path(),
        threads=1,
        outputs=Outputs(_path(request.table), _path(request.nxmx), _path(request.cxi), request.copy),
        grid=request.grid or None,
        snake=request.snake,
        fail_safe=identity.fail_safe,
        panels=request.panels,
        geometry=_path(request.geometry),
    )


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _check_unchanged(shard: StoredShard, identity: Identity) -> None:
    """Refuse a run or a model that is not the one that was screened: the report and the files of hits need both."""
    changed = shard.whole.changes(identity)
    if changed:
        raise InputError(
            f"{shard.folder}: cannot be merged, because {changed} changed since it was screened. "
            "Put back what was there, or screen the shards again."
        )
