"""A queue of experiments that DVC works off, two at a time, beside a run in the project itself."""

from __future__ import annotations

import csv
import io
import time

import pytest

pytestmark = pytest.mark.slow

VALUES = {"weak": "[2/255]", "strong": "[24/255]"}
WAIT_SECONDS = 300


def test_a_queue_of_experiments_works_beside_a_run(finished, tmp_path):
    """Each has its own numbers and leaves the project as it is; the run in between is not held up."""
    project = finished.copy(str(tmp_path / "queued"))
    for name, value in VALUES.items():
        project.dvc("exp", "run", "--queue", "--name", name, "-S", f"{PARAMETER}={value}")
    project.dvc("queue", "start", "--jobs", "2")
    answer = project.run("--force", "report")
    assert set(answer.ran) == {"report"}
    _worked_off(project)

    table = list(csv.DictReader(io.StringIO(project.dvc("exp", "show", "--csv").out)))
    shown = {row["Experiment"]: row for row in table}
    given = {name: value.replace("[", "['").replace("]", "']") for name, value in VALUES.items()}
    assert {name: shown[name]["matrix.eps"] for name in VALUES} == given
    # Both are those of a run with this value, to the last bit.
    for name, value in VALUES.items():
        other = finished.copy(str(tmp_path / name))
        other.run("--set", f"matrix.eps={value}")
        project.dvc("exp", "apply", name)
        assert project.differences(other) == []


PARAMETER = "pipelines/smoke.yaml:matrix.eps"


def _worked_off(project):
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        said = project.dvc("queue", "status").out
        if all(word not in said for word in ("Queued", "Running")):
            logs = [project.dvc("queue", "logs", name, code=None).out for name in VALUES]
            assert said.count("Success") == len(VALUES), (said, logs)
            return
        time.sleep(2)
    raise AssertionError(said)
