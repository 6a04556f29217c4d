"""Offers two classes of one name."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "doubled"

    def degrade(self, images, rng):
        return images.flip(-1)


class Turn(Tilt):
    """Turn an image."""


@hookimpl
def adversity_degradations():
    return [Tilt, Turn]
