"""The command line: all commands, with errors as one line and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

import typer

from fedbragg.cli.audit import audit
from fedbragg.cli.bench import bench
from fedbragg.cli.calibrate import calibrate
from fedbragg.cli.demo import demo
from fedbragg.cli.ending import end
from fedbragg.cli.evaluate import evaluate
from fedbragg.cli.federate import federate
from fedbragg.cli.grouped_help import GroupedHelp
from fedbragg.cli.join import join
from fedbragg.cli.look import look
from fedbragg.cli.merge import merge
from fedbragg.cli.phases import phases
from fedbragg.cli.provision import provision
from fedbragg.cli.replay import replay
from fedbragg.cli.review import review
from fedbragg.cli.screen import screen
from fedbragg.cli.segments import segments
from fedbragg.cli.serve import serve
from fedbragg.cli.show import interrupted, warnings_in_one_line
from fedbragg.cli.simulate import simulate
from fedbragg.cli.status import status
from fedbragg.cli.tags import tags
from fedbragg.cli.train import train
from fedbragg.cli.watch import watch
from fedbragg.errors import FedbraggError
from fedbragg.version import __version__


class _Commands(typer.core.TyperGroup):
    """The group of commands; it prints a line when interrupted, where Typer prints nothing."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            return interrupted()


app = typer.Typer(
    name="fedbragg",
    cls=_Commands,
    help="Screen diffraction images with models that facilities train together without sharing an image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help wraps its paragraphs and starts faster
)


for command in (
    demo,
    screen,
    merge,
    watch,
    replay,
    look,
    review,
    evaluate,
    train,
    calibrate,
    federate,
    bench,
    simulate,
    provision,
    serve,
    join,
    status,
    audit,
):
    app.command(cls=GroupedHelp)(command)


app.add_typer(phases)
app.add_typer(tags)
app.add_typer(segments)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 a user's mistake, 130 interrupted."""
    if arguments is None:
        sys.unraisablehook = _interrupt_again
    code = _run(arguments)
    return end(code) if arguments is None else code


def _interrupt_again(lost: Any) -> None:
    """Repeat a Ctrl-C that arrived during a finaliser, where Python would ignore it."""
    if lost.exc_type is KeyboardInterrupt:
        again = (threading.main_thread().ident, signal.SIGINT)
        threading.Timer(0.05, signal.pthread_kill, again).start()  # the finaliser has ended by then
    else:
        sys.__unraisablehook__(lost)


def _run(arguments: Sequence[str] | None) -> int:
    command = typer.main.get_command(app)
    try:
        with warnings_in_one_line():
            result = command.main(args=arguments, prog_name="fedbragg", standalone_mode=False)
    except typer.TyperException as error:
        typer.echo(f"fedbragg: {error.format_message()}", err=True)
        return error.exit_code
    except FedbraggError as error:
        typer.echo(f"fedbragg: {error}", err=True)
        return 2
    except OSError as error:  # such as a full disk or a folder without write access
        remedy = "Check the path, its rights and the space on its disk."
        typer.echo(f"fedbragg: {_one_line(error)}. {remedy}", err=True)
        return 2
    return result if isinstance(result, int) else 0


def _one_line(error: OSError) -> str:
    """Return in one line what the system refused, with the file where it is known."""
    named = error.filename is not None and error.strerror is not None
    return f"{error.filename}: {error.strerror}" if named else " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
