"""Make all measurements on one segmented micrograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.segmentation import Instances
from fedbragg.tasks.segments.blocks import Segments
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.fields import phase_fractions
from fedbragg.tasks.segments.measure.grain_size import GrainSize, grain_size
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.tasks.segments.measure.table import InstanceTable, instance_table


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredMicrograph:
    """A micrograph's classes, instances and measurements."""

    classes: NDArray[np.uint8]  # (rows, cols) class index
    instances: Instances  # (rows, cols) grain or particle, from 1; 0 belongs to none
    fractions: Mapping[str, Estimate]  # share of the area, by class
    table: InstanceTable
    size: GrainSize | None  # where there are several grains and a scale


def measure(found: Segments, classes: Classes, scale: Scale) -> MeasuredMicrograph:
    """Measure the phases, the instances and the grain size of a segmented micrograph."""
    shares = phase_fractions(found.classes, len(classes.names))
    table = instance_table(found.instances, found.classes, classes, scale)
    return MeasuredMicrograph(
        found.classes,
        found.instances,
        {n: share for n, share in zip(classes.names, shares, strict=True) if n not in classes.absent},
        table,
        _grain_size(found.instances, table, classes, scale),
    )


def _grain_size(
    instances: Instances, table: InstanceTable, classes: Classes, scale: Scale
) -> GrainSize | None:
    grains = table.number[table.kind == classes.names[0]]
    if classes.boundary_index is None or scale.micrometres is None or len(grains) < 2:
        return None
    kept = np.zeros(int(instances.max(initial=0)) + 1, np.int32)
    kept[grains] = grains
    return grain_size(kept[instances], scale.micrometres)
