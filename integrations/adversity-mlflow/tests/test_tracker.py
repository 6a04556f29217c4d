"""The hooks, called as Adversity calls them; MLflow's own client reads the store back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import adversity_mlflow as plugin
import pytest
from adversity_mlflow.store import FOLDER, Store, without_password
from adversity_mlflow.tracker import TrackingError
from mlflow.tracking import MlflowClient

from adversity import Measure

STEP = {
    "id": "predictions",
    "outcome": "ran",
    "reason": "never ran",
    "seconds": 1.5,
    "measures": {"": {"accuracy": Measure(0.75, 8, 0.5, 0.9, method="wilson")}},
    "notes": ["a note"],
    "folder": "artifacts/smoke/predictions",
}
GATE = {"text": "predictions.accuracy >= 0.3", "verdict": "pass", "why": "all of it"}
DONE = {
    "verdict": "pass",
    "line": "✓ PASS: the gate passed",
    "exit_code": 0,
    "seconds": 2.5,
    "gates": [GATE],
    "report": None,
    "folder": None,
    "repeats": None,
    "error": None,
}
FAILED = DONE | {"verdict": "error", "line": "no space", "gates": [], "error": "no space"}


def track(run, result=DONE, steps=(STEP,)):
    """Call the hooks of a whole run."""
    plugin.adversity_run_started(run)
    for step in steps:
        plugin.adversity_step_finished(run, step)
    plugin.adversity_run_finished(run, result)


def stored(root, experiment="smoke"):
    """Return the one run of an experiment, read by MLflow."""
    client = MlflowClient(Store(root).uri)
    found = client.get_experiment_by_name(experiment)
    (run,) = client.search_runs([found.experiment_id])
    return run


def read(root, run, file):
    """Return the text of an artifact, read by MLflow."""
    client = MlflowClient(Store(root).uri)
    return Path(client.download_artifacts(run.info.run_id, file)).read_text(encoding="utf-8")


def test_a_run_is_stored_whole(root, run):
    """Name, status, metrics, parameters, tags and the measures' conventions."""
    track(run)
    found = stored(root)
    assert (found.info.run_name, found.info.status) == (run["id"], "FINISHED")
    assert found.data.params == {"seed": "0"}
    assert found.data.metrics == {
        "predictions/accuracy": 0.75,
        "predictions/accuracy.low": 0.5,
        "predictions/accuracy.high": 0.9,
        "predictions/seconds": 1.5,
        "run/seconds": 2.5,
        **{f"gates/{word}": float(word == "pass") for word in ("pass", "fail", "undecided")},
        "gates/error": 0.0,
    }
    assert found.data.tags["adversity.verdict"] == "pass"
    assert found.data.tags["adversity.gate.1"] == "pass: predictions.accuracy >= 0.3 (all of it)"
    assert found.data.tags["adversity.version.adversity"] == "0.1.0"
    kept = json.loads(read(root, found, "metrics/predictions.json"))
    assert kept["notes"] == ["a note"]
    assert kept["cells"][""]["accuracy"]["method"] == "wilson"


def test_what_somebody_must_look_at_is_a_tag(root, run):
    """Void figures and warnings, a line each; a run without any, or of an older Adversity, has none."""
    problems = ["VOID attacked: no gradient", "warning: 1 image could not be read"]
    for number, more in enumerate(({"problems": problems}, {"problems": []}, {})):
        track(
            run | {"id": str(number), "announced": str(number), "pipeline": f"p{number}"},
            DONE | more,
        )
    tags = [stored(root, f"p{number}").data.tags for number in range(3)]
    assert tags[0]["adversity.problems"].splitlines() == problems
    assert "adversity.problems" not in tags[1] | tags[2]


def test_more_values_than_mlflow_takes_at_once_all_arrive(root, run):
    """1001 measures and 201 parameters exceed what one request may have."""
    measures = {f"m{number}": Measure(number, 1) for number in range(1001)}
    parameters = {f"p{number}": number for number in range(201)}
    track(run | {"parameters": parameters}, steps=[STEP | {"measures": {"": measures}}])
    found = stored(root)
    values = {name: value for name, value in found.data.metrics.items() if "/m" in name}
    assert values == {f"predictions/m{number}": float(number) for number in range(1001)}
    assert found.data.params == {name: str(value) for name, value in parameters.items()}


@pytest.mark.parametrize(("code", "status"), [(3, "FAILED"), (130, "KILLED")])
def test_a_run_without_a_verdict_says_so(root, run, code, status):
    """Its manifest and log are kept; the tables of a run folder are not."""
    folder = Path(run["folder"])
    (folder / "tables").mkdir(parents=True)
    for name in ("log.txt", "manifest.json", "tables/predictions.parquet"):
        (folder / name).write_text("words", encoding="utf-8")
    track(run, FAILED | {"exit_code": code, "folder": str(folder)}, steps=[])
    found = stored(root)
    assert (found.info.status, found.data.tags["adversity.verdict"]) == (status, "error")
    client = MlflowClient(Store(root).uri)
    assert [f.path for f in client.list_artifacts(found.info.run_id)] == [
        "log.txt",
        "manifest.json",
    ]


