"""Writes its name as a parameter."""

from __future__ import annotations

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: str = "a_field"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
