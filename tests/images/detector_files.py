"""Write small files of every packaged format, each with known counts."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hdf5_files import Counts, nxmx


def counts(dtype: str, shape: tuple[int, ...] = (60, 70), seed: int = 1) -> Counts:
    """Return Poisson counts with a few strong spots."""
    rng = np.random.default_rng(seed)
    values = rng.poisson(20, shape)
    values[..., 10:13, 20:23] = 900
    return values.astype(dtype)


def cbf(path: Path, image: Counts) -> None:
    from fabio.cbfimage import CbfImage

    header = {
        "_array_data.header_convention": "PILATUS_1.2",
        "_array_data.header_contents": "# Detector: PILATUS 2M, S/N 24-0107\r\n# Pixel_size 172e-6 m x 172e-6 m\r\n"
        "# Count_cutoff 1000 counts\r\n# Wavelength 0.97 A\r\n# Detector_distance 0.25 m\r\n"
        "# Beam_xy (30.50, 25.25) pixels",
    }
    CbfImage(data=image, header=header).write(str(path))


def edf(path: Path, image: Counts) -> None:
    from fabio.edfimage import EdfImage

    EdfImage(data=image, header={"title": "test"}).write(str(path))


def tiff(path: Path, image: Counts) -> None:
    from fabio.tifimage import TifImage

    TifImage(data=image).write(str(path))


def smv(path: Path, image: Counts) -> None:
    rows, cols = image.shape
    text = (
        "{\nHEADER_BYTES=  512;\nDIM=2;\nBYTE_ORDER=little_endian;\nTYPE=unsigned_short;\nPIXEL_SIZE=0.1024;\n"
        "DETECTOR_SN=457;\nDISTANCE=150.0;\nWAVELENGTH=0.9791;\nBEAM_CENTER_X=5.12;\nBEAM_CENTER_Y=3.072;\n"
        f"CCD_IMAGE_SATURATION=60000;\nSIZE1={cols};\nSIZE2={rows};\n}}\n"
    )
    path.write_bytes(text.encode().ljust(512) + image.astype("<u2").tobytes())


def mar345(path: Path, image: Counts) -> None:
    from fabio.mar345image import ENDIANNESS, Mar345Image

    header = {"DISTANCE": "250.0", "WAVELENGTH": "0.71073", "PIXEL_LENGTH": 150, "PIXEL_HEIGHT": 150}
    file = Mar345Image(
        data=image.astype(np.uint32), header={**header, "CENTER_X": "36.5", "CENTER_Y": "35.5"}
    )
    file.byteorder = ENDIANNESS.LITTLE
    file.write(str(path))


def marccd(path: Path, image: Counts) -> None:
    """Write a TIFF whose MarCCD header fills bytes 1024 to 4095 and whose counts begin at 4096."""
    rows, cols = image.shape
    tags = [
        (256, 4, cols), (257, 4, rows), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 4096),
        (277, 3, 1), (278, 4, rows), (279, 4, rows * cols * 2),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    header = bytearray(3072)
    for offset, value in (
        (80, cols), (84, rows), (88, 2),  # nfast, nslow, depth
        (696, 200000),  # start_xtal_to_detector, micrometre
        (640 + 4, 32000), (640 + 8, 24000),  # beam_x, beam_y: a thousandth of a pixel
        (768 + 4, 79000), (768 + 8, 79000),  # pixelsize_x, y: nanometre
        (908, 97900),  # source_wavelength: femtometre
        (104, 65535),  # saturated_value
    ):  # fmt: skip
        struct.pack_into("<I", header, offset, value)
    header[4:7] = b"MMX"
    path.write_bytes(
        (b"II*\0\x08\0\0\0" + directory + bytes(4)).ljust(1024, b"\0")
        + bytes(header)
        + image.astype("<u2").tobytes()
    )


def kcd(path: Path, image: Counts) -> None:
    rows, cols = image.shape
    text = (
        "No comment\nData type = u16\nByteOrder = LowByteFirst\n"
        f"X dimension = {cols}\nY dimension = {rows}\nNumber of readouts = 1\n"
    )
    path.write_bytes(text.encode() + image.astype("<u2").tobytes())


def bruker(path: Path, image: Counts) -> None:
    """Write a byte a pixel, and a table of the pixels above 254 with their counts."""
    above = np.flatnonzero(image.ravel() > 254)
    keys = {
        "FORMAT": 86, "VERSION": 10, "HDRBLKS": 15, "NROWS": image.shape[0], "NCOLS": image.shape[1], "NPIXELB": 1,
        "NOVERFL": above.size, "WAVELEN": "0.71073 0.70930 0.71359", "DISTANC": "5.000", "CENTER": "35.25 30.75",
        "LINEAR": "1.0 0.0",
    }  # fmt: skip
    head = "".join(f"{key:<7}:{value:>10}".ljust(80) for key, value in keys.items())
    table = "".join(f"{image.ravel()[place]:>9}{place:>7}" for place in above)
    pixels = np.minimum(image, 255).astype(np.uint8).tobytes()
    path.write_bytes(head.encode().ljust(15 * 512) + pixels + table.encode())


def raxis(path: Path, image: Counts) -> None:
    """Write Rigaku's header of 1400 bytes in big-endian order, filled up to one record, and the counts."""
    rows, cols = image.shape
    record = max(2 * cols, 1400)
    header = bytearray(b"R-AXIS4".ljust(record, b"\0"))
    for offset, value in ((768, cols), (772, rows), (784, record), (788, (2 * rows * cols) // record)):
        struct.pack_into(">i", header, offset, value)
    for offset, number in ((292, 1.5418), (344, 120.0), (540, 35.5), (544, 30.25), (776, 0.1), (780, 0.1)):
        struct.pack_into(">f", header, offset, number)
    path.write_bytes(bytes(header) + image.astype(">u2").tobytes())


def esperanto(path: Path, image: Counts) -> None:
    from fabio.esperantoimage import EsperantoImage

    EsperantoImage(data=image).write(str(path))


def npy(path: Path, image: Counts) -> None:
    np.save(path, image)


def npz(path: Path, image: Counts) -> None:
    np.savez_compressed(path, image)


def ge(path: Path, images: Counts) -> None:
    """Write one image (rows, cols), or several (images, rows, cols)."""
    frames = images.reshape(-1, *images.shape[-2:])
    sizes = struct.pack("<10sHLHLHHHH", b"ADEPT", 1, 8192, 0, 0, *frames.shape, 16)
    path.write_bytes(sizes.ljust(8192, b"\0") + frames.astype("<u2").tobytes())


def hipic(path: Path, image: Counts) -> None:
    rows, cols = image.shape
    comment = b'[Application],Date="27-11-2026"\r\n\0'
    start = struct.pack("<2s6H", b"IM", len(comment), cols, rows, 0, 0, 2)
    path.write_bytes(start.ljust(64, b"\0") + comment + image.astype("<u2").tobytes())


Writer = Callable[[Path, Counts], None]
FORMATS: dict[str, tuple[Writer, str]] = {
    ".cbf": (cbf, "i4"),
    ".img": (smv, "u2"),
    ".mccd": (marccd, "u2"),
    ".mar345": (mar345, "u4"),
    ".edf": (edf, "i4"),
    ".tif": (tiff, "u2"),
    ".kcd": (kcd, "i4"),
    ".gfrm": (bruker, "u4"),
    ".osc": (raxis, "u2"),
    ".esper": (esperanto, "i4"),
    ".ge": (ge, "u2"),
    ".hipic": (hipic, "u2"),
    ".h5": (nxmx, "u2"),
    ".npy": (npy, "u2"),
    ".npz": (npz, "u2"),
}
"""The writer of each extension, and the dtype in which its counts are read back."""


def square(extension: str) -> tuple[int, int]:
    """Return a shape that the format allows; mar345, Bruker and Esperanto images are square."""
    if extension == ".esper":
        return (256, 256)
    return (72, 72) if extension in (".mar345", ".gfrm") else (60, 70)
