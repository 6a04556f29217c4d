"""What classifiers share that fit several members: the states of all in one, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from adversity import Classifier, Fitted, Learner, State
from adversity.errors import DataError, NotFittedError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from adversity import FitData

__all__ = ["FittedMembers", "child_of", "labels_of"]


class FittedMembers(Fitted, Classifier):
    """Keep members that were fitted here, and answer by what they say."""

    block_rows: ClassVar[int | None] = None

    member: Annotated[
        Learner[Classifier],
        Field(description="what each member is: {uses, with}, a classifier that learns"),
    ]

    _members: tuple[Any, ...] = PrivateAttr(default=())
    _info: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("member")
    @classmethod
    def _says_how_sure(cls, member: Any) -> Any:
        if member.plugin.gives == "labels":
            raise ValueError(
                f"expected a classifier that says how sure it is, {member.label} does not"
            )
        return member

    def _state(
        self, data: FitData, states: Sequence[State], arrays: dict[str, Any], facts: dict[str, Any]
    ) -> State:
        """Return the states of members as one."""
        named = {
            f"{number}.{name}": value
            for number, state in enumerate(states)
            for name, value in state.arrays.items()
        }
        info = {
            "classifier": self.name,
            "class_names": list(data.class_names),
            "members": [dict(state.info) for state in states],
            "training": facts,
        }
        return State(named | arrays, info)

    def load(self, state: State) -> None:
        """Take the members.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        try:
            if state.info["classifier"] != self.name:
                raise KeyError(state.info["classifier"])
            infos, names = list(state.info["members"]), tuple(state.info["class_names"])
            if not infos:
                raise ValueError("no members")
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the state is not one of {self.name} ({error!r}); run the step that fits it again"
            ) from error
        self._members = tuple(
            self.member.fitted(State(_part(state, number), info))
            for number, info in enumerate(infos)
        )
        if any(tuple(member.class_names) != names for member in self._members):
            raise WeightsError(
                f"{self.name}: members have other classes than {', '.join(names[:8])}; run the step "
                "that fits it again"
            )
        self._info = {**state.info, "class_names": names}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the data set it was fitted on."""
        self._fitted()
        names: tuple[str, ...] = self._info["class_names"]
        return names

    def describe(self) -> dict[str, Any]:
        """Return how the fitting went."""
        return {"member": self.member.uses, **self._info.get("training", {})}

    def _fitted(self) -> tuple[Any, ...]:
        if not self._members:
            raise NotFittedError(
                f"classifier {self.name!r} has learnt nothing yet; give its step `fit_on:` a data "
                "set, or call `.fit(images, labels)` in Python"
            )
        return self._members

    def _said(self, member: Any, images: Tensor) -> Tensor:
        """Return the probabilities `[N, K]` float64 of a member, differentiable where it is."""
        values: Tensor = member.logits(images).double()
        if self.member.plugin.gives == "logits":
            return values.softmax(1)
        return values / values.sum(1, keepdim=True)

    def _answers(self, member: Any, data: FitData) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what a member says of each block, and its targets."""
        import torch

        for block in data:
            if block.images is None or block.targets is None:
                raise DataError(f"fitting {self.name} needs labelled images; fit it on a data set")
            with torch.no_grad():
                yield self._said(member, block.images).cpu(), block.targets.cpu()


def _part(state: State, number: int) -> dict[str, Any]:
    start = f"{number}."
    arrays = state.arrays.items()
    return {name.removeprefix(start): value for name, value in arrays if name.startswith(start)}


def child_of(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator for a member: what it draws moves nobody else's numbers."""
    return np.random.Generator(np.random.Philox(key=int(rng.integers(2**63))))


def labels_of(data: FitData, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the targets `[N]` of a stream, in each of whose classes there is one.

    Raises:
        DataError: There are none, or not of each class.
    """
    targets = [block.targets.cpu().numpy() for block in data if block.targets is not None]
    if not targets or sum(map(len, targets)) != len(data):
        raise DataError(f"fitting {name} needs labelled images; fit it on a data set")
    labels = np.concatenate(targets).astype(np.int64)
    missing = sorted(set(range(len(data.class_names))) - set(labels.tolist()))
    if missing:
        raise DataError(
            f"fitting {name} needs an image of each of {len(data.class_names)} classes, got none of "
            f"{', '.join(data.class_names[k] for k in missing[:5])} among {len(labels)}; take more "
            "samples, or a data set with fewer classes"
        )
    return labels
