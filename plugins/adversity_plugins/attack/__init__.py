"""Attacks: images changed within a budget so that the victim's answer changes."""

from __future__ import annotations

from adversity import Attack, hookimpl


@hookimpl
def adversity_attacks() -> list[type[Attack]]:
    """Return the built-in attacks."""
    from adversity_plugins.attack.decisions.boundary import Boundary
    from adversity_plugins.attack.decisions.hop_skip_jump import HopSkipJump
    from adversity_plugins.attack.ensemble.auto_attack import AutoAttack
    from adversity_plugins.attack.ensemble.cascade import Cascade
    from adversity_plugins.attack.exact.exact import Exact
    from adversity_plugins.attack.gradient.apgd import APGD
    from adversity_plugins.attack.gradient.fgsm import FGSM
    from adversity_plugins.attack.gradient.pgd import PGD
    from adversity_plugins.attack.minimum.carlini_wagner import CarliniWagner
    from adversity_plugins.attack.minimum.ddn import DDN
    from adversity_plugins.attack.minimum.deepfool import DeepFool
    from adversity_plugins.attack.minimum.fab import FAB
    from adversity_plugins.attack.minimum.fmn import FMN
    from adversity_plugins.attack.parametric.feature_space import FeatureSpace
    from adversity_plugins.attack.parametric.natural_variation import NaturalVariation
    from adversity_plugins.attack.parametric.spatial import Spatial
    from adversity_plugins.attack.random_noise import RandomNoise
    from adversity_plugins.attack.scores.nes import NES
    from adversity_plugins.attack.scores.square import Square

    return [
        FGSM,
        PGD,
        APGD,
        FAB,
        Square,
        AutoAttack,
        Cascade,
        CarliniWagner,
        DDN,
        DeepFool,
        FMN,
        Exact,
        HopSkipJump,
        Boundary,
        NES,
        Spatial,
        NaturalVariation,
        FeatureSpace,
        RandomNoise,
    ]
