"""Has a method that takes no random numbers."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "deaf"

    def degrade(self, images):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
