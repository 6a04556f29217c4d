"""Defines a kind that there is already."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from adversity import Degradation, hookimpl
from adversity.contracts import Kind, PluginBase


class Wrong(PluginBase):
    """Take the place of all degradations."""

    describes: ClassVar[Kind] = Kind(
        name="degradation", hook="adversity_usurpations", noun="a usurpation"
    )

    @abstractmethod
    def usurp(self):
        """Take the place."""


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "usurper"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_kinds():
    return [Wrong]


@hookimpl
def adversity_degradations():
    return [Tilt]
