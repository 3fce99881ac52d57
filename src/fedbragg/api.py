"""What `import fedbragg` offers: the commands as functions, with paths and arrays in and Python objects out.

Every name is imported from the package: ``from fedbragg import screen``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.images import open_run
from fedbragg.learn.settings import FitSettings
from fedbragg.progress import SILENT, Progress
from fedbragg.screening.guarantee.calibrate import Demand
from fedbragg.simulation import BEAMLINES, Still, reduced, simulate_run
from fedbragg.tasks import hits
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.tasks.registry import load_model
from fedbragg.tasks.tags.predictor import TagPredictor
from fedbragg.types import Run
from fedbragg.workflows.calibrate import Calibrated, CalibrationRequest
from fedbragg.workflows.calibrate import calibrate as run_calibration
from fedbragg.workflows.cores import number_of_threads
from fedbragg.workflows.federate import Federated, Watching, open_project
from fedbragg.workflows.federate import federate as run_federation
from fedbragg.workflows.identify_phases import IdentifiedPattern, PatternReading
from fedbragg.workflows.identify_phases import identify_phases as run_identification
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
    """Yield a verdict for every frame of a run, in order, as ``fedbragg screen`` decides it.

    A frame that cannot be read or scored is kept and says why. With a calibrated model the run is watched for drift,
    and while it is unlike the calibration every frame is kept, unless ``fail_safe`` is off. The result's ``promise``
    and ``drift`` are the lines that the command prints. 0 threads is one for each core.
    """
    opened = run if not isinstance(run, str | Path | Sequence) else open_run(run)
    return screen_frames(
        opened, _predictor(model), threshold, fail_safe=fail_safe, threads=number_of_threads(threads)
    )


def evaluate(
    paths: Paths, labels: str | Path, model: Model = None, *, threshold: float | None = None
) -> Evaluation:
    """Compare a model of any task with labels: every metric with its 95 % interval, and the counts behind them."""
    predictor = load_model(Path(model)) if isinstance(model, str | Path) else model or _predictor(None)
    return predictor.evaluate(
        LabelledFiles(_listed(paths), Path(labels), threshold, number_of_threads(0)), SILENT
    )


def calibrate(
    paths: Paths, labels: str | Path, out: str | Path, model: Model = None, demand: Demand | None = None
) -> Calibrated:
    """Find the largest threshold that loses few hits on labelled frames, and write the calibrated model to ``out``.

    The report lies beside it. Raises LabelError where there are too few hits, and says how many are needed.
    """
    request = CalibrationRequest(
        _listed(paths), Path(labels), Path(out), demand or Demand(), threads=number_of_threads(0)
    )
    return run_calibration(_predictor(model), request)


def simulate(beamline: str, frames: int, seed: int = 1, *, edge: int | None = None) -> Iterator[Still]:
    """Yield simulated stills of a named beamline, with labels and the places of their spots.

    ``edge`` cuts the detector to so many pixels a side. Raises ConfigError, listing the known ones, for an unknown
    beamline.
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
    fit: FitSettings | None = None,
) -> Trained:
    """Adapt a model to one's own labelled examples and write it to ``out``, unless it is worse on the last ones.

    Raises InputError where it is worse. Needs the training extra.
    """
    start = Path(model) if model is not None else hits.default_model()
    request = TrainRequest(_listed(paths), Path(labels), Path(out), start)
    chosen = request if fit is None else TrainRequest(_listed(paths), Path(labels), Path(out), start, fit)
    return run_training(chosen)


def federate(
    settings: str | Path, out: str | Path, *, resume: bool = False, progress: Progress = SILENT
) -> Federated:
    """Train one model with all the sites of a settings file, in this process, and write it into the folder ``out``.

    Needs the training extra.
    """
    project, folder = open_project(Path(settings), "local"), Path(out)
    return run_federation(project, folder, resume=resume, watching=Watching(progress))


def identify_phases(
    patterns: str | Path | Sequence[str | Path],
    model: str | Path | None = None,
    wavelength: float | None = None,
) -> Iterator[IdentifiedPattern]:
    """Yield the phases that powder patterns show, in order; ``wavelength`` in angstrom overrules the files' own."""
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


def _predictor(model: Model) -> HitPredictor:
    if isinstance(model, HitPredictor):
        return model
    return hits.open_model(Path(model) if model is not None else hits.default_model())


def _listed(paths: Paths) -> tuple[str, ...]:
    return (str(paths),) if isinstance(paths, str | Path) else tuple(map(str, paths))
