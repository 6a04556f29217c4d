"""Scales that one huge value would flatten: logarithmic beyond the decade of the middle value."""

from __future__ import annotations

import pytest

from adversity.contracts.values import Measure
from adversity.report.charts.curves import line_charts
from adversity.report.charts.forest import row_chart
from adversity.report.charts.log_scale import knee_of, knee_ticks


@pytest.mark.parametrize(
    ("values", "knee"),
    [
        ([2.0, 3.0, 900.0], 1.0),
        ([2.0, 3.0, 90.0], None),
        ([-0.02, 0.03, -5.0], 0.01),
        ([0.0, 0.0, 0.0], None),
        ([], None),
        ([5.0, 6.0, float("inf")], None),
    ],
    ids=["huge", "exactly thirty times", "below 0", "zeros", "none", "infinite"],
)
def test_a_scale_is_logarithmic_where_one_value_flattens_the_others(
    values: list[float], knee: float | None
) -> None:
    """More than thirty times the middle one; infinite values are on no axis."""
    assert knee_of(values) == knee


def test_ticks_reach_the_decades_that_hold_the_ends() -> None:
    """With 0, and nothing below it where no value lies there."""
    assert knee_ticks([0.5, 900.0], 1.0) == (0.0, 1.0, 10.0, 100.0, 1000.0)
    assert knee_ticks([-3.0, 0.2], 1.0) == (-10.0, -1.0, 0.0, 1.0)
    assert len(knee_ticks([1.0, 1e12], 1.0)) <= 8, "every second decade of many"


def test_charts_say_that_their_scale_is_logarithmic() -> None:
    """Of lines and of rows; one of shares, and one that nothing flattens, stay as they are."""
    values = (2.0, 3.0, 900.0)
    records = [
        {"series": "net", "x": at, "value": value, "low": value, "high": value, "n": 9}
        for at, value in enumerate(values)
    ]
    (chart,) = line_charts(records, key="k", title="t", x="x", y="y", intervals="", top=None)
    assert "logarithmic beyond 1," in chart.caption
    assert '"symlog"' in str(chart.spec).replace("'", '"')
    rows = [(str(value), Measure(value, 9, value, value)) for value in values]
    assert "logarithmic beyond 1," in row_chart("k", "t", rows, top=None).caption
    for plain in (row_chart("k", "t", rows, top=1000.0), row_chart("k", "t", rows[:2], top=None)):
        assert "logarithmic" not in plain.caption
        assert "symlog" not in str(plain.spec)
