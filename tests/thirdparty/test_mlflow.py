"""`integrations/adversity-mlflow`, installed by pip; MLflow's own client reads what it stored."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "integrations" / "adversity-mlflow"
PIPELINE = "pipelines/first_look.yaml"
EVERY_STEP = (
    "data:digits net clean_predictions noisy_predictions predictions doubt attacked noise_control"
)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Person:
    """Somebody at a shell who installed the integration.

    Attributes:
        root: The project.
        environment: What the shell has.
    """

    root: Path
    environment: Mapping[str, str]

    def call(self, *command: str, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """Call a program in the project."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the pipeline without Prefect."""
        return self.call("adversity", "run", PIPELINE, "--direct", *options, **more)

    def stored(self) -> list[Any]:
        """Return the experiment's runs, oldest first, read by MLflow."""
        client = self.client()
        experiment = client.get_experiment_by_name("first-look")
        assert experiment is not None
        found = client.search_runs([experiment.experiment_id], order_by=["attribute.start_time"])
        return list(found)

    def client(self) -> Any:
        """Return MLflow's client for the project's store."""
        from mlflow.tracking import MlflowClient

        return MlflowClient(f"sqlite:///{self.root / '.adversity/mlflow/mlflow.db'}")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, warm_commands: Path) -> dict[str, str]:
    """Install the integration with pip, without a network, and return an environment for it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / SOURCE.name
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    pip += ["--disable-pip-version-check", "--no-build-isolation", "--target", str(target)]
    done = subprocess.run(
        [*pip, str(source)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    dropped = ("MLFLOW_", "COV_", "DVC_", "PREFECT_", "GITHUB_", "ADVERSITY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    paths = [str(target), *filter(None, [kept.get("PYTHONPATH")])]
    programs = [str(warm_commands), str(Path(sys.executable).parent), kept.get("PATH", "")]
    who = {"NAME": "A. Person", "EMAIL": "person@example.org"}
    return {
        **kept,
        **{f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who},
        "PATH": os.pathsep.join(programs),
        "PYTHONPATH": os.pathsep.join(paths),
        "DVC_NO_ANALYTICS": "1",
        "NO_COLOR": "1",
    }


def block(language: str) -> str:
    """Return the one block of a language in the README."""
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(lines)


@pytest.fixture(scope="module")
def person(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The README's project, made and run by its shell block, committed before the run."""
    folder = tmp_path_factory.mktemp("mlflow")
    init, run = block("sh").split("adversity run ")
    commit = "git add --all\ngit commit --quiet --message 'as it is'\n"
    script = f"{init}{commit}adversity run {run}"
    done = Person(folder, environment).call("bash", "-euo", "pipefail", "-c", script)
    assert "warning" not in done.stderr
    return Person(folder / "trial", environment)


def expected_metrics(result: Mapping[str, Any]) -> dict[str, float]:
    """Return every measure of `result.json`, with its interval, under the documented name."""
    found: dict[str, float] = {}
    for step in result["steps"]:
        for cell in step["cells"]:
            where = "".join(f"{k}_{v.replace('/', '-')}/" for k, v in cell["cell"].items())
            for name, measure in cell["measures"].items():
                ends = {"": "value", ".low": "low", ".high": "high"}
                found |= {
                    f"{step['id']}/{where}{name}{ending}": measure[key]
                    for ending, key in ends.items()
                    if key in measure
                }
    return found


def test_every_measure_of_every_cell_is_stored(person: Person) -> None:
    """What MLflow gives back is what `result.json` says, to the last bit, and nothing else."""
    run = person.stored()[0]
    (page,) = person.root.glob("runs/*-first-look/result.json")
    wanted = expected_metrics(json.loads(page.read_text(encoding="utf-8")))
    assert {"attacked/eps_8-255/robust_accuracy", "clean_predictions/accuracy.low"} <= set(wanted)
    added = {name for name in run.data.metrics if name.endswith("/seconds")}
    assert added == {
        f"{step.replace(':', '-')}/seconds" for step in [*EVERY_STEP.split(), "report", "run"]
    }
    gates = {name: value for name, value in run.data.metrics.items() if name.startswith("gates/")}
    assert gates == {"gates/pass": 3, "gates/fail": 0, "gates/undecided": 0, "gates/error": 0}
    rest = {k: v for k, v in run.data.metrics.items() if k not in added and k not in gates}
    assert rest == wanted


