"""Tag the images of a run: one answer for each image, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.tasks import tags
from fedbragg.tasks.tags.model_file import Tagger
from fedbragg.tasks.tags.predictor import TagPredictor
from fedbragg.tasks.tags.prepare import TagView, prepare
from fedbragg.types import Frame, Run, Unreadable


@dataclass(frozen=True, slots=True, eq=False)
class TaggedImage:
    """The tags of one image, or why it has none."""

    path: str  # the file as the user can open it
    index: int  # position in that file, from 0
    probabilities: Mapping[str, float] | None  # by the tag's name; None if the image cannot be tagged
    reason: str = ""  # the problem and the remedy, in one line


@dataclass(frozen=True, slots=True, eq=False)
class TaggedView:
    """One image with all that the table and the page need, or why it has no tags."""

    path: str  # the file as the user can open it
    index: int  # position in that file, from 0
    probabilities: NDArray[np.float64] | None = None  # (tags,) in the order of the model's names
    view: TagView | None = None  # the prepared image
    reason: str = ""  # the problem and the remedy, in one line


def tag_images(run: Run, predictor: TagPredictor, threads: int) -> Iterator[TaggedImage]:
    """Yield the tags of every image in order; an image that cannot be tagged has a reason."""
    names = predictor.card.names
    for image in tag_views(run, predictor.tagger, threads):
        known = image.probabilities
        named = None if known is None else dict(zip(names, known.tolist(), strict=True))
        yield TaggedImage(image.path, image.index, named, image.reason)


def tag_views(run: Run, tagger: Tagger, threads: int) -> Iterator[TaggedView]:
    """Yield every image's tags and view in order; each is prepared and tagged in the thread that decoded it."""

    def tag(frame: Frame | Unreadable) -> TaggedView:
        if isinstance(frame, Unreadable):
            return TaggedView(frame.path, frame.index, reason=frame.reason)
        try:
            view = prepare(frame)
        except FrameError as error:
            return TaggedView(frame.path, frame.index, reason=error.reason)
        return TaggedView(frame.path, frame.index, tagger(view).probabilities, view)

    return run.map(tag, threads)


def open_tag_model(model: Path | None) -> TagPredictor:
    """Open a tags model, by default the packaged one; raise ModelFileError if the file is not one."""
    return tags.open_model(model or tags.default_model())
