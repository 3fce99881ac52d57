"""The documentation's site builds without a warning and loads nothing from outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTSIDE = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?:)?//[^>]*>")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; a dead link, a dead anchor or a page outside the navigation ends it with an error."""
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return folder


def test_every_page_is_there_and_loads_nothing_from_outside(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert pages <= built
    for page in site.rglob("*.html"):
        for tag in OUTSIDE.finditer(page.read_text(encoding="utf-8")):
            assert 'rel="canonical"' in tag[0], f"{page.name}: {tag[0]}"


def test_the_api_pages_show_every_public_function(site: Path) -> None:
    import fedbragg

    text = (site / "api" / "fedbragg.html").read_text(encoding="utf-8")
    for name in fedbragg.__all__:
        if name != "__version__":
            assert f'.{name}"' in text, name
