"""The promise of an inspector: a number for each image."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from adversity.contracts import Kind, PluginBase

if TYPE_CHECKING:
    from torch import Tensor


class Inspector(PluginBase):
    """Give each image a number, with nothing to compare it with."""

    describes: ClassVar[Kind] = Kind(
        name="inspector",
        hook="adversity_inspectors",
        noun="an inspector",
        role="inspect",
        makes="inspections",
        leaves="inspections",
        takes=("data", "images", "adversarial"),
        call="acme_inspectors.call:InspectorCall",
        stage="acme_inspectors.stage:InspectRun",
        kit="acme_inspectors.kit",
        sections=("acme_inspectors.section",),
        template="acme_inspectors:template",
    )
    highest: ClassVar[float] = 1.0
    """No image gets a larger number; none gets one below 0."""

    @abstractmethod
    def inspect(self, images: Tensor) -> Tensor:
        """Return `[N]` floating-point, from images `[N, C, H, W]` float32 in [0, 1]."""
