import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # detector_files.py and others lie beside the tests


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of measured data, or skip."""
    folder = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"measured data are not at {folder} (set FEDBRAGG_DATA)")
    return folder.resolve()
