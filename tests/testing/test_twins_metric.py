"""For each check of metrics of tables, one that fails exactly that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from adversity import Measure, MeasureInfo, Metric, Table, metrics
from adversity.testing import check_plugin
from adversity.testing.inputs.tables import table
from adversity.testing.kinds.metric.table_metric import MetricBench

Found = Mapping[str, Measure]


class Hits(Metric):
    """Share of right answers."""

    name: ClassVar[str] = "hits"
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"hits": MeasureInfo(better="higher")}
    wants: ClassVar[tuple[str, ...]] = ("target", "correct")

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return {"hits": metrics.accuracy_of(table["correct"])}

    def changed(self, table: Table, **changes: Any) -> Found:
        """The same with something else in the measure."""
        return {"hits": replace(Hits.compute(self, table)["hits"], **changes)}


class Distance(Metric):
    """Mean size of perturbations, and a column that the kit does not know."""

    name: ClassVar[str] = "distance"
    produces: ClassVar[tuple[str, ...]] = ("mean_distance", "mean_glare")
    wants: ClassVar[tuple[str, ...]] = ("distance", "glare")

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return {
            f"mean_{name}": Measure(float(np.mean(table[name])), len(table)) for name in self.wants
        }


class Widths(Hits):
    """Share of right answers, of tables that are what they say."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        names = {"logits", "probs"}
        widths = {table[name].shape[1] for name in names if table.has(name)}
        if widths - {len(table.class_names)}:
            raise ValueError(f"{widths} columns, {len(table.class_names)} names")
        return super().compute(table, reference)


class Silent(Hits):
    """Find nothing."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return {}


class NoNumber(Hits):
    """Gives NaN for two classes."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        two = len(table.class_names) == 2
        return self.changed(table, value=float("nan")) if two else self.changed(table)


class SortsInPlace(Hits):
    """Sorts the caller's column."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        found = self.changed(table)
        if table.has("confidence") and table["confidence"].flags.writeable:
            table["confidence"].sort()
        return found


class MoreNames(Hits):
    """Returns a measure that it does not announce."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        found = self.changed(table)
        return {**found, "misses": replace(found["hits"], better=None)}


class Outside(Hits):
    """Puts the interval beside the value."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, low=-0.2, high=-0.1)


class BeyondItsRange(Hits):
    """Counts in percent what it declares as a share."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"hits": MeasureInfo(0.0, 1.0, better="higher")}

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(
            table, value=100 * Hits.compute(self, table)["hits"].value, low=0.0, high=100.0
        )


class OneSample(Hits):
    """Says that it rests on one sample, however many there are."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, n=1)


class FirstCounts(Hits):
    """Gives the first row a little more weight."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        value = Hits.compute(self, table)["hits"].value
        return self.changed(table, value=value + 1e-3 * (float(table["correct"][0]) - value))


class FreshOnly(Hits):
    """Is another where arrays cannot be written, as those of a stored table."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        value = Hits.compute(self, table)["hits"].value
        stored = not table["target"].flags.writeable
        return self.changed(table, value=0.99 * value if stored else value)


class MoreColumns(Hits):
    """Looks at a column that it does not want."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, details={"confidence": float(table["confidence"].mean())})


class WrongWay(Hits):
    """Says that fewer right answers are better."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"hits": MeasureInfo(better="lower")}

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, better="lower")


class PairsOthers(Hits):
    """Pairs by something else than what it is the mean of."""

    def per_sample(self, table: Table) -> dict[str, Any]:
        return {"hits": np.asarray(~table["correct"])}


class Crooked(Hits):
    """Brings a plot with more values than places."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        plot = {"form": "line", "x": [0.0], "y": [1.0, 2.0], "x_title": "", "y_title": ""}
        return self.changed(table, details={"plot": plot})


class OtherUnit(Hits):
    """Gives a unit that it does not declare."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, unit="px")


class ArrayInside(Hits):
    """Puts an array into the details."""

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        return self.changed(table, details={"rows": np.zeros(3)})


class CannotSkip(Hits):
    """Asks for rows without a class, and does not know what to do with them."""

    wants: ClassVar[tuple[str, ...]] = ("correct",)
    needs_labels: ClassVar[bool] = False

    def compute(self, table: Table, reference: Table | None = None) -> Found:
        if (table["target"] < 0).any():
            raise ValueError("a label below 0")
        return super().compute(table, reference)


TWINS = {
    "produces": MoreNames,
    "in_range": BeyondItsRange,
    "words": OtherUnit,
    "value_in_interval": Outside,
    "pairs": PairsOthers,
    "plots": Crooked,
    "n_is_right": OneSample,
    "row_order": FirstCounts,
    "stored": FreshOnly,
    "wants_is_complete": MoreColumns,
    "rows_without_a_class": CannotSkip,
    "direction": WrongWay,
    "measures_are_json": ArrayInside,
}
SHARED = {"answers": NoNumber, "input_untouched": SortsInPlace}


@pytest.mark.parametrize("plugin", [Hits, Distance])
def test_sound_metric_passes(plugin: Any) -> None:
    """A metric that keeps its promises fails nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS | SHARED)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed((TWINS | SHARED)[name]).keys() == {name}


def test_no_check_lacks_a_twin() -> None:
    """Each check of metrics has a twin that fails it."""
    assert {check.name for check in MetricBench.checks} == set(TWINS)


def test_tables_are_what_they_say() -> None:
    """In a perfect table all is right and sure, in the worst all is wrong; in both N x K."""
    mixed = table(40, 4, wants=("fooled",)).rows
    found = mixed["start_prediction"] == mixed["target"]
    assert found.tolist() == mixed["start_correct"].tolist()
    assert set(found.tolist()) == {True, False}
    for outcome, share in (("perfect", 1.0), ("worst", 0.0)):
        rows = table(40, 4, wants=("fooled",), outcome=outcome).rows  # type: ignore[arg-type]
        assert float(rows["correct"].double().mean()) == share
        assert rows["logits"].argmax(1).tolist() == rows["prediction"].tolist()
        assert float(rows["confidence"].min()) > 0.99
        assert rows["correct"].tolist() == (rows["prediction"] == rows["target"]).tolist()
        assert bool((rows["fooled"] == (rows["start_correct"] & ~rows["correct"])).all())
        right_at_first = rows["start_prediction"] == rows["target"]
        assert right_at_first.tolist() == rows["start_correct"].tolist()


def test_probabilities_in_place_of_logits() -> None:
    """Asked for probabilities the kit makes rows that sum to one, and no logits."""
    rows = table(12, 5, answer="probs").rows
    np.testing.assert_allclose(rows["probs"].sum(1).numpy(), 1, rtol=1e-12)
    assert "logits" not in rows


def test_table_names_as_many_classes_as_its_answers_have() -> None:
    """A table of one row and three classes is told as one of three, also where its class is 0."""

    assert check_plugin(Widths).passed


def test_metric_without_measures_fails_once() -> None:
    """A metric that never finds anything fails `produces`; what needs a measure is not tried."""

    found = check_plugin(Silent, raises=False)
    assert [outcome.check for outcome in found.failures] == ["produces"]
    skipped = {outcome.check for outcome in found.outcomes if outcome.status == "skipped"}
    untried = {"n_is_right", "row_order", "stored", "measures_are_json", "value_in_interval"}
    assert untried <= skipped
