"""An ensemble at the end of a chain: what its members say, combined as the pipeline does it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

from adversity.engine.chain.answer import Answer
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.engine.chain.answering import Draws, Line
    from adversity.engine.chain.links import Bundle

__all__ = ["Members"]


class Members:
    """An ensemble: what its members say, combined as the pipeline combines their stored answers."""

    gives = "probs"
    """What it answers, whatever its members give."""

    def __init__(self, bundle: Bundle, lines: tuple[Line, ...]) -> None:
        """Take the members apart, each of its own.

        Raises:
            InputError: If their answers cannot be combined.
        """
        self._bundle, self._lines = bundle, lines
        self._call = bundle.ready.call
        for line in self._lines:
            if line.gives == "labels":
                raise InputError(
                    f"{line.label} gives labels only, and {bundle.ready.label} combines logits or "
                    "probabilities: expected members that give these"
                )
        self._require_the_same_classes()

    def _require_the_same_classes(self) -> None:
        """Refuse members that answer with other classes, as far as these are known."""
        named = {line.label: line.class_names for line in self._lines if not line.source.numbered}
        first = next(iter(named.items()), None)
        for label, names in named.items():
            if first is not None and names != first[1]:
                raise InputError(
                    f"the members of {self._bundle.ready.label} must answer with the same classes "
                    f"in the same order; {first[0]} has {_few(first[1])}, {label} has {_few(names)}"
                )

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the answer: named by the first member that has names."""
        names = (line.class_names for line in sorted(self._lines, key=_is_numbered))
        return next(filter(None, names), ())

    @property
    def numbered(self) -> bool:
        """Whether no member has names for its classes."""
        return all(map(_is_numbered, self._lines))

    @property
    def no_gradient(self) -> str | None:
        """Why it has none: the first member that has none, by name, or what combines."""
        for line in self._lines:
            why = line.source.no_gradient
            if why is not None:
                return f"{line.name}, {line.label}: {why}"
        if not self._bundle.ready.plugin.differentiable:
            return f"{self._bundle.step}, {self._bundle.ready.label}: it is not differentiable"
        return None

    def rows(self, images: Tensor, *, enlarged: int = 1) -> int:
        """Return the largest block of a member: the others' are filled several times."""
        return max(line.rows(images, enlarged=enlarged) for line in self._lines)

    def sought(self, images: Tensor, side: Mapping[str, Tensor], draws: Draws) -> Tensor:
        """Return log p `[N, K]` of the ensemble, in float64 and rounded once."""
        answers = []
        for line in self._lines:
            answers.append(line.sought(images, side, draws))
            if not math.isfinite(answers[-1].detach().sum()):
                self._not_finite(line, images, answers[-1], draws)
        logits: Tensor = self._call.answers(self._alike(answers))
        return logits

    def _not_finite(self, line: Line, images: Tensor, answer: Tensor, draws: Draws) -> None:
        """Name the member whose answer is not finite, unless the images are not either."""
        if bool(images.isfinite().all()) and not bool(answer.isfinite().all()):
            line.source.broke(
                f"expected finite logits at the end of {line.label}, got NaN or infinity",
                draws.streams,
            )

    def given(
        self, images: Tensor, side: Mapping[str, Tensor], draws: Draws, ids: Sequence[str]
    ) -> Answer:
        """Return what a step that combines gives for the members' stored answers, to the bit."""
        answers = [line.given(images, side, draws, ids).probabilities for line in self._lines]
        return Answer(self._call(self._alike(answers), tuple(ids)), self.gives)

    def _alike(self, answers: list[Tensor]) -> Tensor:
        """Return the members' answers as one `[M, N, K]`; those of one width alone can be."""
        import torch

        widths = {
            answer.shape[1]: line.label for answer, line in zip(answers, self._lines, strict=True)
        }
        if len(widths) > 1:
            each = ", ".join(f"{label} {width}" for width, label in widths.items())
            raise InputError(
                f"the members of {self._bundle.ready.label} must answer with the same classes, got "
                f"other numbers of them: {each}"
            )
        return torch.stack(answers)

    def structure(self) -> None:
        """Return None: nothing is laid open."""

    def broke(self, what: str, ids: Sequence[str]) -> NoReturn:
        """Raise the error that says what the combined answer lacks."""
        self._bundle.ready.broke(what, ids)


def _is_numbered(line: Line) -> bool:
    return line.source.numbered


def _few(names: tuple[str, ...]) -> str:
    return f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
