"""What every plugin promises whose answer has a row for each sample.

A result belongs to a sample: its neighbours, its place in the batch and the seed of anybody
else must not be in it. The engine calls degradations, restorations, classifiers, calibrators
and image metrics with blocks of one size, so that theirs are equal to the last bit. Scores get
all rows at once, attacks drop solved rows, and features come on demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from adversity.testing.bench.checks import Failed, NotApplicable, apart, check, furthest, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.testing.bench.bench import Answer, Bench, Case

__all__ = ["CHECKS", "ROUNDING", "seed_everything"]

ROUNDING = 1e-6
"""A share of the value, where that is above 1. Kernels may round otherwise for another number
of rows, nothing else may differ: eight spacings of float32 just above 1, a four-thousandth of
one step of eight-bit colour."""


@check("The same seed gives the same answer, from a new object and whatever the global seeds.")
def same_seed(bench: Bench) -> str:
    """Ask two new objects, with the global generators of Python, NumPy and torch moved between."""
    cases = bench.effort.some(bench.answered, 1, "cases")
    runs = []
    for seed in (1, 2):
        seed_everything(seed)
        ready = bench.fresh()
        answers = []
        for case in cases:
            seed_everything(seed)
            answers.append(bench.answer(ready, case, seed=5))
        runs.append(answers)
    for case, first, second in zip(cases, *runs, strict=True):
        name, gap = furthest(first, second)
        require(
            gap == 0,
            f"expected the same {name} for {case.name} under one seed, they differ by up to "
            f"{gap:.3g}: draw from `rng` only",
        )
    return "equal to the last bit"


@check("`stochastic` is true: another seed changes the answer exactly if it is claimed.")
def stochastic_claim(bench: Bench) -> str:
    """Compare two seeds on all cases; two calls for a kind that is given no seed.

    Where a claimed change is not seen, two more seeds are tried: another start may lead a search
    to the same end.
    """
    gap = _moved_by_a_seed(bench, 6)
    if not bench.cls.stochastic:
        require(
            gap == 0,
            f"expected one answer for all seeds, they differ by up to {gap:.3g}; if it draws "
            "random numbers, say `stochastic = True`",
        )
        return "the seed is not in the answer" if bench.seeded else "two calls agree"
    gap = gap or _moved_by_a_seed(bench, 7) or _moved_by_a_seed(bench, 8)
    if gap > 0:
        return f"another seed moves it by up to {gap:.3g}"
    # The claim is the class's: a parameter may choose a way that draws nothing.
    for given in bench.cls.examples or bench.examples(bench.cls):
        other = type(bench)(bench.cls, given, is_example=True, device=bench.device)
        if other.parameters != bench.parameters and _moved_by_a_seed(other, 6) > 0:
            return f"it draws nothing with these parameters, but with {dict(given)}"
    raise Failed(
        "expected another answer under another seed, got the same; if it draws no random "
        "numbers, say `stochastic = False`"
    )


def _moved_by_a_seed(bench: Bench, seed: int) -> float:
    """Return how far another seed moves the answers of seed 0."""
    return max(
        furthest(bench.whole(case), bench.answer(bench.ready, case, seed=seed))[1]
        for case in bench.effort.some(bench.answered, 1, "cases")
    )


@check("A sample's answer is the same alone and among others.")
def alone(bench: Bench) -> str:
    """Ask for each row of the first case by itself, and for both ends of the others."""

    def rows(number: int, count: int) -> list[list[int]]:
        ends = [[0], [count - 1]]
        if number:
            return ends
        return bench.effort.some([*ends, *([row] for row in range(1, count - 1))], 2, "rows")

    return _rows_agree(bench, rows, "alone")


@check("A sample's answer is the same in another order.")
def order(bench: Bench) -> str:
    """Ask for the rows backwards."""
    return _rows_agree(bench, lambda _, count: [list(range(count))[::-1]], "in another order")


@check("A sample's answer is the same beside a copy of itself.")
def duplicates(bench: Bench) -> str:
    """Ask for every row twice: a statistic over the batch would count it twice."""
    return _rows_agree(
        bench, lambda _, count: [[0, *range(count), count - 1, count - 1]], "beside a copy"
    )


def _rows_agree(bench: Bench, choices: Callable[[int, int], list[list[int]]], how: str) -> str:
    """Compare rows of the cases with their first answer; `choices` of a case's number and rows."""
    gaps: list[float] = []
    several = [case for case in bench.answered if len(case) > 1]
    for number, case in enumerate(bench.effort.some(several, 1, "cases")):
        whole = bench.whole(case)
        for index in choices(number, len(case)):
            gaps += _compare(bench, case, whole, index, how)
    if not gaps:
        raise NotApplicable("it answers no case of two rows or more with a row for each")
    return _agree(max(gaps))


