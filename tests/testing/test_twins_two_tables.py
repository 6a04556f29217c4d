"""For each check of metrics that compare two tables, one that fails exactly that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from adversity import Measure, MeasureInfo, Metric, Table, metrics
from adversity.testing import check_plugin
from adversity.testing.kinds.metric.two_tables import TwoTablesBench
from adversity_plugins.metric.regression_gain import RegressionGain

Found = Mapping[str, Measure]


class Same(Metric):
    """Share of samples with the same prediction."""

    name: ClassVar[str] = "same"
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "samples"
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"same": MeasureInfo(better="higher")}
    wants: ClassVar[tuple[str, ...]] = ("prediction",)

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        same = table["prediction"] == reference["prediction"]
        return {"same": metrics.share(int(same.sum()), len(table))}

    def per_pair(self, table: Table, reference: Table) -> dict[str, Any]:
        return {"same": np.asarray(table["prediction"] == reference["prediction"])}

    def changed(self, table: Table, reference: Table | None, **changes: Any) -> Found:
        """The same with something else in the measure."""
        return {"same": replace(Same.compute(self, table, reference)["same"], **changes)}


class Surer(Metric):
    """How much surer the model is of the second table than of the first, between -1 and 1."""

    name: ClassVar[str] = "surer"
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "tables"
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"surer": MeasureInfo(-1.0, 1.0)}
    wants: ClassVar[tuple[str, ...]] = ("confidence",)

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        gap = float(reference["confidence"].mean() - table["confidence"].mean())
        return {"surer": Measure(gap, len(table) + len(reference))}


class MoreNames(Same):
    """Returns a measure that it does not announce."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        found = super().compute(table, reference)
        return {**found, "other": replace(found["same"], better=None)}


class BeyondItsRange(Surer):
    """Counts in percent what it declares as a share."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        found = super().compute(table, reference)["surer"]
        return {"surer": replace(found, value=1000 * found.value)}


class OtherUnit(Same):
    """Gives a unit that it does not declare."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, reference, unit="px")


class Outside(Same):
    """Puts the interval beside the value."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, reference, low=-0.2, high=-0.1)


class PairsOthers(Same):
    """Pairs by something else than what it is the mean of."""

    def per_pair(self, table: Table, reference: Table) -> dict[str, Any]:
        return {"same": ~super().per_pair(table, reference)["same"]}


class Crooked(Same):
    """Brings a plot with more values than places."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        plot = {"form": "line", "x": [0.0], "y": [1.0, 2.0], "x_title": "", "y_title": ""}
        return self.changed(table, reference, details={"plot": plot})


class TooMany(Same):
    """Counts the same samples twice."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, reference, n=2 * len(table))

    def per_pair(self, table: Table, reference: Table) -> dict[str, Any]:
        return {}


class ByPlace(Surer):
    """Compares rows that stand at the same place, although they are of other samples."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        gap = np.abs(reference["confidence"] - table["confidence"][: len(reference)])
        return {"surer": Measure(float(gap.mean()), len(table) + len(reference))}


class FreshOnly(Same):
    """Is another where the second table's arrays cannot be written, as those of a stored one."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        stored = not reference["target"].flags.writeable
        return self.changed(
            table, reference, **({"n": 1, "value": 0.0, "low": 0.0} if stored else {})
        )


class MoreColumns(Same):
    """Looks at a column that it does not want."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        return self.changed(
            table, reference, details={"sure": float(reference["confidence"].max())}
        )


class WrongWay(Same):
    """Says that fewer agreements are better."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"same": MeasureInfo(better="lower")}


class KnowsIds(Surer):
    """Leaves out rows whose ids are in both tables, as if they were of the same samples."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        new = ~np.isin(reference["id"], table["id"])
        if not new.any():
            return {}
        return super().compute(table, Table({n: v[new] for n, v in reference.columns.items()}))


class Deaf(Surer):
    """Measures the first table alone."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        assert reference is not None
        return {"surer": Measure(float(table["confidence"].mean()), len(table))}


class ArrayInside(Same):
    """Puts an array into the details."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, reference, details={"rows": np.zeros(3)})


TWINS = {
    "produces": MoreNames,
    "in_range": BeyondItsRange,
    "words": OtherUnit,
    "value_in_interval": Outside,
    "pairs": PairsOthers,
    "plots": Crooked,
    "n_is_right": TooMany,
    "row_order": ByPlace,
    "stored": FreshOnly,
    "wants_is_complete": MoreColumns,
    "against_itself": WrongWay,
    "second_counts": Deaf,
    "measures_are_json": ArrayInside,
}


@pytest.mark.parametrize("plugin", [Same, Surer, RegressionGain])
def test_sound_metric_passes(plugin: Any) -> None:
    """A metric of either sort that keeps its promises fails nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


def test_ids_of_other_samples_mean_nothing(failed: Callable[..., dict[str, str]]) -> None:
    """Where any tables are compared, one that joins by id fails that check alone, too."""
    assert failed(KnowsIds).keys() == {"against_itself"}


def test_no_check_lacks_a_twin() -> None:
    """Each check of two tables has a twin that fails it."""
    assert {check.name for check in TwoTablesBench.checks} == set(TWINS)
