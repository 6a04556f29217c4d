"""Defines a kind that there is already."""

from __future__ import annotations

from typing import ClassVar

from adversity import Degradation, hookimpl
from adversity.contracts import PluginBase


class Wrong(PluginBase):
    """Take the place of all degradations."""

    kind: ClassVar[str] = "degradation"
    makes: ClassVar[str] = "images"


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "usurper"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
