"""What a plugin hears of a run: everything that `hookspecs` promises, and it cannot do harm."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from adversity import hookspecs
from adversity.errors import StorageError
from adversity_flows import session

pytestmark = pytest.mark.slow

LISTENER = """
import json
from pathlib import Path
from adversity import hookimpl

def keep(hook, run, what=None):
    told = {"hook": hook, "run": dict(run), "what": None if what is None else dict(what)}
    with Path(run["root"], "heard.jsonl").open("a") as lines:
        lines.write(json.dumps(told, default=lambda measure: measure.as_json()) + "\\n")
    run["parameters"].clear()
    run["steps"].clear()

@hookimpl
def adversity_run_started(run):
    keep("started", run)

@hookimpl
def adversity_step_finished(run, step):
    keep("step", run, step)
    step["measures"].clear()

@hookimpl
def adversity_run_finished(run, result):
    keep("finished", run, result)
    result["gates"].clear()
"""
TABLE = Path(__file__).parents[2] / "docs" / "integrations.md"


def promised(hook):
    """Return the keys that a hook's docstring lists."""
    text = getattr(hookspecs, hook).__doc__
    listed = re.findall(
        r"^            - (.+?)(?=\n            - |\n    \"|\n$|\Z)", text, re.MULTILINE | re.DOTALL
    )
    return {key for line in listed for key in re.findall(r"(?:^|; )`(\w+)`", line)}


def heard(root):
    """Return what was heard since the last time, and forget it."""
    path = root / "heard.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.unlink()
    return lines


def test_a_listener_hears_what_is_promised_and_changes_nothing(project, acme, call):
    """A run, then the same again unchanged: order, keys, measures, and who is repeated."""
    acme(LISTENER)
    assert call("run", "pipelines/tiny.yaml", "--direct", "-q")[::2] == (0, "")
    first = heard(project)
    steps = ["data:digits", "net", "predictions", "attacked", "report"]
    assert [line["hook"] for line in first] == ["started", *["step"] * 5, "finished"]
    assert [line["what"]["id"] for line in first[1:-1]] == steps
    for line in first:
        assert set(line["run"]) == promised("adversity_run_started")
        assert line["run"]["steps"] == steps
        assert line["run"]["parameters"]["steps"]["net"]["with"]["epochs"] == 1
        assert line["run"]["parameters"]["seed"] == 0
    for line in first[1:-1]:
        assert set(line["what"]) == promised("adversity_step_finished")
    assert set(first[-1]["what"]) == promised("adversity_run_finished")
    compare_with_the_metrics_file(project, first)

    assert call("run", "pipelines/tiny.yaml", "--direct", "-q")[::2] == (0, "")
    second = heard(project)
    assert [line["what"]["outcome"] for line in second[1:-1]] == ["cached"] * 5
    compare_with_the_metrics_file(project, second)
    before, after = first[-1], second[-1]
    assert (before["what"]["repeats"], before["what"]["error"]) == (None, None)
    assert after["what"]["repeats"] == before["run"]["id"] != after["run"]["id"]
    assert after["what"]["folder"] == before["what"]["folder"] == before["run"]["folder"]
    assert Path(after["what"]["report"]).is_file()


def compare_with_the_metrics_file(root, lines):
    """Find in the hook's measures what the artifact has of each cell, and DVC's metrics file."""
    (heard_measures,) = (
        line["what"]["measures"] for line in lines[1:-1] if line["what"]["id"] == "attacked"
    )
    (file,) = (root / "metrics").rglob("attacked.json")
    shown = json.loads(file.read_text(encoding="utf-8"))["attacked"]
    assert shown.keys() == {"eps=4/255", "eps=16/255"}
    for cell, values in shown.items():
        assert values
        assert values.items() <= values_of(heard_measures[cell]).items()
    (file,) = (root / "artifacts").rglob("attacked/measures.json")
    stored = json.loads(file.read_text(encoding="utf-8"))["cells"]
    assert {cell: values_of(measures) for cell, measures in stored.items()} == {
        cell: values_of(measures) for cell, measures in heard_measures.items()
    }


def values_of(measures):
    """Return the value of each measure."""
    return {name: measure["value"] for name, measure in measures.items()}


def test_a_listener_hears_how_a_run_failed(project, acme, call, monkeypatch):
    """The steps that finished are told, and the end: error, exit code, folder with manifest."""

    def judged(*_):
        raise StorageError("no space left for the judgement")

    acme(LISTENER)
    monkeypatch.setattr(session, "judged", judged)
    answer = call("run", "pipelines/tiny.yaml", "--direct", "-q")
    lines = heard(project)
    end = lines[-1]["what"]
    assert [line["hook"] for line in lines] == ["started", *["step"] * 5, "finished"]
    assert set(end) == promised("adversity_run_finished")
    assert (end["verdict"], end["exit_code"], end["report"]) == ("error", answer.code, None)
    assert end["error"] == end["line"] == "no space left for the judgement"
    manifest = json.loads(Path(end["folder"], "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["state"], manifest["exit_code"]) == ("failed", 3)


def test_a_run_that_never_began_has_no_folder(shots, acme, call):
    """Missing data: nothing but start and end is told, and no folder is promised."""
    acme(LISTENER)
    shutil.rmtree(shots.root / "data" / "test")
    answer = call("run", "pipelines/shots.yaml", "--direct", "-q")
    lines = heard(shots.root)
    assert [line["hook"] for line in lines] == ["started", "finished"]
    end = lines[-1]["what"]
    assert (end["folder"], end["exit_code"]) == (None, answer.code)
    assert end["error"].splitlines()[0] in answer.err


@pytest.mark.parametrize(
    ("argument", "hook"),
    [("run", "run_started"), ("step", "step_finished"), ("result", "run_finished")],
)
def test_the_page_lists_the_same_keys(argument, hook):
    """The table of the page and the docstrings of the hooks say the same."""
    row = re.search(
        rf"^\| `{argument}` \| (.+) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(re.findall(r"`(\w+)`", row[1])) == promised(f"adversity_{hook}")
