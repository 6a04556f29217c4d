"""Attacks: images changed within a budget so that the victim's answer changes."""

from __future__ import annotations

from adversity import Attack, hookimpl


@hookimpl
def adversity_attacks() -> list[type[Attack]]:
    """Return the built-in attacks."""
    from adversity_plugins.attack.apgd import APGD
    from adversity_plugins.attack.auto_attack import AutoAttack
    from adversity_plugins.attack.boundary import Boundary
    from adversity_plugins.attack.carlini_wagner import CarliniWagner
    from adversity_plugins.attack.cascade import Cascade
    from adversity_plugins.attack.ddn import DDN
    from adversity_plugins.attack.deepfool import DeepFool
    from adversity_plugins.attack.exact import Exact
    from adversity_plugins.attack.fab import FAB
    from adversity_plugins.attack.feature_space import FeatureSpace
    from adversity_plugins.attack.fgsm import FGSM
    from adversity_plugins.attack.fmn import FMN
    from adversity_plugins.attack.hop_skip_jump import HopSkipJump
    from adversity_plugins.attack.natural_variation import NaturalVariation
    from adversity_plugins.attack.nes import NES
    from adversity_plugins.attack.pgd import PGD
    from adversity_plugins.attack.random_noise import RandomNoise
    from adversity_plugins.attack.spatial import Spatial
    from adversity_plugins.attack.square import Square

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
