"""What MLflow stores of a run, as plain values: pure functions, MLflow is not needed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity_mlflow.names import flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from adversity_mlflow.names import Names

__all__ = [
    "Cuts",
    "compared_metrics",
    "end_metrics",
    "end_tags",
    "files",
    "measures_json",
    "parameters",
    "start_tags",
    "status",
    "step_metrics",
]

PARAMETER_LENGTH = 6000
TAG_LENGTH = 8000
_CUT = " … (cut)"
_VERDICTS = ("pass", "fail", "undecided", "error")
_FILES = ("report.html", "report.md", "result.json", "manifest.json", "log.txt")
_INTERRUPTED = 130


class Cuts:
    """Cuts what is too long for MLflow and remembers what was cut.

    Attributes:
        said: A phrase for each thing that was cut.
    """

    def __init__(self) -> None:
        """Begin with nothing cut."""
        self.said: list[str] = []

    def fit(self, what: str, text: str, limit: int) -> str:
        """Return a text of at most `limit` characters, which says so if it was cut."""
        if len(text) <= limit:
            return text
        self.said.append(f"{what}, {len(text)} characters where MLflow takes {limit}")
        return text[: limit - len(_CUT)] + _CUT


def parameters(run: Mapping[str, Any], names: Names, cuts: Cuts) -> dict[str, str]:
    """Return the pipeline's parameters, `steps.net.with.epochs`, without name and gates.

    Args:
        run: As `adversity_run_started` gives it.
        names: Of this run's parameters.
        cuts: Told of values that are too long.
    """
    rest = {key: value for key, value in run["parameters"].items() if key not in ("name", "gates")}
    return {
        names.of(key): cuts.fit(f"parameter {key}", value, PARAMETER_LENGTH)
        for key, value in flatten(rest)
    }


def start_tags(run: Mapping[str, Any], cuts: Cuts) -> dict[str, str]:
    """Return what is known of a run before it did anything; no user and no host name.

    Args:
        run: As `adversity_run_started` gives it.
        cuts: Told of values that are too long.
    """
    tags = {
        "adversity.run_id": run["id"],
        "adversity.pipeline": run["pipeline"],
        "adversity.command": cuts.fit("tag adversity.command", run["command"], TAG_LENGTH),
        "mlflow.source.name": run["file"],
        "mlflow.source.type": "LOCAL",
    }
    if run["git"]:
        tags["mlflow.source.git.commit"] = run["git"]["revision"]
        tags["adversity.git_state"] = run["git"]["state"]
    versions = {f"adversity.version.{name}": text for name, text in run["versions"].items()}
    return tags | versions


def step_metrics(step: Mapping[str, Any], names: Names) -> dict[str, float]:
    """Return a step's measures: `step/cell/measure`, and its interval as `.low` and `.high`.

    Args:
        step: As `adversity_step_finished` gives it.
        names: Of this run's metrics.
    """
    metrics: dict[str, float] = {}
    if step["outcome"] == "ran":
        metrics[names.of(step["id"], "seconds")] = float(step["seconds"])
    return metrics | _measures(step["id"], step["measures"], names)


def compared_metrics(result: Mapping[str, Any], names: Names) -> dict[str, float]:
    """Return all measures of a run: those of its steps, and those that compare its attacks.

    Args:
        result: As `adversity_run_finished` gives it; an older version of Adversity has none.
        names: Of this run's metrics.
    """
    metrics: dict[str, float] = {}
    for step, cells in result.get("measures", {}).items():
        metrics |= _measures(step, cells, names)
    return metrics


def _measures(step: str, cells: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for cell, measures in cells.items():
        for name, measure in measures.items():
            ends = {"": measure.value, ".low": measure.low, ".high": measure.high}
            metrics |= {
                names.of(step, cell, name, ending=ending): float(number)
                for ending, number in ends.items()
                if number is not None
            }
    return metrics


def measures_json(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that is known of a step's measures: n, level, method, convention, unit.

    Args:
        step: As `adversity_step_finished` gives it.
    """
    cells = {
        cell: {name: measure.as_json() for name, measure in measures.items()}
        for cell, measures in step["measures"].items()
    }
    return {"step": step["id"], "notes": list(step["notes"]), "cells": cells}


def end_metrics(result: Mapping[str, Any], names: Names) -> dict[str, float]:
    """Return how long the run took and how many gates got which verdict.

    Args:
        result: As `adversity_run_finished` gives it.
        names: Of this run's metrics.
    """
    metrics = {names.of("run", "seconds"): float(result["seconds"])}
    verdicts = [gate["verdict"] for gate in result["gates"]]
    if verdicts:
        metrics |= {names.of("gates", word): float(verdicts.count(word)) for word in _VERDICTS}
    return metrics


def end_tags(
    run: Mapping[str, Any],
    result: Mapping[str, Any],
    outcomes: Mapping[str, Iterable[str]],
    cuts: Cuts,
) -> dict[str, str]:
    """Return how a run ended: verdict, gates, problems, which steps ran, and a description.

    Args:
        run: As `adversity_run_finished` gives it.
        result: Likewise; an older version of Adversity has no problems.
        outcomes: Ids of steps by `ran` and `cached`.
        cuts: Told of values that are too long.
    """
    gates = [f"{gate['verdict']}: {gate['text']} ({gate['why']})" for gate in result["gates"]]
    tags = {
        "adversity.run_id": run["id"],
        "adversity.verdict": result["verdict"],
        "adversity.exit_code": str(result["exit_code"]),
        "adversity.problems": "\n".join(result.get("problems", ())),
        "adversity.repeats": result["repeats"] or "",
        "adversity.steps_run": ", ".join(outcomes["ran"]),
        "adversity.steps_unchanged": ", ".join(outcomes["cached"]),
        "mlflow.note.content": "\n\n".join(
            [f"**{result['line']}**", *(f"- {gate}" for gate in gates)]
        ),
    }
    tags |= {f"adversity.gate.{number}": gate for number, gate in enumerate(gates, 1)}
    return {key: cuts.fit(f"tag {key}", value, TAG_LENGTH) for key, value in tags.items() if value}


def status(result: Mapping[str, Any]) -> str:
    """Return MLflow's word for how a run ended; a failed gate is a result, not a failure.

    Args:
        result: As `adversity_run_finished` gives it.
    """
    if result["error"] is None:
        return "FINISHED"
    return "KILLED" if result["exit_code"] == _INTERRUPTED else "FAILED"


def files(folder: Path) -> list[Path]:
    """Return what is kept of a run's folder: page, results, manifest and log, no tables.

    Args:
        folder: The run's folder.
    """
    return [folder / name for name in _FILES if (folder / name).is_file()]
