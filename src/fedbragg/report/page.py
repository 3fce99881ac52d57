"""One self-contained HTML page: sections of text, tables, figures and pictures; nothing is loaded from outside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from fedbragg.version import __version__

STYLE = """
:root { --ink: #1c2733; --soft: #5b6b7b; --line: #dde4ea; --paper: #ffffff; --wash: #f5f7f9; --mark: #b3541e; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--wash); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 2rem 1.5rem 4rem; background: var(--paper); }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
p { max-width: 46rem; margin: .5rem 0; } .lead { color: var(--soft); margin-bottom: 1.2rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .84rem; font-variant-numeric: tabular-nums; }
th, td { padding: .32rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; white-space: normal; } th { color: var(--soft); font-weight: 600; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .88rem; max-width: 46rem; }
figure svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
.gallery figure { margin: 0; } .gallery img { width: 100%; display: block; border: 1px solid var(--line); }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.4rem; margin: 1.2rem 0; }
.facts div { min-width: 7rem; } .facts b { display: block; font-size: 1.5rem; font-weight: 600; }
.facts span { color: var(--soft); font-size: .88rem; }
.warn { border-left: 4px solid var(--mark); padding-left: .8rem; }
footer { color: var(--soft); font-size: .85rem; margin-top: 3rem; border-top: 1px solid var(--line); }
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the HTML fragments under it."""

    title: str
    parts: Sequence[str]


def page(title: str, lead: str, sections: Sequence[Section], *, style: str = "", script: str = "") -> str:
    """Return the whole page; ``style`` and ``script`` name files of this package that it needs beside its own."""
    body = "".join(f"<section><h2>{escape(s.title)}</h2>{''.join(s.parts)}</section>" for s in sections)
    styles = STYLE + (_packaged(style) if style else "")
    program = f"<script>{_packaged(script)}</script>" if script else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{styles}</style></head>'
        f'<body><main><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>{body}'
        f"<footer>fedbragg {__version__}</footer></main>{program}</body></html>\n"
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a file's name need not be UTF-8


def _packaged(name: str) -> str:
    return files("fedbragg.report").joinpath(name).read_text(encoding="utf-8")


def paragraph(text: str, *, warn: bool = False) -> str:
    """Return a paragraph of plain text."""
    return f'<p class="warn">{escape(text)}</p>' if warn else f"<p>{escape(text)}</p>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return figures to read at a glance: value over name."""
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in pairs)
    return f'<div class="facts">{cells}</div>'


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; its first column is text, the others are figures."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def drawing(svg: str, caption: str) -> str:
    """Return a figure drawn as SVG, with its caption."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def gallery(pictures: Sequence[tuple[bytes, str]]) -> str:
    """Return JPEG pictures with captions, side by side."""
    return (
        '<div class="gallery">' + "".join(_picture(image, caption) for image, caption in pictures) + "</div>"
    )


def _picture(image: bytes, caption: str) -> str:
    data = base64.b64encode(image).decode("ascii")
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(caption, quote=True)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