def test_a_run_that_got_another_name_meanwhile_is_one_run(root, run):
    """It is filed under the announced id and ends with the one it really has."""
    plugin.adversity_run_started(run)
    later = run | {"id": run["id"] + "-2"}
    plugin.adversity_step_finished(later, STEP)
    plugin.adversity_run_finished(later, DONE)
    found = stored(root)
    assert found.info.run_name == found.data.tags["adversity.run_id"] == later["id"]
    assert found.data.metrics["predictions/accuracy"] == 0.75


def test_two_runs_at_a_time_stay_apart(root, run):
    """Each has its own experiment here, and its own numbers."""
    other = run | {"id": "2", "announced": "2", "pipeline": "other"}
    plugin.adversity_run_started(run)
    plugin.adversity_run_started(other)
    plugin.adversity_step_finished(other, STEP | {"id": "theirs"})
    plugin.adversity_step_finished(run, STEP)
    plugin.adversity_run_finished(run, DONE)
    plugin.adversity_run_finished(other, DONE)
    assert "predictions/accuracy" in stored(root).data.metrics
    assert "theirs/accuracy" in stored(root, "other").data.metrics
    assert "theirs/accuracy" not in stored(root).data.metrics


def test_one_failure_is_one_error_and_then_silence(root, run, monkeypatch):
    """What MLflow has by then is marked incomplete; the next run is tracked again."""

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    plugin.adversity_run_started(run)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", refuse)
        with pytest.raises(TrackingError, match=r"results of predictions.*No space left"):
            plugin.adversity_step_finished(run, STEP)
        plugin.adversity_step_finished(run, STEP)
    plugin.adversity_run_finished(run, DONE)
    found = stored(root)
    assert (found.info.status, found.data.tags["adversity.tracking"]) == ("FAILED", "incomplete")
    track(run | {"pipeline": "next"})
    assert stored(root, "next").info.status == "FINISHED"


def test_a_server_that_is_down_is_named_without_its_password(root, run, monkeypatch):
    """One error at the start, in seconds; the other hooks say nothing."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError) as error:
        plugin.adversity_run_started(run)
    plugin.adversity_step_finished(run, STEP)
    plugin.adversity_run_finished(run, DONE)
    assert "http://127.0.0.1:9" in str(error.value)
    assert "refused" in str(error.value)
    assert "secret" not in str(error.value)


def test_what_was_cut_is_said_after_everything_is_stored(root, run):
    """The run is finished in MLflow, and the error names the parameter."""
    long = run | {"parameters": {"metrics": ["m" * 7000]}}
    with pytest.raises(TrackingError, match=r"cut there: parameter metrics, 7004 characters"):
        track(long)
    assert stored(root).info.status == "FINISHED"


def test_a_path_that_no_sqlite_address_can_have_is_refused(root, run):
    """SQLAlchemy reads a question mark as the end of the path and would write elsewhere."""
    with pytest.raises(TrackingError, match="question mark"):
        plugin.adversity_run_started(run | {"root": str(root / "really?")})
    plugin.adversity_run_finished(run, DONE)
    assert not (root / "really").exists()


def test_another_experiment_can_be_chosen(root, run, monkeypatch):
    """MLflow's own variable for it is heard."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "trust")
    track(run)
    assert stored(root, "trust").info.status == "FINISHED"


@pytest.mark.parametrize("name", ["../../../escape", "..", "/tmp/escape", "a/../../b", "file:x"])
def test_an_experiment_has_its_files_inside_our_folder(root, run, monkeypatch, name):
    """MLflow takes any name; as a path it must not lead out of the project's store."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    track(run)
    found = stored(root, name)
    place = Path(unquote(urlsplit(found.info.artifact_uri).path)).resolve()
    assert (root / FOLDER / "artifacts") in place.parents[1:]
    assert json.loads(read(root, found, "metrics/predictions.json"))["step"] == "predictions"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@example.org/x", "https://example.org/x"),
        ("refused: http://me:se@cret@127.0.0.1:9 (again)", "refused: http://127.0.0.1:9 (again)"),
        ("postgresql://me@db/a and mysql://you:secret@db/b", "postgresql://db/a and mysql://db/b"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
        ("write to me@example.org", "write to me@example.org"),
    ],
)
def test_no_password_is_shown(text, shown):
    """User and password of any address go, also with an @ in them; paths and mail stay."""
    assert without_password(text) == shown


def test_no_run_of_somebody_else_is_touched(root, run):
    """A run that is active in this process stays active and gets none of our values."""
    import mlflow

    mlflow.set_tracking_uri(Store(root).uri)
    mlflow.set_experiment("mine")
    with mlflow.start_run() as mine:
        track(run)
        assert mlflow.active_run().info.run_id == mine.info.run_id
    assert stored(root, "mine").data.metrics == {}


def test_telemetry_is_off_and_our_setting_is_why(root):
    """Asked of MLflow itself, without the traces of a test run that also switch it off."""
    program = (
        "import os, sys; from pathlib import Path; from adversity_mlflow.store import Store\n"
        "Store(Path(sys.argv[1])).client()\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled as off\n"
        "print(get_telemetry_client(), off(), os.environ.pop('MLFLOW_DISABLE_TELEMETRY'), off())"
    )
    kept = ("PATH", "HOME", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONPATH"] = str(Path(plugin.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)],
        env=environment | {"DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["None", "True", "true", "False"]
