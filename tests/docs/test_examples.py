"""The code in the documentation runs as it stands, page by page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    "docs/how-to/python.md",
    "docs/how-to/add-a-rule.md",
    "docs/how-to/add-a-task.md",
    "docs/how-to/add-a-file-format.md",
    "docs/how-to/tags-heal.md",
    "docs/reference/simulate.md",
    "docs/index.md",
)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.timeout(600)  # half a minute of processor time, which a busy machine stretches
@pytest.mark.parametrize("page", PAGES)
def test_a_pages_code_runs_from_top_to_bottom(tmp_path: Path, tag_model: Path, page: str) -> None:
    code = "\n".join(blocks(ROOT / page))
    assert code
    shutil.copy(tag_model, tmp_path / "tags.onnx")
    (tmp_path / "page.py").write_text(code, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-W", "error", "page.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_the_python_page_shows_every_public_function() -> None:
    import fedbragg

    code = "\n".join(blocks(ROOT / "docs/how-to/python.md"))
    missing = [name for name in fedbragg.__all__ if name != "__version__" and f"fedbragg.{name}(" not in code]
    assert missing == []


def test_the_index_of_decisions_lists_each_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    for page in folder.glob("0*.md"):
        title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({page.name})" in index
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in page.read_text(encoding="utf-8"), page.name
