"""A classifier that answers with some of its classes alone: `classes:` on its step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError, InputError
from adversity.file_names import same_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["Masked", "masked"]

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

    def structure(self) -> None:
        """Return none: what the whole classifier is made of decides between other classes."""

    def over(self, answer: Any) -> Any:
        """Return an answer `[N, K]` of all classes as one of those that are left.

        Raises:
            InputError: If probabilities of them sum to 0, so that nothing can be said.
        """
        if getattr(answer, "ndim", 0) != 2 or answer.shape[1] != len(self.whole.class_names):
            return answer  # which is refused as of any classifier
        left: Tensor = answer[:, list(self.index)].float()
        if self.whole.gives != "probs":
            return left
        total = left.sum(1, keepdim=True)
        if bool((total <= 0).any()):
            raise InputError(
                f"{self.whole.name} gives each class that classes: names the probability 0 for some "
                "image, so that it has no answer among them; name more classes"
            )
        return left / total


def masked(ready: Ready, classes: Sequence[str], where: str) -> Ready:
    """Return a classifier that is set up as one that answers with some of its classes.

    Args:
        ready: The classifier.
        classes: Names, or WordNet ids, of those that are left.
        where: The step's line and name, for messages.

    Raises:
        DataError: If one is not the classifier's, or is named twice, or fewer than two are named.
    """
    return replace(ready, plugin=Masked(ready.plugin, _found(ready, classes, where)))


def _found(ready: Ready, classes: Sequence[str], where: str) -> list[int]:
    """Return the indices of classes in the classifier's order."""
    names = [same_name(name) for name in ready.plugin.class_names]
    known = {name: at for at, name in enumerate(names)}
    for at, synset in enumerate(ready.plugin.synsets or ()):
        known.setdefault(synset, at)
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
