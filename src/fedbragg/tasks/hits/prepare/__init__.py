"""Turn counts and mask into a View, which keeps the spots of any detector."""

from fedbragg.tasks.hits.prepare.channels import CHANNELS
from fedbragg.tasks.hits.prepare.context import CONTEXT
from fedbragg.tasks.hits.prepare.mask_blocks import mask_block_cache
from fedbragg.tasks.hits.prepare.peaks import Peaks
from fedbragg.tasks.hits.prepare.profile import PROFILE
from fedbragg.tasks.hits.prepare.view import (
    PrepareSettings,
    prepare,
    prepare_with_peaks,
    spot_places,
    spots,
)

__all__ = [
    "CHANNELS",
    "CONTEXT",
    "PROFILE",
    "Peaks",
    "PrepareSettings",
    "mask_block_cache",
    "prepare",
    "prepare_with_peaks",
    "spot_places",
    "spots",
]
