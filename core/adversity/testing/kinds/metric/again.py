"""What a metric gives for the same table again: in another order, and stored and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.data.tables import read_table, write_table
from adversity.testing.bench.checks import check, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts import Measure
    from adversity.testing.kinds.metric.table_metric import MetricBench

__all__ = ["SUMS", "require_same", "row_order", "stored"]

SUMS = 1e-9
"""Sums of up to 1e5 float64 terms in another order are apart by less."""


@check("The order of the rows does not matter.")
def row_order(bench: MetricBench) -> str:
    """Turn the table round, and rotate it."""
    worst = 0.0
    for case in bench.measured:
        count = len(case)
        orders = (
            range(count)[::-1],
            [*range(1, count), 0],
            [*range(count // 2, count), *range(count // 2)],
        )
        first = bench.measures(bench.ready, case)
        for order in orders:
            second = bench.measures(bench.ready, case.take(order))
            how = f"in another order of rows of {case.name}"
            worst = max(worst, require_same(first, second, how, SUMS))
    return f"differs by at most {worst:.1g}"


@check("A table that was stored gives the same number.")
def stored(bench: MetricBench) -> str:
    """Write the table as a run does, read it and compare."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="adversity-") as folder:
        for case in bench.measured:
            columns = bench.columns(case)
            path = Path(folder) / "table.parquet"
            write_table(path, columns)
            first = bench.computed(bench.ready, columns, case)
            second = bench.computed(bench.ready, read_table(path), case)
            require_same(first, second, f"from the stored table of {case.name}", 0.0)
    return "equal to the last bit"


def require_same(
    first: Mapping[str, Measure], second: Mapping[str, Measure], how: str, limit: float
) -> float:
    """Compare two answers; return how far they are apart.

    Args:
        first: Named measures.
        second: The same again.
        how: What was changed in between, for the message.
        limit: A share of the value, where that is above 1.
    """
    require(
        first.keys() == second.keys(),
        f"expected the same measures {how}, got {sorted(first)} and {sorted(second)}",
    )
    worst = 0.0
    for name, measure in first.items():
        gap = abs(measure.value - second[name].value)
        require(
            gap <= limit * max(1.0, abs(measure.value)),
            f"expected the same {name} {how}, they differ by {gap:.3g}",
        )
        worst = max(worst, gap)
    return worst