def test_a_person_sees_verdict_parameters_and_revision(person: Person) -> None:
    """Name, status, description, tags and parameters, as git and the pipeline file have them."""
    run = person.stored()[0]
    revision = person.call("git", "rev-parse", "HEAD").stdout.strip()
    tags, parameters = run.data.tags, run.data.params
    (folder,) = person.root.glob("runs/*-first-look")
    assert (run.info.run_name, run.info.status) == (folder.name, "FINISHED")
    assert tags["adversity.run_id"] == folder.name
    assert tags["mlflow.source.git.commit"] == revision
    assert (tags["adversity.verdict"], tags["adversity.exit_code"]) == ("pass", "0")
    assert tags["adversity.gate.1"].startswith("pass: lower clean_predictions.accuracy >= 0.80 (")
    assert tags["mlflow.note.content"].startswith("**✓ PASS")
    assert tags["adversity.steps_run"].split(", ") == [*EVERY_STEP.split(), "report"]
    assert "adversity.repeats" not in tags
    assert parameters["steps.attacked.with.steps"] == "10"
    assert parameters["steps.attacked.with.eps"] == "$eps"
    assert json.loads(parameters["matrix.eps"]) == ["2/255", "8/255", "16/255"]
    assert parameters["run.batch_size"] == "64"


def test_report_and_manifest_are_artifacts(person: Person, tmp_path: Path) -> None:
    """The files are byte for byte those of the run's folder, inside the project's store."""
    run, client = person.stored()[0], person.client()
    (folder,) = person.root.glob("runs/*-first-look")
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names == {
        *("report.html", "report.md", "result.json", "manifest.json", "log.txt", "metrics"),
    }
    for name in names - {"metrics"}:
        kept = Path(client.download_artifacts(run.info.run_id, name, str(tmp_path)))
        assert kept.read_bytes() == (folder / name).read_bytes()
    assert run.info.artifact_uri.startswith((person.root / ".adversity/mlflow").as_uri())
    assert not person.call("git", "status", "--porcelain", ".adversity", "mlruns").stdout


def test_an_unchanged_run_is_a_whole_run_too(person: Person) -> None:
    """It has the same measures and files, no step times, and names the run that it repeats."""
    before = person.stored()[0]
    done = person.run("--json")
    assert json.loads(done.stdout)["verdict"] == "pass"
    after = person.stored()[-1]
    assert after.info.run_id != before.info.run_id
    assert after.data.tags["adversity.repeats"] == before.data.tags["adversity.run_id"]
    assert after.data.tags["adversity.steps_unchanged"].split(", ")[:-1] == EVERY_STEP.split()
    kept = {k: v for k, v in before.data.metrics.items() if not k.endswith("/seconds")}
    assert {k: v for k, v in after.data.metrics.items() if k != "run/seconds"} == kept
    files = [
        [f.path for f in person.client().list_artifacts(r.info.run_id)] for r in (before, after)
    ]
    assert files[0] == files[1]


def test_a_server_that_is_down_costs_one_warning(person: Person) -> None:
    """Verdict and exit code are those of an untracked run; the password is not shown."""
    before = len(person.stored())
    done = person.run("-q", MLFLOW_TRACKING_URI="http://me:secret@127.0.0.1:9")
    said = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(said) == 1
    assert re.match(r"warning: .*adversity-mlflow.*127\.0\.0\.1:9.*refused", said[0])
    assert "secret" not in done.stderr + done.stdout
    assert "PASS" in done.stdout
    assert len(person.stored()) == before


def test_it_can_be_left_out_of_a_run(person: Person) -> None:
    """Blocking the distribution is how one run goes untracked."""
    before = len(person.stored())
    done = person.run("-q", ADVERSITY_BLOCK="adversity-mlflow")
    assert done.stderr == ""
    assert len(person.stored()) == before


def test_listing_plugins_does_not_import_mlflow(environment: dict[str, str]) -> None:
    """Its import takes seconds, which only a run may cost."""
    program = "import sys; from adversity.registry import discover as d; print(d().problems, 'mlflow' in sys.modules, 'adversity_mlflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["()", "False", "True"], done.stderr


def test_the_example_of_the_readme_runs(person: Person) -> None:
    """Its Python block reads what its shell block has stored, as a newcomer would type them."""
    done = person.call(sys.executable, "-c", block("python"))
    assert re.search(r"^\S+-first-look FINISHED \w+$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^  \S+/accuracy\.low +0\.\d{3}$", done.stdout, re.MULTILINE), done.stdout


def test_its_own_tests_pass_where_it_is_installed(environment: dict[str, str]) -> None:
    """Names against MLflow's own rules, failures of the store, telemetry."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    command += ["--import-mode=importlib", "-c", os.devnull, "--rootdir", str(SOURCE)]
    done = subprocess.run(
        [*command, str(SOURCE / "tests")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
