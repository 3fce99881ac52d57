"""The commands as functions, which take paths or arrays and return Python objects.

Import them from the package: ``from fedbragg import screen``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.extras import require
from fedbragg.images import open_run
from fedbragg.images.open import open_files
from fedbragg.progress import SILENT, Progress
from fedbragg.screening.guarantee.demand import Demand
from fedbragg.simulation import BEAMLINES, Still, reduced, simulate_run
from fedbragg.tasks import hits
from fedbragg.tasks.adapt import Adapting
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.tasks.registry import DEFAULT, default_model, load_model
from fedbragg.tasks.segments.measure.micrograph import MeasuredMicrograph
from fedbragg.tasks.segments.measure.scale import read_scale
from fedbragg.tasks.segments.predictor import SegmentPredictor
from fedbragg.tasks.tags.predictor import TagPredictor
from fedbragg.types import Run
from fedbragg.workflows.apply import Applied
from fedbragg.workflows.calibrate import Calibrated, CalibrationRequest
from fedbragg.workflows.calibrate import calibrate as run_calibration
from fedbragg.workflows.cores import number_of_threads
from fedbragg.workflows.federate import Federated, Watching, open_project
from fedbragg.workflows.federate import federate as run_federation
from fedbragg.workflows.identify_phases import IdentifiedPattern, PatternReading
from fedbragg.workflows.identify_phases import identify_phases as run_identification
from fedbragg.workflows.measure_segments import Named, open_segment_model
from fedbragg.workflows.measure_segments import measure_micrographs as measure_pictures
from fedbragg.workflows.screen import Screened, screen_frames
from fedbragg.workflows.tag_images import TaggedImage, open_tag_model
from fedbragg.workflows.tag_images import tag_images as tag_run
from fedbragg.workflows.train import Trained, TrainRequest
from fedbragg.workflows.train import train as run_training

Paths = str | Path | Sequence[str | Path]
Model = HitPredictor | str | Path | None
"""An opened model, the path of a model file, or None for the one in the package."""


def screen(
    run: Run | Paths,
    model: Model = None,
    *,
    threshold: float | None = None,
    fail_safe: bool = True,
    threads: int = 0,
) -> Screened:
    """Yield a verdict for every frame of a run, in order, as ``fedbragg screen`` does.

    A frame that cannot be read or scored is kept, and its verdict says why. With a calibrated model the run is watched
    for drift, and every frame is kept while the run is unlike the calibration, unless ``fail_safe`` is off. The
    result's ``promise`` and ``drift`` are the lines that the command prints. ``threads=0`` uses one thread a core.
    Raises RunError if the run cannot be opened, ModelFileError if the model cannot.
    """
    predictor = _predictor(model)
    opened = run if not isinstance(run, str | Path | Sequence) else open_files(run, reduce=predictor.reduce)
    return screen_frames(
        opened, predictor, threshold, fail_safe=fail_safe, threads=number_of_threads(threads)
    )


def evaluate(
    paths: Paths, labels: str | Path, model: Model = None, *, threshold: float | None = None
) -> Evaluation:
    """Compare a model of any task with labels; return every metric with its 95 % interval, and the counts behind it.

    Raises LabelError if no file has a label.
    """
    predictor = load_model(Path(model)) if isinstance(model, str | Path) else model or _predictor(None)
    return predictor.evaluate(
        LabelledFiles(_listed(paths), Path(labels), threshold, number_of_threads(0)), SILENT
    )


def calibrate(
    paths: Paths, labels: str | Path, out: str | Path, model: Model = None, demand: Demand | None = None
) -> Calibrated:
    """Find the largest threshold that loses few hits on labelled frames, and write the calibrated model to ``out``.

    The report is written beside it. The default ``demand`` is at most 1 % of hits lost, with 95 % confidence. Raises
    LabelError if there are too few labelled hits; the message says how many are needed. Needs the calibrate extra.
    """
    request = CalibrationRequest(
        _listed(paths), Path(labels), Path(out), demand or Demand(), threads=number_of_threads(0)
    )
    return run_calibration(_predictor(model), request)


def simulate(beamline: str, frames: int, seed: int = 1, *, edge: int | None = None) -> Iterator[Still]:
    """Yield simulated stills of a named beamline, with their labels and true spots.

    ``edge`` reduces the detector to this many pixels a side. Raises ConfigError, which lists the known beamlines, for
    an unknown one.
    """
    if beamline not in BEAMLINES:
        raise ConfigError(f"no beamline is named {beamline!r}. Known ones: {', '.join(BEAMLINES)}.")
    facility = BEAMLINES[beamline]
    rows, cols = facility.detector.rows, facility.detector.cols
    cut = facility if edge is None else reduced(facility, min(edge, rows), min(edge, cols))
    return iter(simulate_run(cut, frames, seed, number_of_threads(0)))


def train(
    paths: Paths,
    labels: str | Path,
    out: str | Path,
    model: str | Path | None = None,
    adapting: Adapting | None = None,
    *,
    task: str = DEFAULT,
) -> Trained:
    """Adapt a model to your own labelled examples and write it to ``out``, unless it is worse on the last ones in time.

    Without ``model`` training starts from the packaged model of ``task``. Raises InputError if the trained model is
    worse, and then writes nothing. Needs the training extra.
    """
    start = Path(model) if model is not None else default_model(task)
    return run_training(TrainRequest(_listed(paths), Path(labels), Path(out), start, adapting or Adapting()))


def federate(
    settings: str | Path, out: str | Path, *, resume: bool = False, progress: Progress = SILENT
) -> Federated:
    """Train one model with all sites of a settings file, in this process, and write it into the folder ``out``.

    ``resume`` continues from the last checkpoint there. Raises ConfigError if a setting is wrong. Needs the training
    extra.
    """
    project, folder = open_project(Path(settings), "local"), Path(out)
    return run_federation(project, folder, resume=resume, watching=Watching(progress))


def identify_phases(
    patterns: str | Path | Sequence[str | Path],
    model: str | Path | None = None,
    wavelength: float | None = None,
) -> Iterator[IdentifiedPattern]:
    """Yield the phases of powder patterns in order; ``wavelength`` (angstrom) takes precedence over that of the files.

    A pattern that cannot be read has no ``answer``, and its ``reason`` says why.
    """
    listed = [patterns] if isinstance(patterns, str | Path) else patterns
    return run_identification(listed, Path(model) if model is not None else None, PatternReading(wavelength))


def tag_images(
    paths: Run | Paths, model: TagPredictor | str | Path | None = None, threads: int = 1
) -> Iterator[TaggedImage]:
    """Yield the tags of every image of a run, in order, with the packaged model by default.

    An image that cannot be tagged has no probabilities, and its ``reason`` says why. 0 threads is one for each core.
    """
    run = paths if not isinstance(paths, str | Path | Sequence) else open_run(paths)
    if not isinstance(model, TagPredictor):
        model = open_tag_model(Path(model) if model is not None else None)
    return tag_run(run, model, number_of_threads(threads))


def measure_micrographs(
    pictures: Paths,
    model: SegmentPredictor | str | Path | None = None,
    scale: str | None = None,
    threads: int = 1,
    absent: Sequence[str] = (),
) -> Iterator[Applied[Named, MeasuredMicrograph]]:
    """Yield the classes, grains, particles and grain size of micrographs in order, with the packaged model by default.

    ``scale`` is the length of a pixel, as "0.2um"; the pictures hold none of the ``absent`` classes of a model file (an
    opened model knows its own). A picture that cannot be read has no ``answer``, and its ``reason`` says why. 0 threads
    is one for each core. Needs the segments extra. Raises InputError where the model has no such class.
    """
    require("segments", "measuring micrographs")
    if not isinstance(model, SegmentPredictor):
        path = Path(model) if model is not None else None
        model = open_segment_model(path, number_of_threads(threads), absent)
    return measure_pictures(_listed(pictures), model, read_scale(scale))


def _predictor(model: Model) -> HitPredictor:
    if isinstance(model, HitPredictor):
        return model
    return hits.open_model(Path(model) if model is not None else hits.default_model())


def _listed(paths: Paths) -> tuple[str, ...]:
    return (str(paths),) if isinstance(paths, str | Path) else tuple(map(str, paths))
