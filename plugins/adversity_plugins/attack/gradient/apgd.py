"""APGD: PGD that finds each sample's step size by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from adversity import NormBudget, Targeted

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["APGD"]


class APGD(Targeted, NormBudget):
    """Auto-PGD in linf, l2 or l1: no step size to choose, each sample halves its own.

    A step is 2 eps long at first. At checkpoints that come closer and closer together a
    sample whose loss has not risen often enough halves its step and goes on from its best
    point. What is returned is, for each sample, the best point of all that were looked at: a
    fooled one before any other, then the highest loss.

    `targets` aims at that many of the likeliest other classes, one after the other, as the
    original's APGD-T does with `loss: dlr, targets: 9`. The loss `dlr` needs a victim with
    three classes, four where it aims at one.

    In l1 the sparsity of the best point decides how many values a step moves, and the first
    three fifths of the steps run within 3 eps and 2 eps.

    Reference: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of
    diverse parameter-free attacks", 2020, algorithm 1; "Mind the box: l1-APGD for sparse
    adversarial attacks on image classifiers", 2021, algorithm 1. We differ from the authors'
    code: `steps` gradients are used, not one more; projections onto ball and box are exact in
    l2 as well; a linf or l2 start is uniform in the ball, not on its surface; the first step
    counts as a rise against the start, as in the paper (the code compares it with 0).
    """

    name: ClassVar[str] = "apgd"
    reference: ClassVar[str] = (
        "Croce, Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse "
        "parameter-free attacks, 2020"
    )
    block_rows: ClassVar[int] = 256
    heavy: ClassVar[str] = "many steps, in each norm"

    steps: Annotated[int, Field(ge=1, description="gradients of a restart")] = 100
    restarts: Annotated[int, Field(ge=1, description="walks, each from a start of its own")] = 1
    loss: Annotated[
        Literal["ce", "margin", "dlr"],
        Field(description="dlr: the margin over the spread of the largest logits"),
    ] = "ce"
    targets: Annotated[
        int | None,
        Field(
            ge=1,
            description="aim at so many of the likeliest other classes in turn (there are K - 1); "
            "the best other class at each step if left out",
        ),
    ] = None
    random_start: Annotated[
        bool,
        Field(description="whether a walk starts at a random point within eps; else at the image"),
    ] = True
    rho: Annotated[
        float, Field(gt=0, lt=1, description="share of steps that must raise the loss (linf, l2)")
    ] = 0.75
    early_stop: Annotated[
        bool, Field(description="a sample leaves once it is fooled: faster, same success")
    ] = False

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        """Refuse two ways of saying which class is meant."""
        if self.targeted and self.targets is not None:
            raise ValueError(
                f"expected either targeted: true, one target class, or targets: {self.targets}, "
                "the likeliest other classes in turn; got both"
            )
        return self

    @property
    def least_classes(self) -> int:
        """Three for `dlr`, four where it aims at one class: so many logits it divides by."""
        aimed = self.targeted or self.targets is not None
        return {"dlr": 4 if aimed else 3}.get(self.loss, 2)

    @property
    def costs_at_most(self) -> tuple[int, int]:
        """A gradient a step, a query at the end of each climb (three in l1), one to find the classes."""
        climbs = self.restarts * (self.targets or 1)
        looks = climbs * (3 if self.norm == "l1" else 1) + (self.targets is not None)
        return climbs * self.steps + looks, climbs * self.steps

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return, for each sample, the best point that was looked at."""
        from adversity_plugins.attack.gradient._apgd_search import apgd_search

        return apgd_search(target, images, labels, rng, self).images
