"""Inherits from the kind instead of one of its shapes."""

from __future__ import annotations

from typing import ClassVar

from adversity import Uncertainty, hookimpl


class Doubt(Uncertainty):
    """Doubt everything alike."""

    name: ClassVar[str] = "shapeless"

    def score(self, predictive):
        return predictive.probs[:, 0]


@hookimpl
def adversity_uncertainties():
    return [Doubt]
