"""`adversity diff`, and what a report says of the run before it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def two_runs(call, project, git):
    """Run `tiny` twice, the second time with more epochs; return both ids, the earlier one first."""
    for value in (1, 3):
        answer = call(
            "run", "pipelines/tiny.yaml", "--direct", "--set", f"steps.net.with.epochs={value}"
        )
        assert answer.code == 0, answer.err
        git("add", "--all")
        git("commit", "--quiet", "--message", f"{value} epochs")
        git("tag", f"epochs-{value}")
    found = sorted(path.parent.name for path in (project / "runs").glob("*/result.json"))
    assert len(found) == 2
    return found


def by_hand(project, ids, step="predictions"):
    """Return the ids whose answer to `step` is right in one of the runs alone, from the tables."""
    import pyarrow.parquet as pq

    right = []
    for id_ in ids:
        table = pq.read_table(project / "runs" / id_ / "tables" / f"{step}.parquet").to_pydict()
        right.append(dict(zip(table["id"], table["correct"], strict=True)))
    return {name for name in right[0] if right[0][name] != right[1][name]}


@pytest.mark.slow
def test_the_last_two_runs_are_compared_everywhere_alike(call, project, two_runs):
    """Terminal, JSON, markdown and the report tell the same flips, which the tables have."""
    flipped = by_hand(project, two_runs)
    document = json.loads(call("diff", "pipelines/tiny.yaml", "--json", "--draws", "20").out)
    assert (document["before"]["name"], document["after"]["name"]) == tuple(two_runs)
    [answers] = [one for one in document["answers"] if one["step"] == "predictions"]
    assert {flip["id"] for flip in answers["flips"]} == flipped
    assert flipped, "without a flip this test proves nothing"
    changed = {
        (one["of"], one["where"]): (one["before"], one["after"]) for one in document["changes"]
    }
    assert changed["parameter", "steps.net.with.epochs"] == ("1", "3")
    assert ("weights", "net (fitted)") in changed
    assert not [one for one in changed if one[0] in ("data", "plugin", "environment")]

    shown = call("diff", "pipelines/tiny.yaml", "--draws", "20").out
    assert shown.splitlines()[0] == document["sentence"]
    assert "steps.net.with.epochs" in shown
    page = call("diff", two_runs[0], f"runs/{two_runs[1]}", "--markdown", "--draws", "20").out
    assert call("diff", two_runs[0], "last", "--markdown", "--draws", "20").out == page
    assert page.startswith("### tiny: what changed\n\n**")

    first, second = (
        json.loads((project / "runs" / id_ / "result.json").read_text()) for id_ in two_runs
    )
    assert first["since"] is None
    assert second["since"]["answers"] == document["answers"]
    assert second["since"]["draws"] == 0
    report = (project / "runs" / two_runs[1] / "report.html").read_text()
    assert "Since the last run" in report
    # What DVC tracks must not hang on which run came before.
    tracked = json.loads((project / "artifacts/tiny/report/report.json").read_text())
    assert tracked["since"] is None


@pytest.mark.slow
def test_a_run_against_itself_differs_in_nothing(call, two_runs):
    """Two names of one run: its id, and the pipeline file for the last one."""
    out = call("diff", two_runs[1], "pipelines/tiny.yaml").out
    assert out.splitlines()[0] == "No image flipped: both runs gave the same answers, row for row."
    assert "Pipeline file, data, weights, plugins and code are the same." in out
    there = json.loads(call("diff", two_runs[1], two_runs[0], "--json", "--draws", "0").out)
    back = json.loads(call("diff", two_runs[0], two_runs[1], "--json", "--draws", "0").out)
    for one, other in zip(there["measures"], back["measures"], strict=True):
        assert one["p_value"] == other["p_value"]
        if one["difference"] is not None:
            assert one["difference"]["value"] == pytest.approx(-other["difference"]["value"])


@pytest.mark.slow
def test_commits_are_compared_as_the_runs_they_hold(call, project, two_runs):
    """A tag, and a commit, give what the run folders give; without DVC's cache it is said."""
    of_runs = json.loads(call("diff", *two_runs, "--json", "--draws", "0").out)
    shutil.rmtree(project / "artifacts" / "tiny" / "predictions")  # nothing is read from here
    of_tags = json.loads(call("diff", "epochs-1", "HEAD", "--json", "--draws", "0").out)
    for key in ("sentence", "answers", "data", "tests"):
        assert of_tags[key] == of_runs[key], key
    # What a commit holds does not hang on what else was attacked: it has no worst case over all.
    own = [one for one in of_runs["measures"] if not one["name"].startswith("worst_case")]
    assert of_tags["measures"] == own
    assert "zero_gradient_share" not in {one["name"] for one in own}, "how it went is no claim"
    where = {one["where"] for one in of_tags["changes"]}
    assert {"steps.net.with.epochs", "net (fitted)", "revision of the project"} <= where
    mixed = json.loads(call("diff", two_runs[0], "epochs-3", "--json", "--draws", "0").out)
    assert mixed["answers"] == of_runs["answers"]
    assert "results of other in epochs-1, got tiny" in (
        call("diff", "epochs-1", "HEAD", "--pipeline", "other").err
    )
    shutil.rmtree(project / ".dvc" / "cache")
    answer = call("diff", "epochs-1", "HEAD")
    assert answer.code == 3
    assert "neither in DVC's cache nor in its remote" in answer.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pipelines/tiny.yaml",), "expected two runs of tiny"),
        (("20200101-000000-tiny",), "name a second one"),
        (("20200101-000000-tiny", "pipelines/tiny.yaml"), "expected a run (its id or folder)"),
        (("pipelines/tiny.yaml", "pipelines/tiny.yaml"), "expected a run of tiny"),
        (("a", "b", "--json", "--markdown"), "leave one out"),
        (("a", "b", "--draws", "1"), "one draw has no spread"),
        (("../..", "pipelines/tiny.yaml"), "got '../..'"),
    ],
)
def test_what_is_no_run_is_refused(call, project, arguments, says):
    """One message, exit code 2, no traceback."""
    answer = call("diff", *arguments)
    assert answer.code == 2
    assert says in answer.err
    assert "Traceback" not in answer.err


def test_a_run_that_did_not_end_is_no_run_to_compare(call, project):
    """A folder without a manifest, or of a run that failed, is told by its state."""
    from adversity_flows.runs.past_runs import RunFolder

    folder = RunFolder(Path.cwd(), "tiny")
    folder.make()
    folder.write_manifest({"pipeline": "tiny", "state": "failed"})
    answer = call("diff", folder.id, folder.id)
    assert answer.code == 2
    assert "whose state is failed" in answer.err
