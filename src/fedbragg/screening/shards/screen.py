"""Screen a shard into its folder: every frame as the model decides, before drift is watched."""

from __future__ import annotations

from collections.abc import Callable

from fedbragg.screening.judge import Judge, judge_frames
from fedbragg.screening.session import Outcome, Session, VerdictStream, write_verdicts
from fedbragg.screening.shards.frame_table import frame_files, frames_in
from fedbragg.screening.summary.tally import Tally
from fedbragg.types import Run


def screen_shard_to_folder(run: Run, judge: Judge, session: Session, step: Callable[[], object]) -> Outcome:
    """Screen a part of a run, or the rest of it; ``step`` is called after each frame.

    Raises InputError where results cannot be read back or written.
    """
    spots, done = judge.scorer.list_spots, session.start.done
    tally = Tally(judge.threshold)
    if done:
        for verdict in frames_in(session.folder, done, spots=spots):
            tally.add(verdict)
    frames = session.frames
    judged = judge_frames(run, judge, session.threads, frames.start + done, frames.stop)
    tables = frame_files(session.folder, spots=spots, sizes=session.start.sizes)
    return write_verdicts(VerdictStream(judged, tables, tally), session, step)
