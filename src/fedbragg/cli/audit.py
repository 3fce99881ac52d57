"""``fedbragg audit``: check the record of what left a site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.exit_codes import DIFFERENT
from fedbragg.cli.real_sites import size_text
from fedbragg.cli.serve import KitArgument
from fedbragg.cli.show import say
from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from fedbragg.federation.engines.remote.audit import AuditFile


def audit(
    kit: KitArgument,
    server: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The server's record, received.jsonl in its kit: compare with it."),
    ] = None,
) -> int:
    """Check a site's record of what left it: no line changed or missing, and the same messages as the server's record.

    The record is KIT/site/sent.jsonl: time, topic, names of the fields, bytes and SHA-256 of each message, and the
    epsilon spent so far where training is private. The exit code is 3 where a line was changed or removed, or the
    two records differ.
    """
    from fedbragg.federation.engines.nvflare.kit import open_kit
    from fedbragg.federation.engines.remote.audit import compare, totals
    from fedbragg.federation.engines.remote.audit_log import SENT

    site = open_kit(kit, "site").name
    own = _read(kit / "site" / SENT, "the site has sent nothing yet, or ran an earlier version")
    problems = list(own.problems)
    if server is not None:
        other = _read(server, "give received.jsonl of the server's kit")
        problems += [*other.problems, *compare(own.entries, other.entries, site)]
    for topic, (count, size) in sorted(totals(own.entries).items()):
        say(f"{topic}: {count} messages, {size_text(size)}")
    epsilons = [entry["epsilon"] for entry in own.entries if "epsilon" in entry]
    if epsilons:
        say(f"epsilon: {epsilons[-1]:.3g} so far, in the last private federation")
    for problem in problems:
        say(problem)
    return DIFFERENT if problems else 0


def _read(path: Path, hint: str) -> AuditFile:
    from fedbragg.federation.engines.remote.audit import read_audit

    try:
        return read_audit(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); {hint}.") from None
