"""A classifier that answers with some of its classes alone: `classes:` on its step.

Where a class of the data is several of the classifier's, its answer is the largest of theirs, so
that the class in front counts as right if it is any of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError, InputError
from adversity.file_names import same_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.data.reading import Source
    from adversity.engine.calls.ready import Ready

__all__ = ["Masked", "Merged", "masked"]

Array = np.ndarray[Any, Any]
_NAMED = 8


class Masked:
    """A classifier that is set up, seen through a mask: all else of it is its own.

    Logits are those of the classes that are left, as they are; probabilities are divided by their
    sum. So an attack, a calibrator or a detector behind it gets the masked answer.
    """

    def __init__(self, plugin: Any, index: Sequence[int]) -> None:
        """Keep the classes.

        Args:
            plugin: The classifier, set up.
            index: The classes that are left, in its own order.
        """
        self.whole = plugin
        self.index = tuple(index)
        self.groups: dict[str, Sequence[int]] | None = None

    @property  # type: ignore[misc]  # it stands for the classifier wherever a class is asked for
    def __class__(self) -> type[Any]:
        """The class of the classifier."""
        return type(self.whole)

    def __getattr__(self, name: str) -> Any:
        """Return what the classifier has."""
        return getattr(self.__dict__["whole"], name)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that are left."""
        return tuple(self.whole.class_names[at] for at in self.index)

    @property
    def synsets(self) -> tuple[str, ...] | None:
        """Their WordNet ids."""
        synsets = self.whole.synsets
        return None if synsets is None else tuple(synsets[at] for at in self.index)

    def logits(self, images: Tensor) -> Tensor:
        """Return what it gives for these classes, `[N, K]`."""
        left: Tensor = self.over(self.whole.logits(images))
        return left

    def head(self, features: Tensor) -> Tensor | None:
        """Return the same for features `[N, D]`."""
        answer = self.whole.head(features)
        return None if answer is None else self.over(answer)

    def member_probs(self, images: Tensor) -> Tensor | None:
        """Return what its members say of these classes, `[M, N, K]` probabilities."""
        said = self.whole.member_probs(images)
        return None if said is None else self.over_members(said)

    def over_members(self, said: Tensor) -> Tensor:
        """Return members' probabilities `[M, N, K]` of all classes as those of what is left.

        Raises:
            InputError: If a member gives all of these the probability 0.
        """
        import torch

        return torch.stack([self._shares(self._left(one)) for one in said])

    def structure(self) -> None:
        """Return none: what the whole classifier is made of decides between other classes."""

    def over(self, answer: Any) -> Any:
        """Return an answer `[N, K]` of all classes as one of those that are left.

        Raises:
            InputError: If probabilities of them sum to 0, so that nothing can be said.
        """
        if getattr(answer, "ndim", 0) != 2 or answer.shape[1] != len(self.whole.class_names):
            return answer  # which is refused as of any classifier
        left = self._left(answer)
        return self._shares(left) if self.whole.gives == "probs" else left

    def _shares(self, left: Tensor) -> Tensor:
        """Return probabilities divided by their sum.

        Raises:
            InputError: If it is 0.
        """
        total = left.sum(1, keepdim=True)
        if bool((total <= 0).any()):
            raise InputError(
                f"{self.whole.name} gives each class that classes: names the probability 0 for some "
                "image, so that it has no answer among them; name more classes"
            )
        return left / total

    def _left(self, answer: Tensor) -> Tensor:
        """Return what an answer says of the classes that are left."""
        left: Tensor = answer[:, list(self.index)].float()
        return left


class Merged(Masked):
    """The same, with the classes of a data set, each of which is one or several of its own."""

    def __init__(self, plugin: Any, groups: Mapping[str, Sequence[int]]) -> None:
        """Keep the classes.

        Args:
            plugin: The classifier, set up.
            groups: For each class of the data set the classifier's, in its own order.
        """
        super().__init__(plugin, sorted({at for group in groups.values() for at in group}))
        self.groups: dict[str, Sequence[int]] = dict(groups)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the data set."""
        return tuple(self.groups)

    @property
    def synsets(self) -> None:
        """None: a class may be several synsets."""
        return

    def counts_as(self, prediction: Array, target: Array) -> Array:
        """Say which answers over all classes, `[N]`, are right for classes of the data set, `[N]`."""
        right = np.zeros((len(self.whole.class_names), len(self.groups) + 1), dtype=bool)
        for at, group in enumerate(self.groups.values()):
            right[list(group), at] = True
        found: Array = right[prediction, np.where(target < 0, len(self.groups), target)]
        return found

    def _left(self, answer: Tensor) -> Tensor:
        import torch

        largest = [answer[:, list(group)].amax(1) for group in self.groups.values()]
        return torch.stack(largest, 1).float()


def masked(
    ready: Ready,
    classes: Sequence[str],
    where: str,
    *,
    source: Source | None = None,
    keep_unknown: bool = False,
) -> Ready:
    """Return a classifier that is set up as one that answers with some of its classes.

    Args:
        ready: The classifier.
        classes: Names, or WordNet ids, of those that are left.
        where: The step's line and name, for messages.
        source: The data set whose classes are left, in place of `classes`.
        keep_unknown: Whether the data set may have classes that the classifier lacks.

    Raises:
        DataError: If one is not the classifier's, or is named twice, or fewer than two are named.
    """
    if source is None:
        return replace(ready, plugin=Masked(ready.plugin, _found(ready, classes, where)))
    names = list(source.class_names)
    if source.class_members:
        members = source.class_members
        groups = {name: _found(ready, members.get(name, (name,)), where) for name in names}
        return replace(ready, plugin=Merged(ready.plugin, groups))
    if keep_unknown:
        known = _known(ready)
        names = [name for name in names if same_name(name) in known]
    if len(names) < 2:
        raise DataError(
            f"{where}: classes: data: expected two classes or more that {ready.label} and the data "
            f"have, got {len(names)}; name the classes, or leave classes: out"
        )
    return replace(ready, plugin=Masked(ready.plugin, _found(ready, names, where)))


def _known(ready: Ready) -> dict[str, int]:
    """Return the index of each name and WordNet id of a classifier's classes."""
    known = {same_name(name): at for at, name in enumerate(ready.plugin.class_names)}
    for at, synset in enumerate(ready.plugin.synsets or ()):
        known.setdefault(synset, at)
    return known


def _found(ready: Ready, classes: Sequence[str], where: str) -> list[int]:
    """Return the indices of classes in the classifier's order."""
    names = [same_name(name) for name in ready.plugin.class_names]
    known = _known(ready)
    wanted = [same_name(name) for name in classes]
    lacking = [name for name in wanted if name not in known]
    if lacking:
        shown = ", ".join(_hinted(name, ready.plugin.class_names) for name in lacking[:_NAMED])
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        raise DataError(
            f"{where}: classes: expected classes of {ready.label}, which has "
            f"{len(names):,}, got {shown}{more}; write them as it does, or as WordNet ids"
        )
    twice = [name for name in dict.fromkeys(wanted) if names.count(name) > 1]
    if twice:
        raise DataError(
            f"{where}: classes: {twice[0]!r} is the name of several classes of {ready.label}; use "
            "WordNet ids"
        )
    index = [known[name] for name in wanted]
    if len(set(index)) < len(index):
        again = next(name for name in wanted if index.count(known[name]) > 1)
        raise DataError(f"{where}: classes: {again!r} is named twice; name each class once")
    return sorted(index)


def _hinted(name: str, known: Sequence[str]) -> str:
    hint = did_you_mean(name, known)
    return f"{name!r}" + (f" ({hint})" if hint else "")
