"""Three methods under three conditions, with differences that are told apart or not, as values."""

from __future__ import annotations

from dataclasses import replace

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.values.compared import Compared, Comparison
from adversity.report.values.model import Caveat, CellResult, Report, StepSummary

ACCURACY = MeasureInfo(0, 1, better="higher", scale="share", group="accuracy", headline=1)
ECE = MeasureInfo(0, 1, title="ECE", better="lower", scale="percent", group="uncertainty", headline=4)  # fmt: skip
VALUES = {"none": (0.7, 0.4), "med_ian": (0.8, 0.7), "<b>&5%": (0.6, 0.68)}


def share(value: float, info: MeasureInfo = ACCURACY, n: int = 200) -> Measure:
    """A share with an interval of its own."""
    return Measure(value, n, value - 0.05, value + 0.05, method="wilson").known_as(info)


def step(id_: str, restoration: str, values: dict[str, float], degradation: str) -> StepSummary:
    """Predictions of one method, in a cell for each severity."""
    cells = tuple(
        CellResult(
            {"severity": severity} if severity else {},
            200,
            {"accuracy": share(value), "ece": share(value / 10, ECE)},
        )
        for severity, value in values.items()
    )
    return StepSummary(
        id=id_,
        uses="classifier/net",
        kind="classifier",
        makes="predictions",
        source=("noisy",),
        path=("photos", "noisy", id_),
        cells=cells,
        method={"restoration": restoration, "classifier": "net"},
        condition={"data": "photos", "degradation": degradation, "attack": "none"},
    )


def compared(first: str, second: str, severity: str, value: float, holm: float) -> Comparison:
    """A paired difference of accuracy."""
    difference = Measure(value, 200, value - 0.05, value + 0.05, better="higher")
    cell = {"severity": severity}
    return Comparison(
        "accuracy", first, second, cell, cell, difference.known_as(replace(ACCURACY, low=-1)),
        p_value=holm / 2, holm=holm,
    )  # fmt: skip


def report_of_methods() -> Report:
    """At severity 1 the second method is the best; at 5 it cannot be told from the third."""
    names = [f"with_{at}" for at in range(3)]
    steps = [
        step(id_, name, dict(zip(("1", "5"), values, strict=True)), "noise")
        for id_, (name, values) in zip(names, VALUES.items(), strict=True)
    ]
    clean = step("clean", "none", {"": 0.9}, "none")
    pairs = (
        compared("with_0", "with_1", "1", -0.1, 0.001),
        compared("with_0", "with_2", "1", 0.1, 0.04),
        compared("with_1", "with_2", "1", 0.2, 0.0001),
        compared("with_0", "with_1", "5", -0.3, 0.0001),
        compared("with_0", "with_2", "5", -0.28, 0.0002),
        compared("with_1", "with_2", "5", 0.02, 0.6),
    )
    return Report(
        pipeline="methods",
        file="methods.yaml",
        text="",
        seed=0,
        matrix={"severity": ("1", "5")},
        data=(),
        steps=(*steps, clean),
        sides={"severity": "condition"},
        compared=Compared(pairs),
    )


def over_seeds(report: Report) -> Report:
    """The same, each figure the mean over three seeds."""

    def folded(cell: CellResult) -> CellResult:
        measures = {
            name: replace(one, details={"seeds": 3, "spread": 0.0123})
            for name, one in cell.measures.items()
        }
        return replace(cell, measures=measures)

    steps = tuple(replace(s, over_seeds=tuple(map(folded, s.cells))) for s in report.steps)
    return replace(report, steps=steps)


def voided(report: Report) -> Report:
    """The same, with a reason not to believe the best method."""
    caveat = Caveat("void", "with_1 cheated.", step="with_1")
    return replace(report, caveats=(caveat,))
