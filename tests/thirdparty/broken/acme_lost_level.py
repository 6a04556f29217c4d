"""Has levels of a parameter that is not there."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "lost"
    levels: ClassVar = {"bits": (1, 2, 3, 4, 5)}

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
