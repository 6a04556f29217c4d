"""`adversity run` from the file to the verdict, on a pipeline of seconds."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys

import pytest

from adversity.engine.stages.predict_stage import PredictRun
from adversity.errors import StorageError
from adversity_flows.dvc.recorder import DvcRecorder
from adversity_flows.runs import environment
from adversity_flows.runs.accepted_runs import accepted_run
from adversity_flows.runs.past_runs import past_runs

pytestmark = pytest.mark.slow

FILE = "pipelines/tiny.yaml"


@pytest.fixture
def ran(project, call, tmp_path_factory, monkeypatch):
    """Return a project in which the pipeline ran once, copied from one made once a session."""
    made = tmp_path_factory.getbasetemp() / "ran-once"
    if not made.exists():
        answer = call("run", FILE, "--direct")
        assert answer.code == 0, answer.err
        shutil.copytree(project, made, symlinks=True)
    shutil.rmtree(project)
    shutil.copytree(made, project, symlinks=True)
    monkeypatch.chdir(project)  # the old folder is gone
    return project


def outcomes(root):
    """Return what the newest run did with each step."""
    newest = next(past_runs(root, "tiny"))
    return {outcome["step"]: outcome["state"] for outcome in newest.manifest["outcomes"]}


def edit(root, before, after):
    """Replace a text in the pipeline file."""
    path = root / FILE
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_first_run_leaves_page_manifest_and_pointer(ran):
    """A run ends with a page, a manifest with hashes and versions, a log, and is accepted."""
    (past,) = past_runs(ran, "tiny")
    assert past.page.read_text().startswith("<!doctype html>")
    assert past.manifest["verdict"] == "pass"
    assert past.manifest["hashes"]["artifacts/tiny/net"]
    assert past.manifest["versions"]["torch"]
    assert "net: ran" in (past.path / "log.txt").read_text()
    assert accepted_run(ran, "tiny").id == past.id
    assert past.table("predictions").is_file()


def test_what_nobody_hears_is_not_looked_up(ran, call, acme, monkeypatch):
    """An unchanged run asks git only for a listener, a changed one once for all that want it."""
    asked = []
    monkeypatch.setattr(environment, "git_state", lambda root: asked.append(root) or {})
    assert call("run", FILE, "--direct", "-q").code == 0
    assert asked == []
    acme(
        "from adversity import hookimpl\n\n@hookimpl\ndef adversity_run_started(run):\n"
        "    run['git']['revision'] = 'mine'\n"
    )
    edit(ran, "accuracy >= 0.001", "accuracy >= 0.01")
    assert call("run", FILE, "--direct", "-q")[::2] == (0, "")
    assert asked == [ran]
    assert next(past_runs(ran, "tiny")).manifest["git"] == {}


def test_a_page_for_plots_that_cannot_be_kept_ends_no_run(ran, call, monkeypatch):
    """The steps are measured by then: their results count, and one warning says what is missing."""

    def refuse(self):
        raise StorageError("dvc cannot configure its plots: the lock is taken")

    monkeypatch.setattr(DvcRecorder, "keep_plots_page", refuse)
    answer = call("run", FILE, "--direct", "-q", "--force", "predictions")
    assert answer.code == 0
    assert answer.err.count("warning: `dvc plots` may need a network: dvc cannot configure") == 1
    assert next(past_runs(ran, "tiny")).manifest["state"] == "done"


def test_nothing_changed_gives_the_same_folder_without_prefect(ran, child_environment):
    """A second run makes no folder, judges again, and never imports Prefect."""
    program = (
        "import sys; from adversity_flows.cli import main; code = main(); "
        "sys.exit(9 if 'prefect' in sys.modules else code)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, "run", FILE, "--json"],
        capture_output=True,
        text=True,
        env=child_environment,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    (past,) = past_runs(ran, "tiny")
    assert document["run"]["id"] == past.id
    assert document["run"]["repeated"] is True
    assert (document["verdict"], document["exit_code"]) == ("pass", 0)
    assert len(document["steps"]) == 3


def test_set_writes_the_file_and_reruns_what_depends_on_it(ran, call):
    """--set changes one value, keeps the comments, and only attack and report run again."""
    answer = call("run", FILE, "--direct", "--set", "matrix.eps=[4/255, 8/255]")
    assert answer.code == 0, answer.err
    text = (ran / FILE).read_text()
    assert "  eps: [4/255, 8/255]  # a comment that must survive" in text
    assert f"{FILE}: wrote matrix.eps=[4/255, 8/255]" in answer.err
    states = outcomes(ran)
    assert [step for step, state in states.items() if state == "ran"] == ["attacked", "report"]
    assert "matrix.eps ['4/255', '16/255'] -> ['4/255', '8/255']" in answer.err


def test_a_wrong_set_leaves_the_file_alone(ran, call):
    """A change that cannot be planned is refused before the file is touched."""
    before = (ran / FILE).read_bytes()
    answer = call("run", FILE, "--set", "steps.attacked.with.epz=1/255")
    assert answer.code == 2
    assert "did you mean eps?" in answer.err
    assert (ran / FILE).read_bytes() == before


def test_failed_gate_is_1_names_its_line_and_is_not_accepted(ran, call, monkeypatch, tmp_path):
    """A gate that fails exits with 1, says where it stands, tells GitHub, and moves no pointer."""
    accepted = accepted_run(ran, "tiny").id
    edit(ran, "predictions.accuracy >= 0.001", "predictions.accuracy >= 0.999")
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    answer = call("run", FILE, "--direct")
    assert answer.code == 1
    assert f"{FILE}:16: accuracy is" in answer.out
    assert answer.out.splitlines()[-1].startswith("✗ FAIL: the gate failed")
    assert f"::error file={FILE},line=16::predictions.accuracy >= 0.999" in answer.err
    assert summary.read_text().startswith("✗ FAIL")
    assert accepted_run(ran, "tiny").id == accepted
    assert set(outcomes(ran).values()) == {"cached"}


def test_not_worse_than_last(ran, call):
    """The very same answers are not worse; another network is judged by paired differences."""
    edit(ran, "predictions.accuracy >= 0.001", "predictions.accuracy not_worse_than last")
    assert call("run", FILE, "--direct").code == 0
    (gate,) = next(past_runs(ran, "tiny")).manifest["gates"]
    assert gate["verdict"] == "pass"
    answer = call("run", FILE, "--direct", "--set", "steps.net.with.epochs=2")
    assert answer.code in {0, 1}, answer.err
    (gate,) = next(past_runs(ran, "tiny")).manifest["gates"]
    assert gate["measure"]["n"] == 24
    assert gate["measure"]["method"] == "adjusted wald, paired"


def test_undecided_is_0_and_1_under_strict(ran, call):
    """An interval across the limit passes with a word, and fails under --strict."""
    value = next(past_runs(ran, "tiny")).manifest["gates"][0]["measure"]["value"]
    edit(ran, "predictions.accuracy >= 0.001", f"predictions.accuracy >= {value:.3f}")
    answer = call("run", FILE, "--direct")
    assert answer.code == 0
    assert "? UNDECIDED" in answer.out
    assert call("run", FILE, "--direct", "--strict").code == 1


def test_interrupted_run_resumes(project, call, monkeypatch):
    """Ctrl-C in the second shard is 130, leaves no artifact, and the first shard is kept."""
    real = PredictRun.compute
    done = []

    def compute(self, shard):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(shard.index)
        return real(self, shard)

    monkeypatch.setattr(PredictRun, "compute", compute)
    answer = call("run", FILE, "--direct")
    assert answer.code == 130
    assert not (project / "artifacts" / "tiny" / "predictions").exists()
    (folder,) = (project / "runs").glob("2*")
    assert json.loads((folder / "manifest.json").read_text())["state"] == "interrupted"
    monkeypatch.setattr(PredictRun, "compute", real)
    answer = call("run", FILE, "--direct")
    assert answer.code == 0
    assert "(1 of 2 shards kept)" in answer.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
    ids=["full disk", "bug of a plugin"],
)
def test_failed_run_is_3_with_one_message(error, said, project, call, monkeypatch):
    """What breaks inside a step is one message with the step, exit code 3 and no half artifact."""

    def compute(self, shard):
        raise error

    monkeypatch.setattr(PredictRun, "compute", compute)
    answer = call("run", FILE, "--direct")
    assert answer.code == 3
    last = answer.err.splitlines()[-1]
    assert last.startswith("error: step predictions")
    assert said in last
    assert "Traceback" not in answer.err
    assert not (project / "artifacts" / "tiny" / "predictions").exists()
    (folder,) = (project / "runs").glob("2*")
    assert json.loads((folder / "manifest.json").read_text())["state"] == "failed"
    assert "Traceback" in (folder / "log.txt").read_text()


def test_step_and_materialise_do_one_stage(project, call):
    """`materialise` writes data/digits, `step` one artifact; neither is done twice."""
    call("sync")
    assert call("materialise", "digits").code == 0
    assert (project / "data" / "digits" / "manifest.csv").is_file()
    assert "unchanged" in call("materialise", "digits").err
    assert call("step", FILE, "net").code == 0
    assert (project / "artifacts" / "tiny" / "net").is_dir()
    assert not (project / "artifacts" / "tiny" / "predictions").exists()
    assert call("step", FILE, "nett").code == 2
    assert call("materialise", "folder").code == 2


def test_report_draws_the_page_again_only_of_the_same_artifacts(ran, call, tmp_path):
    """--output writes the page; after an edit of the pipeline it refuses."""
    page = tmp_path / "again.html"
    answer = call("report", FILE, "--output", str(page))
    assert answer.code == 0, answer.err
    assert next(past_runs(ran, "tiny")).id in page.read_text()
    edit(ran, "4/255, 16/255", "4/255, 8/255")
    answer = call("report", FILE, "--output", str(page))
    assert answer.code == 2
    assert "changed since" in answer.err


def test_unknown_force_is_wrong_input(ran, call):
    """--force of a step that leaves no artifact names those that do."""
    answer = call("run", FILE, "--force", "nett")
    assert answer.code == 2
    assert "net, predictions, attacked, report" in answer.err
