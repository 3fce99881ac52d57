"""The optional parts of fedbragg: which packages each needs, and a check to run before work begins."""

from __future__ import annotations

from importlib.util import find_spec

from fedbragg.errors import MissingExtraError

EXTRAS = {
    "calibrate": ("sklearn", "onnx"),
    "train": ("torch", "monai", "safetensors", "sklearn", "onnx", "onnxscript"),
    "federate": ("nvflare", "torch", "safetensors", "onnx", "onnxscript"),
    "secure": ("cryptography",),
    "private": ("dp_accounting",),
    "parquet": ("pyarrow",),
    "phases": ("pyFAI",),
    "heal": ("skimage",),
    "segments": ("skimage",),
    "cbf": ("pycbf",),
    "live": ("zmq", "cbor2", "p4p", "msgpack"),
    "page": ("starlette", "uvicorn"),
    "cluster": ("ray",),
}
"""Packages that each extra of pyproject.toml adds, by the name they are imported under."""


def require(extra: str, purpose: str) -> None:
    """Raise MissingExtraError, naming the installation command, where a package of ``extra`` is missing.

    ``purpose`` begins the message: "training", "real sites".
    """
    missing = [package for package in EXTRAS[extra] if not _installed(package)]
    if missing:
        raise MissingExtraError(f"{purpose} needs {', '.join(missing)}: pip install 'fedbragg[{extra}]'.")


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
