"""Ways to go through a run of scattering images; each is a function that makes one pass and returns its frames."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGE = 224
"""Pixels that ResNet-50 sees along each edge."""
Pass = Callable[[], int]


def tags_to_the_table(path: str) -> Pass:
    """Tag from the files to tags.csv, as ``fedbragg tags identify --no-page`` does."""
    return _identify(path, page=False)


def tags_to_the_page(path: str) -> Pass:
    """Tag from the files to tags.csv and tags.html, which shows every image of such a short run."""
    return _identify(path, page=True)


def _identify(path: str, *, page: bool) -> Pass:
    from fedbragg.images import open_run
    from fedbragg.workflows.identify_tags import TagFolder, identify_tags

    predictor = _predictor()

    def one() -> int:
        with tempfile.TemporaryDirectory() as folder:
            made = TagFolder(Path(folder), page=page)
            return identify_tags(open_run(path), predictor, made, threads=1).tally.images

    return one


def decode_alone(path: str) -> Pass:
    """Decode and mask every image, without tagging."""
    from fedbragg.images import open_run

    return lambda: sum(1 for _ in open_run(path).map(lambda frame: None, 1))


def residual_network(path: str) -> Pass:
    """Decode, prepare as published, and run ResNet-50 with 17 answers by one thread of ONNX Runtime."""
    from fedbragg.images import open_run

    session = _session(os.environ["RESIDUAL"])

    def one() -> int:
        pictures = map(as_published, (frame.counts for frame in open_run(path).frames()))
        return sum(1 for picture in pictures if session.run(None, {"image": picture}))

    return one


WAYS = {
    "fedbragg tags, table": tags_to_the_table,
    "fedbragg tags, table and page": tags_to_the_page,
    "decode alone": decode_alone,
    "ResNet-50": residual_network,
}


def as_published(counts: NDArray[Any]) -> NDArray[np.float32]:
    """Return log(I) to the base 1.0414, at 224 x 224, standardised: the recipe of the published tagger."""
    from PIL import Image

    light = np.log(np.maximum(counts, 1), dtype=np.float32) / np.float32(math.log(1.0414))
    small = np.asarray(Image.fromarray(light).resize((EDGE, EDGE), Image.Resampling.BILINEAR))
    return ((small - small.mean()) / max(float(small.std()), 1 / EDGE))[None, None]


def export_residual(path: Path) -> None:
    """Write ResNet-50 for one channel; its weights are random, which costs it no time."""
    import onnx
    import torch
    from monai.networks.nets import resnet50

    from fedbragg.models.exporting import Signature, exported

    network = resnet50(spatial_dims=2, n_input_channels=1, num_classes=17, conv1_t_stride=2)
    sample = torch.zeros(1, 1, EDGE, EDGE)
    onnx.save(exported(network, Signature((sample,), ({},), ["image"], ["logits"])), path)


def stages(path: str, passes: int) -> dict[str, float]:
    """Return the median CPU milliseconds that each part of the work takes for one image."""
    from fedbragg.images import open_run
    from fedbragg.tasks.tags.prepare import prepare

    predictor, residual = _predictor(), _session(os.environ["RESIDUAL"])
    frames = list(open_run(path).frames())
    views = [prepare(frame) for frame in frames]
    pictures = [as_published(frame.counts) for frame in frames]
    decode = decode_alone(path)
    work: dict[str, Callable[[], object]] = {
        "decode": decode,
        "prepare": lambda: [prepare(frame) for frame in frames],
        "network": lambda: [predictor.tagger(view) for view in views],
        "ResNet-50: prepare": lambda: [as_published(frame.counts) for frame in frames],
        "ResNet-50: network": lambda: [residual.run(None, {"image": picture}) for picture in pictures],
    }
    return {name: 1e3 * _cpu(one, passes) / len(frames) for name, one in work.items()}


def _cpu(work: Callable[[], object], passes: int) -> float:
    work()
    spent = []
    for _ in range(passes):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent)


def _predictor() -> Any:
    from fedbragg.tasks.tags.predictor import TagPredictor

    return TagPredictor(Path(os.environ["TAGS"]))


def _session(path: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
