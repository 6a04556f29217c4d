"""The steps of the synthetic report, with plausible measures; `conftest.py` loads it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts.values import Measure
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.report.values.model import CellResult, StepSummary
from adversity.report.words.reading import with_words
from adversity_plugins.metric import adversity_metrics

if TYPE_CHECKING:
    from adversity.contracts import MeasureInfo
    from adversity.report.values.model import Report

KNOWN = dict(OF_ATTACKS)
for metric in adversity_metrics():
    KNOWN |= metric.declared()
"""What is known of every measure of ours."""


def share(value: float, n: int, better: str = "higher") -> Measure:
    """A share with Wilson's interval."""
    z2 = 1.959963984540054**2
    centre = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (value * (1 - value) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Measure(
        value, n, max(0.0, centre - half), min(1.0, centre + half), method="wilson", better=better
    )


def ece(value: float, n: int, slope: float) -> Measure:
    """A calibration error with bins, two of them empty."""
    counts = [0, 0, 12, 20, 35, 60, 90, 140, 190, n - 547]
    bins = []
    for index, count in enumerate(counts):
        sure = 0.05 + 0.1 * index
        right = min(1.0, max(0.0, sure * slope)) if count else 0.0
        bins.append({"confidence": sure, "accuracy": right, "count": count})
    return Measure(
        value,
        n,
        value - 0.008,
        value + 0.011,
        method="bootstrap",
        better="lower",
        convention={"bins": 10, "edges": "equal width, (lo, hi]", "norm": "L1"},
        details={"bins": bins},
    )


def predicted(accuracy: float, n: int, slope: float) -> dict[str, Measure]:
    """What a prediction step measures."""
    spread = {"method": "bootstrap", "better": "lower"}
    nll = 2.4 * (1 - accuracy) + 0.2
    brier = 1.3 * (1 - accuracy)
    return {
        "accuracy": share(accuracy, n),
        "accuracy_top5": share(min(0.99, accuracy + 0.12), n),
        "ece": ece(0.03 + 0.25 * (1 - accuracy), n, slope),
        "nll": Measure(nll, n, nll - 0.09, nll + 0.1, unit="nats", **spread),
        "brier": Measure(brier, n, brier - 0.02, brier + 0.02, **spread),
    }


def plugin(name: str, **more: str) -> dict[str, str]:
    return {
        "distribution": "adversity",
        "version": "0.1.0",
        "licence": "MIT",
        "reference": f"Authors of {name}, the paper, 2018.",
        **more,
    }


def searched(name: str, kind: str, access: str, **curves: tuple[str, float]) -> StepSummary:
    """A search in l2 with the curve of what it found: half of 800 images by the median."""
    cost = Measure(312.4, 688, 290.1, 333.3, method="student t")
    measures = {"robust_accuracy": share(0.1, 800), "queries_per_image": cost}
    for measure, (along, middle) in curves.items():
        curve = {along: [0.0, middle, 10 * middle], "robust": [0.86, 0.5, 0.1]}
        ends = {"low": 0.9 * middle, "high": 1.1 * middle, "method": "order statistics"}
        measures[measure] = Measure(middle, 800, **ends, details=curve)
    return StepSummary(
        name,
        f"attack/{name}",
        "attack",
        "adversarial",
        ("photos",),
        ("photos", name),
        against="clean",
        knowledge="white-box",
        threat={"type": kind, "access": access, "norm": "l2", "nearest": kind == "minimum"},
        cells=(CellResult({}, 800, measures),),
        plugin=plugin(name),
    )


def steps() -> tuple[StepSummary, ...]:
    """Views, predictions over severities, and attacks with a noise control, as a run has them."""
    return with_words(_stored_steps(), KNOWN)


def _stored_steps() -> tuple[StepSummary, ...]:
    """The same, as they are stored: with nothing known of the measures."""

    def cells(start: float, fall: float, n: int, slope: float) -> tuple[CellResult, ...]:
        return tuple(
            CellResult(
                {"severity": str(level)},
                n,
                predicted(start - fall * level, n, slope - 0.03 * level),
            )
            for level in range(1, 6)
        )

    quality = tuple(
        replace(
            cell,
            measures={
                **cell.measures,
                "psnr_db": Measure(24.0 - level, 800, 23.8 - level, 24.2 - level, unit="dB"),
                "ssim": Measure(0.9 - 0.08 * level, 800, 0.89 - 0.08 * level, 0.91 - 0.08 * level),
            },
        )
        for level, cell in enumerate(cells(0.84, 0.07, 800, 0.97), start=1)
    )
    view = {"makes": "images", "plugin": plugin("a view")}
    net = "classifier/efficientnet_lite0"
    weights = plugin("EfficientNet", weights_licence="Apache-2.0")

    def attacked(
        values: tuple[float, ...], severity: str = "", **more: object
    ) -> tuple[CellResult, ...]:
        beside = {"severity": severity} if severity else {}
        return tuple(
            CellResult(
                {**beside, "eps": eps},
                800,
                {
                    "robust_accuracy": share(value, 800),
                    "attack_success": share((0.86 - value) / 0.86, 688),
                },
                parameters={"norm": "linf", "eps": eps, **more},
            )
            for eps, value in zip(("1/255", "2/255", "4/255", "8/255"), values, strict=True)
        )

    pgd = {"steps": 20, "step_size": 0.002, "restarts": 2, "random_start": True, "targeted": False}
    threat = {"type": "norm", "access": "gradients", "norm": "linf", "eps": "$eps"}
    return (
        StepSummary(
            "dark",
            "degradation/low_light",
            "degradation",
            source=("photos",),
            path=("photos", "dark"),
            image_role="degraded",
            **view,
        ),
        StepSummary(
            "enhanced",
            "restoration/lime",
            "restoration",
            source=("dark",),
            path=("photos", "dark", "enhanced"),
            image_role="restored",
            **view,
        ),
        StepSummary(
            "clean",
            net,
            "classifier",
            "predictions",
            ("photos",),
            ("photos", "clean"),
            cells=(CellResult({}, 800, predicted(0.86, 800, 0.99)),),
            plugin=weights,
        ),
        StepSummary(
            "dark_predictions",
            net,
            "classifier",
            "predictions",
            ("dark",),
            ("photos", "dark", "dark_predictions"),
            cells=cells(0.80, 0.12, 800, 0.9),
            plugin=weights,
        ),
        StepSummary(
            "predictions",
            net,
            "classifier",
            "predictions",
            ("enhanced",),
            ("photos", "dark", "enhanced", "predictions"),
            cells=quality,
            plugin=weights,
        ),
        StepSummary(
            "digit_predictions",
            "classifier/small_cnn",
            "classifier",
            "predictions",
            ("digits",),
            ("digits", "digit_predictions"),
            fit_on="train",
            cells=(CellResult({}, 1797, predicted(0.97, 1797, 1.0)),),
            plugin=weights,
        ),
        StepSummary(
            "attacked",
            "attack/pgd",
            "attack",
            "adversarial",
            ("photos",),
            ("photos", "attacked"),
            against="clean",
            knowledge="white-box",
            threat=threat,
            budget="Budget: L∞ norm of at most 1/255, 2/255, 4/255, 8/255, on the [0, 1] scale.",
            links=({"step": "clean", "uses": net, "gradient": "exact"},),
            cells=attacked((0.71, 0.52, 0.24, 0.03), **pgd),
            plugin=plugin("PGD"),
        ),
        StepSummary(
            "grey",
            "attack/pgd",
            "attack",
            "adversarial",
            ("dark",),
            ("photos", "dark", "grey"),
            against="predictions",
            knowledge="grey-box",
            threat=threat,
            budget="Budget: L∞ norm of at most 1/255, 2/255, 4/255, 8/255, on the [0, 1] scale.",
            links=(
                {"step": "enhanced", "uses": "restoration/lime", "gradient": "not used"},
                {"step": "predictions", "uses": net, "gradient": "exact"},
            ),
            cells=attacked((0.61, 0.52, 0.40, 0.31), severity="3", **pgd),
            plugin=plugin("PGD"),
            notes=("2 of 800 gradients were zero.",),
        ),
        StepSummary(
            "control",
            "attack/random_noise",
            "attack",
            "adversarial",
            ("photos",),
            ("photos", "control"),
            against="clean",
            knowledge="white-box",
            threat={**threat, "access": "decisions", "control": True},
            cells=attacked((0.86, 0.85, 0.85, 0.83)),
            plugin=plugin("noise"),
        ),
        searched("nearest", "minimum", "gradients", failure_distance=("distance", 0.012)),
        searched("asking", "norm", "decisions", queries_to_fool=("queries", 240.0)),
    )


def report_with(
    report: Report, step: str, name: str, measure: Measure, info: MeasureInfo
) -> Report:
    """Return the report with one more measure in every cell of a step."""
    (old,) = (item for item in report.steps if item.id == step)
    cells = tuple(
        replace(cell, measures={**cell.measures, name: measure.known_as(info)})
        for cell in old.cells
    )
    new = replace(old, cells=cells)
    return replace(report, steps=tuple(new if item is old else item for item in report.steps))
