"""Open files of detector images as one run."""

from __future__ import annotations

from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.images.crystfel_geometry import read_geometry
from fedbragg.images.described_source import described
from fedbragg.images.followed_run import FollowedRun
from fedbragg.images.frame_requests import ReadAhead
from fedbragg.images.packed_frame import Reduce
from fedbragg.images.paths import Paths, expand
from fedbragg.images.registry import open_source
from fedbragg.images.run import FileRun
from fedbragg.types import Run


def open_run(
    paths: Paths,
    *,
    follow: bool = False,
    patience: float = 30.0,
    reading: ReadAhead | None = None,
    panels: bool = False,
    geometry: str | Path | None = None,
) -> Run:
    """Open files, globs or folders of detector images as one run.

    With ``follow`` the run may still be written: its frames are yielded as they arrive, until the writer closes its
    file or nothing has arrived for ``patience`` seconds. ``reading`` says how many frames are decoded ahead. With
    ``panels`` the images of a file (NumPy, TIFF, EDF) are the panels of one frame; HDF5 says so by a fourth axis.
    ``geometry`` is a CrystFEL geometry file: panels, bad pixels and places are then taken from there. Raises
    ConfigError when that cannot be used, RunError when there is no file, or when the run's only file cannot be opened.
    """
    if follow:
        if panels or geometry is not None:
            raise ConfigError(
                "a run that is still written takes no panels and no geometry. Leave out follow."
            )
        return FollowedRun(paths, reading or ReadAhead(), patience)
    return open_files(paths, reading=reading, panels=panels, geometry=geometry)


def open_files(
    paths: Paths,
    *,
    reading: ReadAhead | None = None,
    panels: bool = False,
    geometry: str | Path | None = None,
    reduce: Reduce | None = None,
) -> FileRun:
    """Open files that are complete; arguments and errors are those of ``open_run``.

    ``reduce`` works on a frame's rows while they are decoded, where the format allows it; see ``Frame.reduced``.
    """
    opener = open_source if geometry is None else described(open_source, read_geometry(Path(geometry)))
    return FileRun(expand(paths), reading or ReadAhead(), opener, panels=panels, reduce=reduce)
