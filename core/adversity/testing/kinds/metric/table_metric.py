"""What a metric of one table promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from adversity.contracts import Measure, MeasureInfo, Table
from adversity.contracts.targets import NO_LABEL, UNKNOWN_CLASS
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import Failed, NotApplicable, check, json_text, require
from adversity.testing.inputs.tables import KNOWN, classes_of, some_without_a_class, table
from adversity.testing.kinds.metric.again import row_order, stored
from adversity.testing.kinds.metric.declared import in_range, pairs, plots, produces, words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adversity.engine.calls.ready import Ready
    from adversity.testing.bench.checks import Check

__all__ = [
    "MetricBench",
    "direction",
    "measures_are_json",
    "n_is_right",
    "rows_without_a_class",
    "value_in_interval",
    "wants_is_complete",
]


@check("A value lies inside its interval.")
def value_in_interval(bench: MetricBench) -> str:
    """Compare value and bounds on all tables."""
    count = 0
    for case in bench.answered:
        for name, measure in bench.measures(bench.ready, case).items():
            low, high = measure.low, measure.high
            require(
                (low is None) == (high is None),
                f"expected both bounds of {name} or none, got {low} and {high}",
            )
            if low is None or high is None:
                continue
            count += 1
            require(
                low <= measure.value <= high and 0 < measure.level < 1,
                f"expected {name} = {measure.value:.6g} inside its interval on {case.name}, got "
                f"[{low:.6g}, {high:.6g}] at level {measure.level}",
            )
    if not count:
        raise NotApplicable("it gives no interval")
    return f"{count} intervals"


@check("The number of samples is right: twice the rows are twice n.")
def n_is_right(bench: MetricBench) -> str:
    """Compare n with the number of rows, and with n of the same table written twice."""
    summary = {}
    for case in bench.measured:
        twice = case.take([*range(len(case)), *range(len(case))])
        ids = tuple(f"{name}/{k}" for k, name in enumerate(twice.ids))
        more = bench.measures(bench.ready, Case(twice.name, twice.rows, ids))
        for name, measure in bench.measures(bench.ready, case).items():
            rows = bench.samples(case)
            require(
                1 <= measure.n <= rows,
                f"expected n of {name} from 1 to {rows}, the rows there are, got {measure.n}",
            )
            again = more[name].n if name in more else 0
            require(
                again == 2 * measure.n,
                f"expected n of {name} to be {2 * measure.n} for every row twice, got {again}",
            )
            summary[name] = f"{name} rests on {measure.n} of {rows} rows"
    return ", ".join(summary.values())


@check("Rows without a class, of unknown ones and without a label, are no obstacle.")
def rows_without_a_class(bench: MetricBench) -> str:
    """Put two such rows into a table; who needs labels does not see them."""
    import torch

    case = bench.measured[0]
    if "target" not in case.rows:
        raise NotApplicable("the kit's tables for it have no labels")
    more = case.take([*range(len(case)), 0, 0])
    target = torch.cat([case.rows["target"], torch.tensor([UNKNOWN_CLASS, NO_LABEL])])
    ids = (*case.ids, "kit/unknown", "kit/unlabelled")
    name = f"{case.name} and two without a class"
    wider = Case(name, {**more.rows, "target": target}, ids)
    try:
        measures, before = (bench.measures(bench.ready, one) for one in (wider, case))
    except BREAKS as error:
        raise Failed(
            f"expected {name} to be measured, it raised {error}; leave rows with a negative target "
            "out, or let the core do it (needs_labels = True)"
        ) from error
    if not bench.cls.needs_labels:  # type: ignore[attr-defined]
        return f"{', '.join(measures) or 'no measure'} of {name}"
    for each, measure in measures.items():
        require(
            (measure.value, measure.n) == (before[each].value, before[each].n),
            f"expected {each} of the rows with a class alone, got {measure.value:.6g} with two more",
        )
    return "it is given the others alone"


@check("`wants` is complete: a table with these columns alone is enough, or it is silent.")
def wants_is_complete(bench: MetricBench) -> str:
    """Leave every other column out but id and target; nothing may be raised."""
    wants = bench.cls.wants  # type: ignore[attr-defined]
    case = bench.answered[0]
    less = bench.reduced(case, (*wants, "target"))
    try:
        measures = bench.measures(bench.ready, less)
    except InputError as error:
        if not bench.cls.step_only():  # type: ignore[attr-defined]
            raise Failed(
                f"expected {less.name} to be enough or to give nothing: {error}"
            ) from error
        return f"refuses a table without more than {', '.join(wants) or 'id and target'}"
    except BREAKS as error:
        raise Failed(
            f"expected {less.name} to be enough or to give nothing, it raised {error}; name the "
            "missing column in `wants`, or look with `table.has`"
        ) from error
    return (
        f"{', '.join(measures)} from {', '.join(wants)}"
        if measures
        else "silent without the others"
    )


@check("A measure says which direction is good, and the best table is better than the worst.")
def direction(bench: MetricBench) -> str:
    """Compare a table where all is right with one where all is wrong."""
    wants = bench.cls.wants  # type: ignore[attr-defined]
    declared = bench.declared
    unknown = sorted(set(wants) - KNOWN)
    if unknown:
        raise NotApplicable(f"the kit does not know what is good in {', '.join(unknown)}")
    best, worst = (
        bench.measures(bench.ready, table(60, 10, wants=wants, outcome=outcome, answer=bench.form))
        for outcome in ("perfect", "worst")
    )
    summary = []
    for name in best.keys() & worst.keys():
        better = best[name].better or declared.get(name, MeasureInfo()).better
        high, low = best[name].value, worst[name].value
        require(
            better in ("higher", "lower", None),
            f"expected `better` of {name} to be higher, lower or None, got {better!r}",
        )
        if better is None:
            continue
        require(
            high > low if better == "higher" else high < low,
            f"expected the {better} {name} to be the better one, got {high:.4g} where all is right "
            f"and {low:.4g} where all is wrong",
        )
        summary.append(f"{name} {high:.4g} where all is right, {low:.4g} where all is wrong")
    if not summary:
        raise NotApplicable("no measure says which direction is good")
    return "; ".join(sorted(summary))


@check("Measures are JSON, and read back they are the same.")
def measures_are_json(bench: MetricBench) -> str:
    """Write every measure as the run does."""
    count = 0
    for case in bench.measured:
        for name, measure in bench.measures(bench.ready, case).items():
            text = json_text(measure.as_json(), name)
            back = Measure.from_json(json.loads(text))
            require(
                back.value == measure.value and back.as_json() == json.loads(text),
                f"expected {name} to be the same after writing and reading, got {back}",
            )
            count += 1
    return f"{count} measures"


class MetricBench(Bench):
    """Feed a metric with tables of predictions, or of attacks where it needs their columns."""

    by_row = False
    checks: ClassVar[tuple[Check, ...]] = (
        produces,
        in_range,
        words,
        value_in_interval,
        pairs,
        plots,
        n_is_right,
        row_order,
        stored,
        wants_is_complete,
        rows_without_a_class,
        direction,
        measures_are_json,
    )

    @property
    def declared(self) -> dict[str, MeasureInfo]:
        """What it says of its measures beforehand."""
        declared: dict[str, MeasureInfo] = self.cls.declared()  # type: ignore[attr-defined]
        return declared

    @property
    def form(self) -> Literal["logits", "probs"]:
        """In which form the classifier's answer stands in most tables."""
        return "probs" if "probs" in self.cls.wants else "logits"  # type: ignore[attr-defined]

    def cases(self) -> Sequence[Case]:
        """Return tables of several lengths and numbers of classes."""
        wants = self.cls.wants  # type: ignore[attr-defined]
        cases = [table(n, k, wants=wants, answer=self.form) for n, k in ((60, 10), (25, 2), (1, 3))]
        if not {"logits", "probs"} & set(wants):
            cases.append(table(20, 10, wants=wants, answer="probs"))
        if "target" in wants and not self.cls.needs_labels:  # type: ignore[attr-defined]
            cases.append(some_without_a_class(table(60, 10, wants=wants, answer=self.form)))
        return cases

    def samples(self, case: Case) -> int:
        """Return how many samples a measure of a case can rest on."""
        return len(case)

    def reduced(self, case: Case, names: Collection[str]) -> Case:
        """Return a case with some of its columns, and its ids."""
        columns = {name: value for name, value in case.rows.items() if name in names}
        return Case(f"{case.name} with {', '.join(columns)} alone", columns, case.ids)

    def pairs(self, case: Case) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return what the metric says that its measures of a case are the means of."""
        pairs: Mapping[str, np.ndarray[Any, Any]]
        pairs = self.ready.plugin.per_sample(self.given(case))
        return pairs

    @property
    def measured(self) -> tuple[Case, ...]:
        """The tables that it finds a measure for; where there is none, nothing can be tried."""
        cases = tuple(case for case in self.answered if self.measures(self.ready, case))
        if not cases:
            raise NotApplicable("it gives no measure, so that this cannot be tried: see `produces`")
        return cases

    def columns(self, case: Case) -> dict[str, np.ndarray[Any, Any]]:
        """Return the columns of a case as arrays that share its memory."""
        ids = {"id": np.array(case.ids, dtype=object)}
        return ids | {name: value.numpy() for name, value in case.rows.items()}

    def given(self, case: Case, columns: Mapping[str, np.ndarray[Any, Any]] | None = None) -> Table:
        """Return a case as the table that the metric sees."""
        names = tuple(f"class_{k}" for k in range(classes_of(case)))
        return Table(self.columns(case) if columns is None else columns, names)

    def measures(self, ready: Ready, case: Case) -> dict[str, Measure]:
        """Compute the measures of a case."""
        return self.computed(ready, self.columns(case), case)

    def computed(
        self, ready: Ready, columns: Mapping[str, np.ndarray[Any, Any]], case: Case
    ) -> dict[str, Measure]:
        """Compute as the engine does: nothing where the table is none that it takes.

        Raises:
            PluginError: If the answer is no mapping of names to measures with finite values.
        """
        measures: dict[str, Measure] = ready.call(self.given(case, columns))
        return measures

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Compute the measures; their values are the answer."""
        import torch

        measures = self.measures(ready, case)
        return {
            name: torch.tensor([measure.value], dtype=torch.float64)
            for name, measure in measures.items()
        }
