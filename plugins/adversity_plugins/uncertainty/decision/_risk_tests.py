"""Which thresholds are proved to keep a risk: exact tests, one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Proved", "candidates", "first_count", "last_proved", "p_value"]


@dataclass(frozen=True, slots=True)
class Proved:
    """A threshold, and what was counted below it.

    Attributes:
        threshold: Of scores.
        accepted: How many answers have such a score or a lower one.
        wrong: How many of these are wrong.
        p: The p-value of "more than the promised share of such answers is wrong".
    """

    threshold: float
    accepted: int
    wrong: int
    p: float


def p_value(wrong: int, accepted: int, risk: float) -> float:
    """Return P(B <= wrong) for B binomial of `accepted` and `risk`.

    It is at most delta with a chance of at most delta where answers are wrong with a chance of
    `risk` or more. With none accepted it is 1.

    Example:
        >>> round(p_value(0, 29, 0.1), 4)
        0.0471
    """
    from scipy.stats import binom

    return float(binom.cdf(wrong, accepted, risk))


@cache
def first_count(risk: float, delta: float) -> int:
    """Return the least number of answers that are proof enough where half of the risk is wrong.

    Example:
        >>> first_count(0.1, 0.05)
        76
    """
    count = math.ceil(math.log(delta) / math.log1p(-risk))  # proof enough where none is wrong
    while p_value(math.floor(count * risk / 2), count, risk) > delta:
        count += 1
    return count


def candidates(scores: NDArray[np.float64], share: float, steps: int) -> list[float]:
    """Return thresholds that accept from a share of these scores up to all of them, rising.

    Args:
        scores: `[m]`, of answers that test none of them.
        share: Above 0; 1 and more for all of them alone.
        steps: How many, at most: equal ones are one.
    """
    import numpy as np

    ordered = np.sort(scores)
    shares = np.linspace(min(share, 1.0), 1.0, steps if share < 1 else 1)
    ranks = np.ceil(shares * len(ordered)).astype(int).clip(1)
    return sorted({float(ordered[rank - 1]) for rank in ranks})


def last_proved(
    thresholds: Sequence[float],
    scores: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    *,
    risk: float,
    delta: float,
) -> tuple[Proved | None, Proved]:
    """Test thresholds in their order, as long as each is proved; return the last one that is.

    The chance that one of those proved has a larger risk is at most delta: that of the first of
    these, which must have been proved by mistake (fixed-sequence testing). So the order must not
    hang on the rows that test.

    Args:
        thresholds: Rising.
        scores: `[n]`.
        wrong: `[n]`, which answers are.
        risk: Above 0 and below 1.
        delta: Likewise.

    Returns:
        The last that is proved, None if not even the first is; and the last that was tested.
    """
    import numpy as np
    from scipy.stats import binom

    below = scores[None, :] <= np.array(thresholds)[:, None]
    accepted, errors = below.sum(axis=1), (below & wrong[None, :]).sum(axis=1)
    p = binom.cdf(errors, accepted, risk)
    tested = [
        Proved(*row)
        for row in zip(thresholds, accepted.tolist(), errors.tolist(), p.tolist(), strict=True)
    ]
    failed = [place for place, each in enumerate(tested) if each.p > delta]
    stop = failed[0] if failed else len(tested)
    return (tested[stop - 1] if stop else None), tested[min(stop, len(tested) - 1)]
