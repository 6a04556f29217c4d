"""Makes its class in a module that is nowhere."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "homeless"

    def degrade(self, images, rng):
        return images.flip(-1)


Tilt.__module__ = "nowhere"


@hookimpl
def adversity_degradations():
    return [Tilt]
