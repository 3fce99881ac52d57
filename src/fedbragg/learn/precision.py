"""Choose the precision in which layers multiply while a network is trained."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from fedbragg.precision import Precision


def layers_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which layers multiply in this precision; with bfloat16 the weights stay in float32.

    bfloat16 keeps the range of float32 and 8 bits of the mantissa (Micikevicius et al. 2018 for training in mixed
    precision; Kalamkar et al. 2019 for bfloat16, which needs no scaling of the loss).
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
