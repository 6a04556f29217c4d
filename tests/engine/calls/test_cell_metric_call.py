"""The final call of a metric that folds cells, where the metric fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from adversity import CellMetric, MeasureInfo
from adversity.engine.calls.metric_call import metric_call
from adversity.engine.calls.ready import Ready
from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity import Measure, MeasuredCell


class Careless(CellMetric):
    """Takes for granted that everything is known."""

    name: ClassVar[str] = "careless"

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        return {"careless": known["accuracy"]}

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        raise NotImplementedError


def test_a_metric_that_cannot_say_what_it_gives_is_named() -> None:
    """Else a long run ends in a traceback, after all was computed."""
    call = metric_call(Ready(Careless(), 'metric "careless" (acme 1.2)'))
    accuracy = MeasureInfo(0.0, 1.0)
    assert call.gives({"accuracy": accuracy}) == {"careless": accuracy}  # type: ignore[union-attr]
    with pytest.raises(PluginError, match=r'^metric "careless" \(acme 1\.2\) raised KeyError'):
        call.gives({})  # type: ignore[union-attr]
