"""Says nothing of its licence."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "free"
    licence: ClassVar[str] = ""

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
