"""The page: self-contained, and safe with any name."""

from __future__ import annotations

import base64
import re

from pages import UNSAFE, parsed

from fedbragg.report.page import PageSection, drawing, gallery, key_figures, page, paragraph, table


def test_a_name_that_is_not_utf8_can_be_written() -> None:
    assert "gr?n.cbf" in page("title", "gr\udcfcn.cbf", []).encode("utf-8").decode("utf-8")


def test_names_are_escaped() -> None:
    parts = [
        paragraph(UNSAFE),
        paragraph(UNSAFE, warn=True),
        key_figures([(UNSAFE, UNSAFE)]),
        table((UNSAFE,), [(UNSAFE,)]),
        drawing("<svg></svg>", UNSAFE),
        gallery([(b"jpeg", UNSAFE)]),
    ]
    text = page(UNSAFE, UNSAFE, [PageSection(UNSAFE, parts)])
    found = parsed(text)
    assert "script" not in found.tags
    assert "".join(found.words).count(UNSAFE) == 12
    assert 'alt="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#x27;&quot;.cbf"' in text


def test_pictures_are_embedded_in_the_page() -> None:
    text = gallery([(b"\xff\xd8 bytes", "one"), (b"two", "two")])
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert [base64.b64decode(data) for data in found] == [b"\xff\xd8 bytes", b"two"]
