"""Yields one class and then raises."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "first_half"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    yield Tilt
    raise LookupError("the other half is lost")
