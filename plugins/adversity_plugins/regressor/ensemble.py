"""Several regressors as one: the mean and the variance of the mixture of what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from adversity import Plugin, Predictive, Regressor
from adversity.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Ensemble"]


class Ensemble(Regressor):
    """The mean and the variance of the mixture of what several regressors say, each counted alike.

        m = E[m_i],   v = E[v_i] + Var[m_i]

    over the members i: the variance that they expect (aleatoric), and how far their means lie apart
    (epistemic), which grows where an image is unlike those that they learnt from. Members are
    networks that were trained alone from other random numbers, or any other regressors of the same
    numbers. One member alone gives back what it says.

    `variance` gives one of the two parts in the place of their sum. Neither is the variance of the
    target, so that intervals of it are too narrow: it is there to be looked at beside the sum. Where
    no member gives a variance, neither does the ensemble.

    Reference:
        B. Lakshminarayanan, A. Pritzel, C. Blundell, Simple and scalable predictive uncertainty
        estimation using deep ensembles, 2017, section 2.4; S. Depeweg et al., Decomposition of
        uncertainty in Bayesian deep learning for efficient and risk-sensitive learning, 2018,
        section 3, for the parts (the law of total variance).
    """

    name: ClassVar[str] = "ensemble"
    reference: ClassVar[str] = (
        "B. Lakshminarayanan, A. Pritzel, C. Blundell, Simple and scalable predictive uncertainty "
        "estimation using deep ensembles, 2017, section 2.4"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {
            "members": [
                {"uses": "bayesian_ridge", "with": {"side": 4}},
                {"uses": "bayesian_ridge", "with": {"side": 8}},
            ]
        },
    )

    members: Annotated[
        tuple[Plugin[Regressor], ...],
        Field(min_length=1, description="the regressors, each a step that fits one"),
    ]
    variance: Literal["total", "aleatoric", "epistemic"] = Field(
        default="total", description="which variance is given: the sum, or one of its parts"
    )

    @model_validator(mode="after")
    def _count_once(self) -> Self:
        for at, member in enumerate(self.members):
            earlier = self.members[:at]  # what was fitted in Python may differ in its data alone
            if any(member == one and member.given is one.given for one in earlier):
                label = member.step or member.plugin.name
                raise ValueError(f"members: {label} stands there twice; a member counts once")
        if self.variance == "epistemic" and len(self.members) == 1:
            raise ValueError("variance: means lie apart where there are two members or more, got 1")
        return self

    def takes_channels(self) -> tuple[int, ...] | None:
        """Return the numbers of channels that every member takes."""
        given = [member.plugin.takes_channels() for member in self.members]
        some = [set(channels) for channels in given if channels is not None]
        return tuple(sorted(set.intersection(*some))) if some else None

    @property
    def target_names(self) -> tuple[str, ...]:
        """The numbers of all members.

        Raises:
            DataError: If they give different ones.
        """
        first, *others = self.members
        names: tuple[str, ...] = first.target_names
        for member in others:
            if member.target_names != names:
                raise DataError(
                    f"members of {self.kind} {self.name!r} must give the same numbers in the same "
                    f"order: {_told(first)} gives {', '.join(names)}, {_told(member)} "
                    f"{', '.join(member.target_names)}; name others"
                )
        return names

    def predict(self, images: Tensor) -> Predictive:
        """Return mean and variance `[N, D]` float64.

        Raises:
            DataError: If some members give a variance, and others do not; or if means are to lie
                apart, and do not.
        """
        import torch

        said = [member(images) for member in self.members]
        means = torch.stack([each.mean for each in said])
        mean = means.mean(0)
        apart = ((means - mean) ** 2).mean(0)
        if self.variance == "epistemic":
            if not bool((apart > 0).all()):
                raise DataError(
                    f"{self.kind} {self.name!r}: all members say the same of an image, so that the "
                    "variance of their means is 0; use members that differ"
                )
            return Predictive(mean=mean, variance=apart)
        given = [each.variance for each in said if each.variance is not None]
        if given and len(given) < len(said):
            silent = next(
                m for m, each in zip(self.members, said, strict=True) if each.variance is None
            )
            raise DataError(
                f"{self.kind} {self.name!r} expected a variance of all members or of none, got none "
                f"of {_told(silent)}; leave it out"
            )
        if not given:
            return Predictive(mean=mean)
        expected = torch.stack(given).mean(0)
        return Predictive(
            mean=mean, variance=expected if self.variance == "aleatoric" else expected + apart
        )

    def describe(self) -> dict[str, Any]:
        """Return who its members are."""
        return {"members": [_told(member) for member in self.members]}


def _told(member: Plugin[Regressor]) -> str:
    """Return what messages call a member: its step, or the plugin."""
    return member.step or f"{member.plugin.kind}/{member.plugin.name}"
