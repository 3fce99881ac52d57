"""Long lists of options are in groups in the help, and each option is in one of them."""

from __future__ import annotations

import re
from itertools import chain

import pytest
from commands import done
from typer.main import get_command

from fedbragg.cli.main import app


def groups(command: str) -> dict[str, list[str]]:
    """Return the options of each group that the help of a command shows, in its order."""
    found: dict[str, list[str]] = {}
    options: list[str] = []  # a line of the description may begin with an option too
    for line in done(command, "--help").splitlines():
        if line.endswith(":") and not line.startswith(" "):
            found[line.removesuffix(":")] = options = []
        elif match := re.match(r"  (--[a-z-]+)", line):
            options.append(match[1])
    return found


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("screen", ["Arguments", "Options", "More results", "Kind of images", "Many machines"]),
        (
            "watch",
            [
                "Arguments",
                "Options",
                "Frames that come too fast",
                "More results",
                "Runs on disk",
                "Page and EPICS variables",
            ],
        ),
        ("look", ["Arguments", "Options"]),  # its one option of a group stays with the others
    ],
)
def test_the_help_of_a_command_has_these_groups(command: str, names: list[str]) -> None:
    found = groups(command)
    assert sorted(found) == sorted(names)
    assert list(found)[:2] == ["Arguments", "Options"]
    assert found["Options"][-1] == "--help"
    assert all(len(options) <= 9 for options in found.values())
    known = [
        each.opts[0] for each in get_command(app).commands[command].params if each.param_type_name == "option"
    ]
    assert sorted(chain.from_iterable(found.values())) == sorted([*known, "--help"])
