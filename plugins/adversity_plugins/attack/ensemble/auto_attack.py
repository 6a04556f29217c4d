"""AutoAttack: the standard ensemble, so that figures can be compared with published ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from adversity import Attack, AttackInRounds, NormBudget

__all__ = ["AutoAttack"]


class AutoAttack(NormBudget, AttackInRounds):
    """AutoAttack, the ensemble whose robust accuracy is published: no parameter but the budget.

    `standard` runs, in this order, each on what the last one left: APGD on cross-entropy,
    APGD on the DLR loss aimed at each of the nine likeliest other classes, FAB aimed at the
    same, and Square with 5000 queries; 100 steps each. In l1 the first has five restarts and
    the second aims at five classes. `rand`, for a victim that draws random numbers, runs APGD
    on cross-entropy and on DLR.

    With three classes, where the DLR loss cannot aim, APGD aims with the difference of the
    two logits instead; with two classes so does `rand`. There are at most K - 1 classes to
    aim at. It runs to its end whatever the gates say. `solved_by` says which attack fooled a
    sample; one that stands comes back as the worst point of all.

    Reference: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of
    diverse parameter-free attacks", 2020; in l1 "Mind the box: l1-APGD for sparse adversarial
    attacks on image classifiers", 2021. We differ from the authors' code as `apgd`, `fab` and
    `square` say. A sample leaves at its first success inside an attack too; and `rand`
    averages probabilities over the victim's number of draws, not gradients over 20.
    """

    name: ClassVar[str] = "auto_attack"
    reference: ClassVar[str] = (
        "Croce, Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse "
        "parameter-free attacks, 2020"
    )
    block_rows: ClassVar[int] = 256
    stops: ClassVar[bool] = False
    # So wide that nearly all samples fall to its first attack: each that stands costs thousands of
    # queries. In the other norms its parts are tried by themselves.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"norm": "linf", "eps": 0.5},)
    heavy: ClassVar[str] = "four attacks of many steps, in each norm"

    version: Annotated[
        Literal["standard", "rand"], Field(description="rand: for a victim that is stochastic")
    ] = "standard"

    def rounds(self) -> Mapping[str, Attack]:
        """Return the authors' attacks in their order."""
        from adversity_plugins.attack.ensemble._auto_attack_order import turns_of

        return turns_of(self.version, norm=self.norm, eps=self.eps)
