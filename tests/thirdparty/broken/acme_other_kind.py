"""Returns a degradation where attacks are asked for."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "misplaced"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_attacks():
    return [Tilt]
