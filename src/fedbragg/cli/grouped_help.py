"""Help in plain text with the options in groups: Typer groups them by ``rich_help_panel`` in its rich help only."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer

OPTIONS, ARGUMENTS = "Options", "Arguments"


class GroupedHelp(typer.core.TyperCommand):
    """A command whose help names each group of options; a group of one stays with the others."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options without a group, then the groups in the order of their first options."""
        shown = [(_group(each), each.get_help_record(ctx)) for each in self.get_params(ctx)]
        sizes = Counter(group for group, record in shown if record is not None)
        sections: dict[str, list[tuple[str, str]]] = {ARGUMENTS: [], OPTIONS: []}
        for group, record in shown:
            if record is not None:
                alone = sizes[group] == 1 and group != ARGUMENTS
                sections.setdefault(OPTIONS if alone else group, []).append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def _group(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return ARGUMENTS
    return getattr(parameter, "rich_help_panel", None) or OPTIONS
