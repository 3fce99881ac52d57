"""The files that a screening makes of its hits when they are known: Parquet, NXmx, CXI."""

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
    """What is asked for beside the table and the list of hits; None is not."""

    table: Path | None = None  # every verdict, as Parquet
    nxmx: Path | None = None  # the hits as one NXmx file
    cxi: Path | None = None  # the hits and their spots as one CXI file
    copy: bool = False  # hold the images themselves instead of pointing at them

    def paths(self) -> list[Path]:
        """Return what will be written."""
        return [path for path in (self.table, self.nxmx, self.cxi) if path is not None]

    def within(self, folder: Path) -> Outputs:
        """Return the same with every relative path seen from a folder."""
        table, nxmx, cxi = (path and folder / path for path in (self.table, self.nxmx, self.cxi))
        return Outputs(table, nxmx, cxi, self.copy)

    def check(self, files: Sequence[str]) -> None:
        """Raise ConfigError or MissingExtraError, before any work, for what cannot be made of these files."""
        for option, path, endings in (
            ("--table", self.table, PARQUET),
            ("--nxmx", self.nxmx, NXMX),
            ("--cxi", self.cxi, CXI),
        ):
            if path is not None and path.suffix.lower() not in endings:
                raise ConfigError(f"{option} {path.name}: give a name that ends in {' or '.join(endings)}.")
        images = self.nxmx or self.cxi
        if self.copy and images is None:
            raise ConfigError("--copy says how --nxmx or --cxi hold their images. Give one of them too.")
        if images is not None and not self.copy:
            _check_stacks(images, files)
        if self.paths():
            _check_names(files)
        _check_apart(self.paths(), files)
        if self.table is not None:
            require("parquet", "--table, which writes Parquet,")

    def write(self, folder: Path, run: Run) -> list[str]:
        """Write what is asked for, from the tables in ``folder``; return one line on each.

        A file appears when it is whole. Raises InputError where one cannot be made.
        """
        said = []
        if self.table is not None:
            from fedbragg.screening.outputs.parquet import write_parquet

            said.append(_made(self.table, lambda path: write_parquet(path, folder)))
        if self.nxmx is not None or self.cxi is not None:
            from fedbragg.screening.outputs.hits import kept_frames

            hits = kept_frames(folder)
            if self.nxmx is not None:
                from fedbragg.screening.outputs.nxmx import write_nxmx

                said.append(_made(self.nxmx, lambda path: write_nxmx(path, hits, run, copy=self.copy)))
            if self.cxi is not None:
                from fedbragg.screening.outputs.cxi import write_cxi

                said.append(_made(self.cxi, lambda path: write_cxi(path, hits, run, folder, copy=self.copy)))
        return said


def _made(path: Path, write: Callable[[Path], str]) -> str:
    """Write under another name and put it in place when it is whole; return what there is to say of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as fresh:
            said = write(fresh)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}). Make room, or give another name.") from None
    return f"{path}{f', {said}' if said else ''}"


def _check_stacks(path: Path, files: Sequence[str]) -> None:
    """Refuse to point at images that are no HDF5."""
    from fedbragg.images.registry import is_hdf5

    for file in files:
        if not is_hdf5(file):
            raise ConfigError(f"{path.name}: cannot point into {file}, which is not HDF5. Add --copy.")


def _check_names(files: Sequence[str]) -> None:
    """Refuse names of other encodings, of which Linux takes any."""
    for file in files:
        try:
            file.encode("utf-8")
        except UnicodeEncodeError:
            readable = file.encode("utf-8", "replace").decode("utf-8")
            raise ConfigError(
                f"{readable}: a name that is no UTF-8, in which Parquet, NXmx and CXI have theirs. Rename the file."
            ) from None


def _check_apart(paths: Sequence[Path], files: Sequence[str]) -> None:
    """Refuse to write over an image, or over one's own output."""
    real = [os.path.realpath(path) for path in paths]
    if len(set(real)) < len(real):
        raise ConfigError(f"{paths[0].name}: asked for twice. Give each output a name of its own.")
    images = {os.path.realpath(file) for file in files}
    for path, target in zip(paths, real, strict=True):
        if target in images:
            raise ConfigError(f"{path}: is one of the images to screen. Give another name.")
