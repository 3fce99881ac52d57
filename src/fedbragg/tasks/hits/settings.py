"""The section ``[hits]`` of a settings file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fedbragg.config import Section

NetworkName = Literal["spotnet", "spotnet-small", "kindnet"]
"""The networks of ``network.NETWORKS``, named here so that settings are checked without torch."""


class HitsSettings(Section):
    """The network of hit finding and its start model."""

    network: NetworkName = "spotnet"
    """The network to train; where sites run different networks, the one in model.onnx."""
    block: int = Field(default=8, ge=6, le=32)
    """Pixels along the edge of one cell of the view."""
    hit_weight: float = Field(default=3.0, gt=0)
    """Weight of a hit or maybe against a miss in the loss; above 1 because a lost hit is worse than a kept miss."""
    public_frames: int | None = Field(default=None, ge=0)
    """Simulated frames with known spots that a start model is trained on; 0 starts at random.

    Left out, the packaged model is the start, and 240 frames train that of a network or block that has none.
    """
    public_epochs: int = Field(default=30, ge=0)
    """Passes over the public frames."""
    distillation_frames: int = Field(default=240, ge=1)
    """Simulated frames, without their labels, on which different networks learn from one another."""
    distillation_epochs: int = Field(default=10, ge=1)
    """Passes over these at each barrier."""
