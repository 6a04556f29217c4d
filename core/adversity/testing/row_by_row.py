"""What every plugin promises whose answer has a row for each sample.

A result belongs to a sample: its neighbours, its place in the batch and the seed of anybody
else must not be in it. 1e-6 is a tenth of the smallest step of eight-bit colour divided by
four hundred: kernels may round otherwise for another number of rows, nothing else may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from adversity.testing.checks import Failed, NotApplicable, apart, check, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.testing.bench import Answer, Bench, Case

__all__ = ["CHECKS", "ROUNDING"]

ROUNDING = 1e-6


@check("The same seed gives the same answer, from a new object and whatever the global seeds.")
def same_seed(bench: Bench) -> str:
    """Ask two new objects, with the global generators of Python, NumPy and torch moved between."""
    for case in bench.cases():
        _seed_everything(1)
        first = bench.answer(bench.fresh(), case, seed=5)
        _seed_everything(2)
        second = bench.answer(bench.fresh(), case, seed=5)
        for name, value in first.items():
            gap = apart(value, second[name])
            require(
                gap == 0,
                f"expected the same {name} for {case.name} under one seed, they differ by up to "
                f"{gap:.3g}: draw from `rng` only",
            )
    return "equal to the last bit"


@check("`stochastic` is true: another seed changes the answer exactly if it is claimed.")
def stochastic_claim(bench: Bench) -> str:
    """Compare two seeds on all cases."""
    gaps = [
        apart(value, other[name])
        for case in bench.cases()
        for other in [bench.answer(bench.ready, case, seed=6)]
        for name, value in bench.answer(bench.ready, case, seed=5).items()
    ]
    if bench.cls.stochastic:
        require(
            max(gaps) > 0,
            "expected another answer under another seed, got the same; if it draws no random "
            "numbers, say `stochastic = False`",
        )
        return f"another seed moves it by up to {max(gaps):.3g}"
    require(
        max(gaps) == 0,
        f"expected one answer for all seeds, they differ by up to {max(gaps):.3g}; if it draws "
        "random numbers, say `stochastic = True`",
    )
    return "the seed is not in the answer"


@check("The global random state of Python, NumPy and torch is left alone.")
def global_random_state(bench: Bench) -> str:
    """Compare the three states before and after making, setting up and calling."""
    case = bench.cases()[0]
    before = _states()
    bench.answer(bench.fresh(), case)
    moved = [name for name, state in _states().items() if state != before[name]]
    require(
        not moved,
        f"expected the global random state as it was, {' and '.join(moved)} moved: draw from `rng`",
    )
    return "three states as found"


@check("A sample's answer is the same alone and among others.")
def alone(bench: Bench) -> str:
    """Ask for each row by itself."""
    return _rows_agree(bench, lambda count: [[row] for row in range(count)], "alone")


@check("A sample's answer is the same in another order.")
def order(bench: Bench) -> str:
    """Ask for the rows backwards."""
    return _rows_agree(bench, lambda count: [list(range(count))[::-1]], "in another order")


@check("A sample's answer is the same beside a copy of itself.")
def duplicates(bench: Bench) -> str:
    """Ask for every row twice: a statistic over the batch would count it twice."""
    return _rows_agree(
        bench, lambda count: [[0, *range(count), count - 1, count - 1]], "beside a copy"
    )


def _rows_agree(bench: Bench, choices: Callable[[int], list[list[int]]], how: str) -> str:
    worst = 0.0
    for case in bench.cases():
        if len(case) < 2:
            continue
        whole = bench.answer(bench.ready, case)
        for index in choices(len(case)):
            worst = max(worst, _compare(bench, case, whole, index, how))
    return "equal to the last bit" if worst == 0 else f"differs by at most {worst:.1g}"


def _compare(bench: Bench, case: Case, whole: Answer, index: list[int], how: str) -> float:
    """Return the largest difference of some rows from the same rows of the whole."""
    part = bench.answer(bench.ready, case.take(index))
    gaps = {
        (name, row): apart(value[row], whole[name][index[row]])
        for name, value in part.items()
        for row in range(len(index))
    }
    wrong = [key for key, gap in gaps.items() if gap > ROUNDING]
    for name, row in wrong[:1]:
        raise Failed(
            f"expected the same {name} of sample {case.ids[index[row]]} {how} as among "
            f"{case.name}, they differ by {gaps[name, row]:.3g} ({len(wrong)} of {len(gaps)} rows "
            "differ): work on each row by itself"
        )
    return max(gaps.values(), default=0.0)


@check("Another layout in memory of the same values gives the same answer.")
def layout(bench: Bench) -> str:
    """Hand over the rows as a strided view and, for images, with channels last."""
    import torch

    worst = 0.0
    for case in bench.cases():
        views = {
            name: torch.stack([value, value], dim=-1)[..., 0] for name, value in case.rows.items()
        }
        if not any(not view.is_contiguous() for view in views.values()):
            raise NotApplicable("there is nothing to lay out otherwise")
        first = bench.answer(bench.ready, case)
        second = bench.answer(bench.ready, type(case)(case.name, views, case.ids))
        for name, value in first.items():
            gap = apart(value, second[name])
            require(
                gap <= ROUNDING,
                f"expected the same {name} for {case.name} laid out otherwise in memory, they "
                f"differ by up to {gap:.3g}",
            )
            worst = max(worst, gap)
    return "equal to the last bit" if worst == 0 else f"differs by at most {worst:.1g}"


@check("Time and memory are within what a person would wait for, and are told.")
def cost(bench: Bench) -> str:
    """Measure the first case: milliseconds and peak memory a sample; it never fails."""
    import time

    case = bench.cases()[0]
    ready = bench.ready
    bench.answer(ready, case)
    with peak_memory() as peak:
        began = time.perf_counter()
        bench.answer(ready, case)
        took = time.perf_counter() - began
    each = f"{1000 * took / len(case):.2g} ms a sample"
    return f"{each}, {peak.text} on {case.name}"


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
        found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
        return int(found[0]) if found else None


def _seed_everything(seed: int) -> None:
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the old global state is what must not matter)
    torch.manual_seed(seed)


def _states() -> dict[str, Any]:
    import random

    import numpy as np
    import torch

    numpy_state: Any = np.random.get_state()  # noqa: NPY002  (the old global state)
    return {
        "Python's": random.getstate(),
        "NumPy's": (bytes(numpy_state[1]), numpy_state[2:]),
        "torch's": bytes(torch.get_rng_state().numpy()),
    }


CHECKS = (
    same_seed,
    stochastic_claim,
    global_random_state,
    alone,
    order,
    duplicates,
    layout,
    cost,
)
