"""Which pairs a study shows, in which order and on which side: drawn from its seed, balanced."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from itertools import combinations, cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Shown", "drawn_pairs"]

_REPEAT = 10
"""One pair in so many is shown once more with its sides exchanged."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One question of a study.

    Attributes:
        sample: Which sample.
        left, right: The contenders, by number.
        again: The place of the pair that this one repeats, with its sides exchanged; or None.
    """

    sample: str
    left: int
    right: int
    again: int | None = None


def drawn_pairs(count: int, samples: Sequence[str], most: int, seed: int) -> tuple[Shown, ...]:
    """Draw the questions of a study.

    Each two contenders meet equally often (once more or less), each time on another sample as long
    as there are any, and are as often left as right. The order is mixed; repeats stand at the end.

    Args:
        count: Of contenders.
        samples: Their names.
        most: The largest number of pairs, repeats not counted.
        seed: The same study for the same.
    """

    def place(*parts: object) -> bytes:
        return hashlib.sha256("\0".join(map(str, (seed, *parts))).encode()).digest()

    matches = list(combinations(range(count), 2))
    orders = {match: sorted(samples, key=partial(place, "sample", match)) for match in matches}
    wanted = min(most, len(matches) * len(samples))
    drawn: list[Shown] = []
    # Who meets once more than others is drawn as well.
    for at, match in enumerate(cycle(sorted(matches, key=lambda match: place("match", match)))):
        if len(drawn) == wanted:
            break
        turn = at // len(matches)
        sides = match if (turn + place("side", match)[0]) % 2 == 0 else match[::-1]
        drawn.append(Shown(orders[match][turn], *sides))
    drawn.sort(key=lambda one: place("order", one.sample, one.left, one.right))
    repeated = range(0, len(drawn), _REPEAT) if len(drawn) >= _REPEAT else ()
    again = [Shown(drawn[at].sample, drawn[at].right, drawn[at].left, at) for at in repeated]
    return (*drawn, *again)
