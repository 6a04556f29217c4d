"""What is known of a measure beforehand: its words, its range, where it is shown, what it proves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["MeasureInfo", "Sign"]


@dataclass(frozen=True, slots=True)
class Sign:
    """What a measure says against the other figures of its cell, once it is large enough.

    Attributes:
        limit: From this value on it voids them.
        says: The middle of the sentence: `of the attacked samples were never moved`.
        means: Its end, what follows from that.
        sampled: It rests on a few samples: it voids with the whole interval, and warns before.
        guess: Up to this value a guess may explain it: then `details["chance"]` is the limit,
            where that is larger.
    """

    limit: float
    says: str
    means: str
    sampled: bool = False
    guess: float = 0.0


@dataclass(frozen=True, slots=True)
class MeasureInfo:
    """What is known of a measure before anything is measured, declared once, where it is made.

    Report, terminal, gates and comparisons read it; none of them has a list of names.

    Attributes:
        low, high: Between what its value must lie, both ends included; infinite where nothing
            bounds it. A gate with a limit beyond them is refused.
        attacked: What its figure under one attack says of the victim under any attack within the
            same budget: `at most` so much (robust accuracy) or `at least` so much (success).
            `fact`: it says nothing of the victim, but how the attack went (its cost, its signs).
            `open`: the victim can be worse than the figure, in the direction of `better`; where
            two tables are compared, in either direction.
            A gate that a void figure cannot prove in this direction is an error.
        title: What a reader calls it, in the middle of a sentence: `ECE`, `robust accuracy`;
            empty for its name with spaces.
        unit: For example `dB` or `nats`; empty for a share or a plain number.
        better: Which direction is good; None where neither is.
        scale: `share`: a share of the samples, drawn on an axis from 0 to 1. `percent`: the same,
            written and drawn from 0 % to 100 %; its value and the limits of gates stay in [0, 1].
            `number`: all else.
        group: Where the report shows it beside "All numbers": `accuracy`, `quality` and
            `uncertainty` are sections with curves or a table; `attack`, `cost`, `search`, `probe`
            and `worst case` are tables of the section on attacks. Any other name makes a part of
            "Further measures", unless a section takes that group. Empty for nowhere.
        headline: Its place among the headline measures, 1 first, 0 for none. Of those that a cell
            has, the terminal shows the first ones; a calibrator's among `uncertainty`, an attack's
            among `attack`. Accuracy and robust accuracy are 1, attack success 2, the distance of
            failures 3, ECE 4, NLL 5, Brier score 6.
        unattacked: Under attack, the measure that it is the rest of: `accuracy`. Both are drawn
            against the budget, on this measure's scale. With `better="higher"` it is void where it
            rises with the budget, or is larger than what a control of the same size leaves.
        sign: What it says against an attack, if anything.
    """

    low: float = -math.inf
    high: float = math.inf
    attacked: Literal["at most", "at least", "fact", "open"] = "open"
    title: str = ""
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    scale: Literal["number", "share", "percent"] = "number"
    group: str = ""
    headline: int = 0
    unattacked: str = ""
    sign: Sign | None = None

    def admits(self, value: float) -> bool:
        """Say whether the measure can have this value."""
        return self.low <= value <= self.high

    @property
    def bounded(self) -> bool:
        """Whether it says between what its value must lie."""
        return math.isfinite(self.low) or math.isfinite(self.high)

    @property
    def top(self) -> float | None:
        """Where its axis ends: 1 or 100; None where the values decide."""
        return {"share": 1.0, "percent": 100.0}.get(self.scale)
