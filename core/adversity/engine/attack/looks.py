"""Looks at single samples, each done once: every eps and every attack would repeat them.

What a victim says of an image that nothing attacked, whether it answers at random, or hides pixels,
is a matter of the sample and the victim. The attack that starts there changes nothing in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from adversity.engine.chain.answer import Answer, joined
from adversity.seeding import preserve_global_rng

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.chain.target import ChainTarget

__all__ = ["Answers", "Seen", "look_once"]

Seen = MutableMapping[str, bool]
"""By sample id, what a look at this start and this victim found."""


def look_once(
    ids: Sequence[str], index: Tensor, seen: Seen, look: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return what a look finds at some samples; it is done at those that nobody has looked at.

    Args:
        ids: Of all N samples.
        index: `[M]` int64, the samples in question.
        seen: What was found before; what is found now is added.
        look: From an index `[K]` to `[K]` bool, of each sample by itself.

    Returns:
        `[M]` bool.
    """
    import torch

    rows = index.tolist()
    new = [row for row in rows if ids[row] not in seen]
    if new:
        verdicts = look(torch.tensor(new)).tolist()
        seen.update((ids[row], bool(value)) for row, value in zip(new, verdicts, strict=True))
    return torch.tensor([seen[ids[row]] for row in rows], dtype=torch.bool)


class Answers:
    """What chains say of images that nothing attacked, for every attack that starts there.

    What came first stays until it is full: attacks go through a data set in the order in which it
    was predicted, so of one that does not fit, the first samples are found again each time. What
    is not kept is asked for again, which gives the same bits but of a victim that is random and
    does not say so: `random_output` looks for those.
    """

    MOST: ClassVar[int] = 1 << 24
    """Bytes that are kept: 3 000 samples in 1 000 classes, 10 000 in ten."""
    OBJECTS: ClassVar[int] = 1500
    """What the objects of one answer take beside its numbers, measured."""

    def __init__(self) -> None:
        """Know none."""
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str, str], Answer] = {}
        self._bytes = 0

    def ask(self, judge: ChainTarget, images: Tensor, where: tuple[str, str]) -> Answer:
        """Return the answer to images that nothing attacked; it is asked for unless all is known.

        Args:
            judge: The chain, bound to these N samples.
            images: `[N, C, H, W]`.
            where: The step whose answer it is, and its cell.
        """
        with self._lock:
            rows = [self._rows.get((*where, sample)) for sample in judge.ids]
        known = [row for row in rows if row is not None]
        if known and len(known) == len(rows):
            return joined(known)
        with preserve_global_rng():
            answer = judge.answer(images.contiguous())
        self.keep(judge.ids, answer, where)
        return answer

    def keep(self, ids: Sequence[str], answer: Answer, where: tuple[str, str]) -> None:
        """Keep an answer, as far as it fits; one that is there already has the same bits."""
        with self._lock:
            for row, sample in enumerate(ids):
                one = answer.rows([row])
                size = one.bytes + self.OBJECTS
                if (*where, sample) not in self._rows and self._bytes + size <= self.MOST:
                    self._rows[*where, sample] = one
                    self._bytes += size
