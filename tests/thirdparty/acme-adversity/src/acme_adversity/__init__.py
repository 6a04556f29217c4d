"""Plugins for Adversity: cosine vignetting, NI-FGSM and collision entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity import Attack, Degradation, Uncertainty, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

heard: list[str] = []
"""The runs that were announced to us."""


@hookimpl
def adversity_degradations() -> list[type[Degradation]]:
    """Offer our degradation."""
    from acme_adversity.vignetting import CosineVignetting

    return [CosineVignetting]


@hookimpl
def adversity_attacks() -> list[type[Attack]]:
    """Offer our attack."""
    from acme_adversity.ni_fgsm import NIFGSM

    return [NIFGSM]


@hookimpl
def adversity_uncertainties() -> list[type[Uncertainty]]:
    """Offer our uncertainty."""
    from acme_adversity.collision_entropy import CollisionEntropy

    return [CollisionEntropy]


@hookimpl
def adversity_run_started(run: Mapping[str, Any]) -> None:
    """Keep the ids of the runs that start."""
    heard.append(str(run["id"]))
