"""Write the results of a whole run from its shards: what depends on the order of frames happens here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fedbragg.screening.outputs.tables import verdict_files
from fedbragg.screening.session import Outcome, Session, VerdictStream, write_verdicts
from fedbragg.screening.shards.join import StoredShard, verdicts_of
from fedbragg.screening.summary.tally import Tally


def merge_to_folder(shards: Sequence[StoredShard], session: Session, step: Callable[[], object]) -> Outcome:
    """Watch drift over the shards' verdicts, write and count them, as one machine does while it screens.

    ``step`` is called after each frame. Raises InputError where shards cannot be read, or results not be written.
    """
    identity = session.start.identity
    tables = verdict_files(session.folder, spots=identity.spots)
    return write_verdicts(
        VerdictStream(verdicts_of(shards), tables, Tally(identity.threshold, session.grid)), session, step
    )
