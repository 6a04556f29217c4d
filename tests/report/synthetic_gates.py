"""The gates of the synthetic report; `conftest.py` loads it."""

from __future__ import annotations

from adversity.report.values.model import GateResult, StepSummary


def gates(made: tuple[StepSummary, ...]) -> tuple[GateResult, ...]:
    """One gate of each verdict."""
    by_id = {step.id: step for step in made}
    third = by_id["predictions"].cells[2].measures["accuracy"]
    robust = by_id["attacked"].cells[2].measures["robust_accuracy"]
    return (
        GateResult(
            "lower predictions[severity=3].accuracy >= 0.62",
            "undecided",
            "The interval crosses the limit.",
            "pipelines/photos.yaml:17",
            third,
            {"severity": "3"},
            ">=",
            0.62,
            6500,
            "predictions",
        ),
        GateResult(
            "attacked.robust_accuracy >= 0.40",
            "fail",
            "The whole interval is below the limit.",
            "pipelines/photos.yaml:18",
            robust,
            {"eps": "4/255"},
            ">=",
            0.40,
            None,
            "attacked",
        ),
        GateResult(
            "clean.ece <= 0.10",
            "pass",
            "The whole interval is below the limit.",
            "pipelines/photos.yaml:19",
            by_id["clean"].cells[0].measures["ece"],
            {},
            "<=",
            0.10,
            None,
            "clean",
        ),
        GateResult(
            "grey.robust_accuracy >= 0.5",
            "error",
            "A grey-box attack cannot carry a gate.",
            "pipelines/photos.yaml:20",
            step="grey",
        ),
    )
