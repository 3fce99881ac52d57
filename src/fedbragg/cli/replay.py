"""``fedbragg replay``: send a run as a detector sends its frames."""

from __future__ import annotations

from typing import Annotated

import typer

from fedbragg.cli.exit_codes import STOPPED, UNREADABLE
from fedbragg.cli.options import PathsArgument
from fedbragg.cli.show import say, warn


def replay(
    paths: PathsArgument,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="ADDRESS",
            help="Where to send, such as tcp://*:31001, or pva://NAME for an EPICS channel.",
        ),
    ],
    rate: Annotated[
        float, typer.Option(min=0, help="Images a second; 0 is as fast as receivers take them.")
    ] = 0.0,
    compression: Annotated[str, typer.Option(help="bslz4, lz4 or none.")] = "bslz4",
    bind: Annotated[
        bool, typer.Option("--bind/--connect", help="Wait for receivers as a detector does, or connect.")
    ] = True,
    series: Annotated[
        str, typer.Option(help="The series' unique id.", show_default="the run's name and the time")
    ] = "",
) -> int:
    """Send a run of image files, or a folder of `watch --record`, as DECTRIS Stream2; a run also as NTNDArray.

    The start message carries the run's mask and geometry. A recording is sent byte for byte as it came. Frames that
    cannot be read are left out; the exit code is then 3.
    """
    from fedbragg.progress import bars
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.replay import ReplayRequest
    from fedbragg.workflows.replay import replay as send

    request = ReplayRequest(paths, to, rate, compression, bind, series)
    with StopSignal() as stop, bars() as progress:
        sent = send(request, lambda: bool(stop.number), progress.stage("Sending"))
    if sent.stopped:
        warn(f"stopped after {sent.messages} messages")
        return STOPPED + stop.number
    say(f"messages    {sent.messages}")
    say(f"messages/s  {sent.messages / max(sent.seconds, 1e-9):.1f}")
    if sent.left_out:
        say(f"left out    {sent.left_out} frames that cannot be read")
    return UNREADABLE if sent.left_out else 0
