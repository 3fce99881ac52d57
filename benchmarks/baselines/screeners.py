"""Ways to go through a file of frames, each a function that makes one pass and returns how many frames it took."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median

import numpy as np

CROP = 320
PEAKS = "peaks of a frame, their number"
Pass = Callable[[], int]


def fedbragg(path: Path, cores: int) -> Pass:
    """Screen from the file to the tables on disk."""
    from fedbragg.images.open import open_files
    from fedbragg.screening.checkpoint import Checkpoint, Identity
    from fedbragg.screening.session import Session, screen_to_folder
    from fedbragg.tasks.hits import default_model, open_model
    from fedbragg.types import Geometry
    from fedbragg.workflows.screen import judge_of

    predictor = open_model(default_model())
    judge = judge_of(predictor, predictor.card.threshold, Geometry())

    def one() -> int:
        run = open_files(path, reduce=predictor.reduce)
        start = Checkpoint(Identity("", len(run), "", judge.threshold, spots=False, fail_safe=True))
        with tempfile.TemporaryDirectory() as folder:
            session = Session(Path(folder), cores, start)
            return screen_to_folder(run, judge, session, lambda: None).tally.frames

    return one


def decode_alone(path: Path, cores: int) -> Pass:
    """Decode and mask every frame as screening does, without scoring."""
    from fedbragg.images import open_run

    return lambda: sum(1 for _ in open_run(path).map(lambda frame: None, cores))


def dense_network(path: Path, cores: int) -> Pass:
    """Read with our decoder, cut 320 x 320 pixels from the middle, scale to 8 bit, and run DenseNet121 by ONNX."""
    import onnxruntime

    from fedbragg.images import open_run

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(os.environ["DENSE"], options, providers=["CPUExecutionProvider"])

    def one() -> int:
        number = 0
        for frame in open_run(path).frames():
            row, col = ((edge - CROP) // 2 for edge in frame.counts.shape)
            crop = frame.counts[row : row + CROP, col : col + CROP].astype(np.float32)
            session.run(None, {"image": np.clip(crop, 0, 255)[None, None] / 255})
            number += 1
        return number

    return one


WAYS = {"fedbragg screen": fedbragg, "decode alone": decode_alone, "DenseNet121": dense_network}


def export_dense(path: Path) -> None:
    """Write DenseNet121 for one 320 x 320 crop; its weights are random, which costs it no time."""
    import torch

    from baselines.networks import dense_network as build

    sample = torch.zeros(1, 1, CROP, CROP)
    torch.onnx.export(build().eval(), (sample,), str(path), input_names=["image"], dynamo=True, verbose=False)


def stages(path: Path) -> dict[str, tuple[float, float]]:
    """Return median and mean CPU milliseconds that each stage takes of a frame, on one core; and its peaks."""
    import h5py

    from fedbragg.images.registry import open_source
    from fedbragg.images.source import RunCache
    from fedbragg.screening.background import BackgroundLevel
    from fedbragg.screening.outputs.tables import verdict_files
    from fedbragg.tasks.hits import default_model, open_model
    from fedbragg.tasks.hits.prepare import prepare_with_peaks
    from fedbragg.types import Verdict

    predictor = open_model(default_model())
    source = open_source(str(path), RunCache(reduce=predictor.reduce))
    scorer, settings, masks = predictor.scorer, predictor.card.prepare, predictor.masks
    level = BackgroundLevel()
    spent: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> object:
        start = time.thread_time()
        made = work()
        spent.setdefault(name, []).append(1e3 * (time.thread_time() - start))
        return made

    with (
        h5py.File(path) as file,
        tempfile.TemporaryDirectory() as folder,
        verdict_files(Path(folder)) as files,
    ):
        data = file["entry/data/data"].id
        for number in range(len(source)):
            timed("read", lambda number=number: data.read_direct_chunk((number, 0, 0)))
            frame = timed("read, decode and reduce", lambda number=number: source.read(number))
            view, _ = timed("prepare", lambda frame=frame: prepare_with_peaks(frame, settings, masks))
            spent.setdefault(PEAKS, []).append(len(view.cells))
            value, _ = timed("score", lambda view=view: scorer(view))
            timed("background level", lambda frame=frame: level(frame))
            verdict = Verdict(str(path), number, value, value >= 0.5)
            timed("write", lambda verdict=verdict: files.write(verdict))
    later = {name: values[len(source) // 4 :] for name, values in spent.items()}  # the first frames load code
    return {name: (median(values), fmean(values)) for name, values in later.items()}