def _compare(bench: Bench, case: Case, whole: Answer, index: list[int], how: str) -> list[float]:
    """Return by how much some rows differ from the same rows of the whole."""
    part = bench.answer(bench.ready, case.take(index))
    require(
        part.keys() == whole.keys(),
        f"expected {', '.join(whole)} for samples {how} as among {case.name}, got "
        f"{', '.join(part) or 'nothing'}",
    )
    gaps = {
        (name, row): apart(whole[name][index[row]], value[row], relative=True)
        for name, value in part.items()
        for row in range(len(index))
    }
    wrong = [key for key, gap in gaps.items() if gap > ROUNDING]
    if wrong:
        name, row = wrong[0]
        raise Failed(
            f"expected the same {name} of sample {case.ids[index[row]]} {how} as among "
            f"{case.name}, they differ by {gaps[name, row]:.3g} ({len(wrong)} of {len(gaps)} rows "
            "differ): work on each row by itself"
        )
    return list(gaps.values())


def _agree(worst: float) -> str:
    return "equal to the last bit" if worst == 0 else f"differs by at most {worst:.1g}"


PATIENCE_SECONDS = 60.0
"""For one small sample. A plugin that is slower cannot be tried, let alone used."""


@check("Time is within what a person would wait for; memory is reported.")
def cost(bench: Bench) -> str:
    """Measure the first case after a warm-up: milliseconds a sample, and peak memory."""
    import time

    case = bench.answered[0]
    ready = bench.ready
    bench.answer(ready, case)
    with peak_memory() as peak:
        began = time.perf_counter()
        bench.answer(ready, case)
        each = (time.perf_counter() - began) / len(case)
    require(
        each <= PATIENCE_SECONDS,
        f"expected at most {PATIENCE_SECONDS:g} s a sample on {case.name}, it took {each:.3g} s",
    )
    return f"{1000 * each:.2g} ms a sample, {peak.text} on {case.name}"


class peak_memory:  # noqa: N801  (reads as a verb in `with peak_memory() as peak:`)
    """Measure how far the process's memory rises; Linux only, elsewhere it says so."""

    text = "memory not measured here"

    def __enter__(self) -> Self:
        """Reset the mark of the highest memory."""
        self._before = self._read("VmRSS")
        self._reset = self._clear()
        return self

    def __exit__(self, *_: object) -> None:
        """Read the mark."""
        after = self._read("VmHWM")
        if self._reset and self._before is not None and after is not None:
            self.text = f"{max(after - self._before, 0) / 1024:.1f} MiB at its peak"

    @staticmethod
    def _clear() -> bool:
        from pathlib import Path

        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return False
        return True

    @staticmethod
    def _read(name: str) -> int | None:
        from pathlib import Path

        try:
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        sizes = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
        return int(sizes[0]) if sizes else None


def seed_everything(seed: int) -> None:
    """Move the global generators of Python, NumPy and torch, as a host might."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the old global state is what must not matter)
    torch.manual_seed(seed)


CHECKS = (
    same_seed,
    stochastic_claim,
    alone,
    order,
    duplicates,
    cost,
)
