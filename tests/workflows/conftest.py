import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # toys.py lies beside the tests


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the toy task for one test."""
    from toys import install_toy

    install_toy(tmp_path / "installed", monkeypatch)
