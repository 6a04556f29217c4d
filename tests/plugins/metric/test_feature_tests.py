"""The metrics that ask whether features of two tables come from one distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity import Table, metrics
from adversity.contracts.table import PART_ROWS
from adversity.errors import InputError
from adversity_plugins.metric.classifier_test import ClassifierTest
from adversity_plugins.metric.mmd import MMD

Plugin = type[MMD] | type[ClassifierTest]
PLUGINS = pytest.mark.parametrize("plugin", [MMD, ClassifierTest])
STATISTIC: dict[Any, tuple[str, Any]] = {
    MMD: ("mmd", metrics.mmd),
    ClassifierTest: ("classifier_test_accuracy", metrics.classifier_test),
}


def table(
    rows: np.ndarray, *, prefix: str = "s", groups: np.ndarray | None = None, start: int = 0
) -> Table:
    """Return a table of features, with ids that sort as the rows do."""
    ids = np.array([f"{prefix}{start + i:06d}" for i in range(len(rows))], dtype=object)
    columns = {"id": ids, "features": rows.astype(np.float32)}
    return Table(columns if groups is None else columns | {"group": groups})


def taken(given: Table, order: np.ndarray) -> Table:
    """Return a table in another order."""
    return Table({name: values[order] for name, values in given.columns.items()})


@PLUGINS
def test_both_tables_are_read_by_id(plugin: Plugin) -> None:
    """The numbers are those of the function, whatever the order; longer tables come in parts."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (PART_ROWS + 200, 3)), rng.normal(0.1, 1, (90, 3))
    ours, theirs = table(a, prefix="a"), table(b, prefix="b")
    found = plugin(permutations=99).compute(ours, theirs)
    name, function = STATISTIC[plugin]
    expected = function(a.astype(np.float32), b.astype(np.float32), permutations=99)
    p_name = f"{plugin.name}_p_value"
    assert found.keys() == {name, p_name} == set(plugin.produces)
    assert found[name].value == pytest.approx(expected.value, abs=1e-12)
    assert found[p_name].value == expected.details["p_value"]
    assert found[name].n == len(a) + 90
    assert found[p_name].convention["samples"] == f"{len(a)} of {len(a)} against 90 of 90"
    mixed = plugin(permutations=99).compute(
        taken(ours, rng.permutation(len(a))), taken(theirs, rng.permutation(90))
    )
    for each in found:
        assert mixed[each].value == pytest.approx(found[each].value, abs=1e-12)


@PLUGINS
def test_what_is_left_out_is_said(plugin: Plugin) -> None:
    """At most so many of each table: n and the convention say how many, and the seed which."""
    rng = np.random.default_rng(0)
    ours, theirs = table(rng.normal(size=(300, 2))), table(rng.normal(size=(40, 2)), prefix="t")
    name, _ = STATISTIC[plugin]
    found = plugin(permutations=19, most=50).compute(ours, theirs)
    assert found[name].n == 90
    assert found[name].convention["samples"] == "50 of 300 against 40 of 40"
    other = plugin(permutations=19, most=50, seed=1).compute(ours, theirs)
    assert other[name].value != found[name].value


@PLUGINS
def test_groups_and_ids_of_both_tables_count(plugin: Plugin) -> None:
    """Groups are dealt as a whole, and an image before and after is a pair."""
    rng = np.random.default_rng(0)
    scenes = np.repeat([f"scene {i}" for i in range(40)], 3).astype(object)
    a = table(rng.normal(size=(60, 2)), groups=scenes[:60])
    b = table(rng.normal(size=(60, 2)), groups=scenes[60:], start=60)
    name, _ = STATISTIC[plugin]
    assert "groups dealt anew;" in plugin().compute(a, b)[name].convention["test"]
    before, after = table(rng.normal(size=(60, 2))), table(rng.normal(size=(60, 2)))
    found = plugin().compute(before, after)[name]
    assert "sides swapped within samples;" in found.convention["test"]
    assert found.method is None or found.method.endswith("grouped")


@PLUGINS
def test_little_is_no_measure_and_other_features_are_refused(plugin: Plugin) -> None:
    """One sample says nothing of a distribution; widths are those of one network."""
    one, some = table(np.ones((1, 2))), table(np.ones((5, 2)))
    assert plugin().compute(one, some) == {}
    assert plugin().compute(some, None) == {}
    with pytest.raises(InputError, match=r"\[2\] of from: and \[3\] of against: for each sample"):
        plugin().compute(some, table(np.ones((5, 3))))
