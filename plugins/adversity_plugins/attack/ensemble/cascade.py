"""The cascade: cheap attacks first, then AutoAttack's own, and an end when the gate is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from adversity import Attack, AttackInRounds, NormBudget

__all__ = ["Cascade"]

STEPS = 10
"""Of the first round. On a hardened network for digits, 100 of them, linf, eps 0.1, it fooled 31
of the 34 that fell at all, in an eighth of the time of APGD: 84 a second of one processor,
against 11. Twenty steps fooled as many, three 26; the margin loss two fewer, a start at the image
itself as many."""


class Cascade(NormBudget, AttackInRounds):
    """As strong as AutoAttack, but cheap attacks first, and it stops when the gate is decided.

    Five rounds, each on the samples that the ones before left standing: PGD with 10 steps, less
    than a hundredth of AutoAttack's time, which solves most of the samples that
    fall at all; then the four attacks of the standard AutoAttack as they are: APGD on
    cross-entropy, APGD aimed at nine classes with the DLR loss, FAB aimed at the same, and Square
    with 5000 queries. What costs most is to try them all on samples that stand in the end; a
    gate on the robust accuracy that is decided before saves it.

    `solved_by` says which round fooled a sample. A sample that stands comes back as the worst
    point of all rounds.

    Reference: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of
    diverse parameter-free attacks", 2020, for the four; PGD: Madry, Makelov, Schmidt, Tsipras,
    Vladu, "Towards deep learning models resistant to adversarial attacks", 2018. The order with
    PGD first and the stop are ours.
    """

    name: ClassVar[str] = "cascade"
    reference: ClassVar[str] = (
        "Croce, Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse "
        "parameter-free attacks, 2020"
    )
    block_rows: ClassVar[int] = 256
    # A part of the effort, since the kit attacks some hundred times.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"norm": "linf", "eps": 4 / 255, "effort": 0.01},
        {"norm": "l2", "eps": 0.25, "effort": 0.01},
        {"norm": "l1", "eps": 1.25, "effort": 0.01},
    )
    heavy: ClassVar[str] = "four attacks of many steps, in each norm"

    effort: Annotated[
        float,
        Field(gt=0, le=1, description="share of AutoAttack's steps and queries; below 1 is weaker"),
    ] = 1.0

    def rounds(self) -> Mapping[str, Attack]:
        """Return PGD, then AutoAttack's four."""
        from adversity_plugins.attack.ensemble._auto_attack_order import turns_of
        from adversity_plugins.attack.gradient.pgd import PGD

        budget: dict[str, Any] = {"norm": self.norm, "eps": self.eps}
        first = PGD(**budget, steps=STEPS, early_stop=True)
        return {"pgd": first, **turns_of("standard", **budget, effort=self.effort)}
