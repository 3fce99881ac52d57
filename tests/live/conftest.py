import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # messages.py lies beside the tests


@pytest.fixture(scope="session")
def recorded_series() -> Path:
    """Return the folder with the recorded start, image and end of an EIGER2 16M, or skip."""
    data = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    folder = data / "stream2"
    if not folder.is_dir():
        pytest.skip(f"the recorded series is not at {folder} (set FEDBRAGG_DATA)")
    return folder.resolve()
