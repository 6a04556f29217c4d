"""Attacks without the parameters that its threat is made of."""

from __future__ import annotations

from typing import ClassVar

from adversity import Attack, hookimpl


class Push(Attack):
    """Push an image."""

    name: ClassVar[str] = "unlimited"

    def perturb(self, target, images, labels, rng):
        return images


@hookimpl
def adversity_attacks():
    return [Push]
