"""The files that the user asks for beside the tables, written at the end: Parquet, NXmx, CXI."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedbragg.errors import ConfigError, InputError
from fedbragg.extras import require
from fedbragg.files import written_whole
from fedbragg.types import Run

PARQUET, NXMX, CXI = (".parquet",), (".nxs", ".h5", ".nx5", ".hdf5"), (".cxi",)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files asked for; None where one is not."""

    table: Path | None = None  # every verdict, as Parquet
    nxmx: Path | None = None  # the hits as one NXmx file
    cxi: Path | None = None  # the hits and their spots as one CXI file
    copy: bool = False  # copy the images instead of pointing at them

    def paths(self) -> list[Path]:
        """Return the files that will be written."""
        return [path for path in (self.table, self.nxmx, self.cxi) if path is not None]

    def within(self, folder: Path) -> Outputs:
        """Return the same with relative paths taken from a folder."""
        table, nxmx, cxi = (path and folder / path for path in (self.table, self.nxmx, self.cxi))
        return Outputs(table, nxmx, cxi, self.copy)

    def check(self, files: Sequence[str]) -> None:
        """Raise ConfigError or MissingExtraError, before any work, for what cannot be written of these files."""
        for option, path, endings in (
            ("--table", self.table, PARQUET),
            ("--nxmx", self.nxmx, NXMX),
            ("--cxi", self.cxi, CXI),
        ):
            if path is not None and path.suffix.lower() not in endings:
                raise ConfigError(f"{option} {path.name}: give a name that ends in {' or '.join(endings)}.")
        images = self.nxmx or self.cxi
        if self.copy and images is None:
            raise ConfigError("--copy applies to --nxmx and --cxi only. Give one of them too.")
        if images is not None and not self.copy:
            _check_hdf5(images, files)
        if self.paths():
            _check_names(files)
        _check_distinct(self.paths(), files)
        if self.table is not None:
            require("parquet", "--table, which writes Parquet,")

    def write(self, folder: Path, run: Run) -> list[str]:
        """Write the files from the tables in ``folder``; return one line about each.

        A file appears when it is whole. Raises InputError where one cannot be written.
        """
        lines = []
        if self.table is not None:
            lines.append(_written(self.table, lambda path: _write_parquet(path, folder)))
        if self.nxmx is None and self.cxi is None:
            return lines
        from fedbragg.screening.outputs.cxi import write_cxi
        from fedbragg.screening.outputs.hits import read_hits
        from fedbragg.screening.outputs.nxmx import write_nxmx

        hits, copy = read_hits(folder), self.copy
        if self.nxmx is not None:
            lines.append(_written(self.nxmx, lambda path: write_nxmx(path, hits, run, copy=copy)))
        if self.cxi is not None:
            lines.append(_written(self.cxi, lambda path: write_cxi(path, hits, run, folder, copy=copy)))
        return lines


def _write_parquet(path: Path, folder: Path) -> str:
    from fedbragg.screening.outputs.parquet import write_parquet

    write_parquet(path, folder)
    return ""


def _written(path: Path, write: Callable[[Path], str]) -> str:
    """Write a file under another name and move it into place when it is whole; return the line about it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished:
            content = write(unfinished)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}). Make room, or give another name.") from None
    return f"{path}, {content}" if content else str(path)


def _check_hdf5(path: Path, files: Sequence[str]) -> None:
    """Refuse to point at images that are not HDF5."""
    from fedbragg.images.registry import is_hdf5

    for file in files:
        if not is_hdf5(file):
            raise ConfigError(f"{path.name}: cannot point into {file}, which is not HDF5. Add --copy.")


def _check_names(files: Sequence[str]) -> None:
    """Refuse file names that are not UTF-8, which Linux allows."""
    for file in files:
        try:
            file.encode("utf-8")
        except UnicodeEncodeError:
            readable = file.encode("utf-8", "replace").decode("utf-8")
            raise ConfigError(
                f"{readable}: its name is not UTF-8, as Parquet, NXmx and CXI need it. Rename the file."
            ) from None


def _check_distinct(paths: Sequence[Path], files: Sequence[str]) -> None:
    """Refuse to overwrite an image, or one output with another."""
    real = [os.path.realpath(path) for path in paths]
    if len(set(real)) < len(real):
        raise ConfigError(f"{paths[0].name}: asked for twice. Give each output its own name.")
    images = {os.path.realpath(file) for file in files}
    for path, target in zip(paths, real, strict=True):
        if target in images:
            raise ConfigError(f"{path}: is one of the images to screen. Give another name.")
