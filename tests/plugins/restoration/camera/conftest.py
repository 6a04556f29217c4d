"""Mosaics of photos for the restorations of what a camera did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adversity import SampleRng
from adversity_plugins.degradation.camera.mosaic import Mosaic

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@pytest.fixture(scope="session")
def mosaic_of() -> Callable[..., tuple[Tensor, dict[str, Tensor]]]:
    """Return what a sensor sees of images, and what is told of it."""

    def seen(images: Tensor, pattern: str = "RGGB") -> tuple[Tensor, dict[str, Tensor]]:
        rng = SampleRng(seed=0, step="test", ids=tuple(map(str, range(len(images)))))
        answer = Mosaic.model_validate({"pattern": pattern}).degrade(images, rng)
        return answer.images, dict(answer.side)

    return seen
