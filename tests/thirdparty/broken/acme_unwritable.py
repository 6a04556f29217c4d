"""Has a parameter that no file can hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "unwritable"
    shape: Callable[[float], float] = abs

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
