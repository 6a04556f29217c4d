"""What earlier runs of a pipeline tell of the next one: samples, seconds and bytes, as measured."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from adversity.errors import StorageError
from adversity_flows.runs.past_runs import past_runs
from adversity_flows.runs.run_log import LINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.pipeline.plan.model import Plan
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["Earlier", "Measured"]

LOOKED_AT = 10
"""So many runs back: what did not run in any of them has most likely changed since."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A number that a run measured.

    Attributes:
        value: The number.
        run: The run's id.
    """

    value: float
    run: str


class _Run:
    """One earlier run, and its pipeline file as it was."""

    def __init__(self, past: PastRun) -> None:
        self.past = past

    @cached_property
    def result(self) -> Mapping[str, Any]:
        """Its report; nothing if that is not as it was written."""
        try:
            found = json.loads(self.past.verified(self.past.result).read_text(encoding="utf-8"))
        except (OSError, ValueError, StorageError):
            return {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def file(self) -> Mapping[str, Any]:
        """Its pipeline file."""
        return read_yaml(str(self.result.get("text", "")))

    def rows(self, step: str) -> int:
        """Return how many rows a step left in all its cells."""
        steps = {one.get("id"): one for one in self.result.get("steps", ())}
        return sum(int(cell["n"]) for cell in steps.get(step, {}).get("cells", ()))

    def samples(self, data: str) -> int | None:
        """Return how many samples a data set had."""
        known = {one.get("id"): one.get("n") for one in self.result.get("data", ())}
        return known.get(data)

    def seconds(self, step: str) -> float | None:
        """Return what a step took, if it did all of its work in this run."""
        for outcome in self.past.manifest.get("outcomes", ()):
            if outcome["step"] == step and outcome["state"] == "ran" and self._whole(step):
                return float(outcome["seconds"])
        return None

    def _whole(self, step: str) -> bool:
        try:
            log = (self.past.path / LINES).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        line = re.search(
            rf"^\S+ {re.escape(step)}: starts, (\d+) of (\d+) shards to do", log, re.MULTILINE
        )
        return line is not None and line[1] == line[2] != "0"


def read_yaml(text: str) -> Mapping[str, Any]:
    """Return a pipeline file as plain values; nothing if it is none."""
    import yaml

    try:
        read = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, dict) else {}


class Earlier:
    """What the last runs of a pipeline measured that holds for the plan as it is now.

    A number is taken where what it hangs on stands in the pipeline file as it did then: the step,
    all that it rests on, their data (but for `limit`) and the values of their variables.
    """

    def __init__(self, plan: Plan, rests_on: Mapping[str, frozenset[str]]) -> None:
        """Read nothing yet.

        Args:
            plan: The pipeline now.
            rests_on: By step, the ids of the steps and data sets that its work hangs on.
        """
        self._plan, self._rests_on = plan, rests_on
        try:
            found = islice(past_runs(plan.root, plan.name), LOOKED_AT)
            self._runs = tuple(_Run(past) for past in found)
        except StorageError:  # a damaged manifest: nothing is known, and a run will say so
            self._runs = ()
        self._now = read_yaml((plan.root / plan.file).read_text(encoding="utf-8"))

    def samples(self, data: str) -> Measured | None:
        """Return how many samples a data set had in the last run, if it is asked for alike."""
        for run in self._runs[:1]:
            then, now = (file.get("data", {}).get(data) for file in (run.file, self._now))
            count = run.samples(data)
            if then is not None and then == now and count is not None:
                return Measured(count, run.past.id)
        return None

    def seconds_a_row(self, step: str, data: str, *, fits: bool) -> Measured | None:
        """Return what a step took for each row.

        Args:
            step: The step.
            data: Where its samples are from.
            fits: It leaves no rows: what all of its fits took, for each sample of that data set.
        """
        for run in self._runs:
            seconds = run.seconds(step)
            rows = (run.samples(data) if fits else run.rows(step) or run.samples(data)) or 0
            if seconds is not None and rows and self._same(run, step):
                return Measured(seconds / rows, run.past.id)
        return None

    def bytes_a_row(self, step: str) -> Measured | None:
        """Return how much of the artifact of a step there is for each row."""
        folder = self._plan.root / self._plan.stage(step).out
        for run in self._runs[:1]:
            rows = run.rows(step)
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            if rows and size and self._same(run, step):
                return Measured(size / rows, run.past.id)
        return None

    def _same(self, run: _Run, step: str) -> bool:
        names = self._rests_on[step]
        return self._slices(run.file, names) == self._slices(self._now, names)

    def _slices(self, file: Mapping[str, Any], names: frozenset[str]) -> Mapping[str, Any]:
        steps, data = file.get("steps") or {}, file.get("data") or {}
        variables = {
            name
            for id_ in names & set(self._plan.steps)
            for name in self._plan.steps[id_].variables
        }
        matrix = file.get("matrix") or {}
        return {
            "steps": {id_: steps.get(id_) for id_ in names & set(self._plan.steps)},
            "data": {id_: _unlimited(data.get(id_)) for id_ in names & set(self._plan.spec.data)},
            "matrix": {name: matrix.get(name) for name in variables},
        }


def _unlimited(data: Any) -> Any:
    """Return a data set's slice without `limit`, by which samples scale."""
    if not isinstance(data, dict) or not isinstance(data.get("with"), dict):
        return data
    return {**data, "with": {k: v for k, v in data["with"].items() if k != "limit"}}
