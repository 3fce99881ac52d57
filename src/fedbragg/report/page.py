"""One self-contained HTML page of text, tables, figures and pictures, which loads nothing from outside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from fedbragg.version import __version__

STYLE = "page.css"


@dataclass(frozen=True, slots=True)
class PageSection:
    """A heading and the HTML fragments under it."""

    title: str
    parts: Sequence[str]


def page(title: str, lead: str, sections: Sequence[PageSection], *, style: str = "", script: str = "") -> str:
    """Return the whole page; ``style`` and ``script`` name files of this package that it needs beside its own."""
    body = "".join(f"<section><h2>{escape(s.title)}</h2>{''.join(s.parts)}</section>" for s in sections)
    styles = _packaged(STYLE) + (_packaged(style) if style else "")
    program = f"<script>{_packaged(script)}</script>" if script else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{styles}</style></head>'
        f'<body><main><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>{body}'
        f"<footer>fedbragg {__version__}</footer></main>{program}</body></html>\n"
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # file names need not be UTF-8


def sentence(text: str) -> str:
    """Return a phrase as a sentence: with a capital and a full stop."""
    return f"{text[0].upper()}{text[1:]}."


def _packaged(name: str) -> str:
    return files("fedbragg.report").joinpath(name).read_text(encoding="utf-8")


def paragraph(text: str, *, warn: bool = False) -> str:
    """Return a paragraph of plain text."""
    return f'<p class="warn">{escape(text)}</p>' if warn else f"<p>{escape(text)}</p>"


def key_figures(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the key figures as (name, value) pairs, the value above its name."""
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in pairs)
    return f'<div class="key-figures">{cells}</div>'


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: text in the first column, figures in the others."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def properties(rows: Sequence[tuple[str, str]]) -> str:
    """Return a table of (name, value) pairs; long values are wrapped."""
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="properties"><tbody>{body}</tbody></table>'


def drawing(svg: str, caption: str) -> str:
    """Return a figure drawn as SVG, with its caption."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def gallery(pictures: Sequence[tuple[bytes, str]], *, large: bool = False) -> str:
    """Return JPEG pictures with captions side by side; ``large`` ones fill the page's width."""
    shown = "".join(_picture(image, caption) for image, caption in pictures)
    return f'<div class="gallery{" large" if large else ""}">{shown}</div>'


def _picture(image: bytes, caption: str) -> str:
    data = base64.b64encode(image).decode("ascii")
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(caption, quote=True)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
