"""Everything that a page loads: the addresses in it."""

from __future__ import annotations

from html.parser import HTMLParser

UNSAFE = '<script>alert("1")</script>&amp;\'".cbf'
"""A name of a file that would be HTML if it were not escaped."""
NAMES = frozenset(("src", "srcset", "href", "xlink:href", "action", "data", "poster"))


class Addresses(HTMLParser):
    """Collects addresses, tags, text and pictures of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in NAMES]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(page: str) -> Addresses:
    parser = Addresses()
    parser.feed(page)
    parser.close()
    return parser


def loads_nothing(page: str) -> bool:
    """Return whether a page needs nothing from outside: only data and links within the page, and no script."""
    found = parsed(page)
    inside = all(address.startswith(("data:", "#")) for address in found.addresses)
    return (
        inside
        and not {"script", "link", "iframe", "object", "embed"} & set(found.tags)
        and "@import" not in page
    )
