"""Attacks: images changed within a budget so that the victim's answer changes."""

from __future__ import annotations

from adversity import Attack, hookimpl


@hookimpl
def adversity_attacks() -> list[type[Attack]]:
    """Return the built-in attacks."""
    from adversity_plugins.attack.fgsm import FGSM
    from adversity_plugins.attack.pgd import PGD
    from adversity_plugins.attack.random_noise import RandomNoise

    return [FGSM, PGD, RandomNoise]
