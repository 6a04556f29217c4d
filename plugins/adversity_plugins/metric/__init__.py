"""Built-in metrics: tables in, measures out. The mathematics is `adversity.metrics`."""

from __future__ import annotations

from adversity import hookimpl, plugins_in
from adversity.contracts import MetricBase


@hookimpl
def adversity_metrics() -> list[type[MetricBase]]:
    """Return the built-in metrics: every one that a file of this folder defines."""
    return plugins_in(__name__, MetricBase)
