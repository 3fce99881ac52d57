"""``fedbragg review``: look at frames and label them, in the browser."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.options import IMAGES, GeometryOption, ModelOption, PathsArgument, open_hit_finder
from fedbragg.cli.page_options import HERE, HostOption, PortOption, TlsCertOption, TlsKeyOption, say_address
from fedbragg.cli.screen import SnakeOption
from fedbragg.cli.show import say, warn
from fedbragg.web.serving import Listening


def review(
    paths: PathsArgument,
    labels: Annotated[
        Path,
        typer.Option(help="Table of labels to write, path,frame,label; beside it a .jsonl with everything."),
    ] = Path("labels.csv"),
    task: Annotated[
        str | None,
        typer.Option(
            help="Label the examples of a task by ticking answers: tags, phases.",
            show_default="frames: hit, maybe or miss",
        ),
    ] = None,
    model: ModelOption = None,
    person: Annotated[str | None, typer.Option(help="Who labels.", show_default="the login name")] = None,
    geometry: GeometryOption = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="Scores of a screening.  [default: verdicts.csv or screening/ beside the labels]",
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLS",
            help="The run is a grid scan: show a map to click in.",
            rich_help_panel=IMAGES,
        ),
    ] = None,
    snake: SnakeOption = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same random order.")] = 1,
    host: HostOption = HERE,
    port: PortOption = 0,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
) -> int:
    """Open a page to look at the frames of a run and label them hit, maybe or miss.

    Prints the page's address, which holds a secret, and serves it until Ctrl-C. Each label is on the disk before the
    next frame shows. The table is what train, calibrate, evaluate and join read. The images are never changed.
    """
    from fedbragg.extras import require

    require("page", "the page")
    from fedbragg.review.opening import ReviewRequest, open_session
    from fedbragg.review.server import application
    from fedbragg.review.teaching.session import Teaching
    from fedbragg.web.serving import serve
    from fedbragg.workflows.teach_worker import COMMAND

    listening = Listening(host, port, tls_cert, tls_key)
    listening.check()
    if task is not None:
        return _review_ticks(task, paths, (person or _login_name(), labels, model), listening)
    predictor = open_hit_finder(model)
    request = ReviewRequest(
        tuple(paths), labels, person or _login_name(), geometry, seed, verdicts, grid, snake
    )
    session, where = open_session(request, predictor)
    for notice in session.notices():
        warn(notice)
    with announced_compiling(warn):
        session.cache.warm_up()
    say(f"frames     {len(session.numbers)}")
    say(f"labels     {labels}, by {request.person}")
    teaching = Teaching(session, COMMAND)
    try:
        serve(lambda admission: application(session, teaching, where, admission), listening, say_address)
    finally:
        teaching.close()
        session.scores.stop()
    return 0


def _review_ticks(
    task: str, paths: list[str], given: tuple[str, Path, Path | None], listening: Listening
) -> int:
    """Label by ticking; ``given`` is who labels, the table and the model file."""
    from fedbragg.review.ticks.tick_server import tick_application
    from fedbragg.review.ticks.tick_session import TickReviewer, TickSession
    from fedbragg.tasks.registry import open_checklist
    from fedbragg.web.serving import serve

    person, table, model = given
    checklist, file = open_checklist(task, paths, model, table)
    session = TickSession(checklist, TickReviewer(person, table, file))
    for notice in session.notices():
        warn(notice)
    say(f"examples   {len(session.numbers)}")
    say(f"labels     {table}, by {person}")
    serve(lambda admission: tick_application(session, admission), listening, say_address)
    return 0


def _login_name() -> str:
    from fedbragg.errors import InputError

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        raise InputError("the login name is not known. Give --person NAME.") from None
