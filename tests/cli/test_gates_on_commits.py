"""Gates that compare a run with the results that DVC has of a commit."""

from __future__ import annotations

import shutil

import pytest

from adversity_flows.runs.past_runs import past_runs

pytestmark = pytest.mark.slow

FILE = "pipelines/tiny.yaml"


@pytest.fixture
def gate(project):
    """Return a function that gives the pipeline one gate, on the accuracy."""
    path = project / FILE
    text = path.read_text(encoding="utf-8")

    def gate(than: str) -> None:
        path.write_text(text.replace(">= 0.001", f"not_worse_than {than}"), encoding="utf-8")

    return gate


def verdict(project):
    """Return the newest run's only gate."""
    (found,) = next(past_runs(project, "tiny")).manifest["gates"]
    return found


def test_a_run_is_held_against_a_tag(project, call, git, gate):
    """Paired with the rows that the commit recorded; once the tag is another's, judged anew."""
    git("add", "--all")
    git("commit", "-q", "-m", "no results yet")
    git("tag", "bare")
    assert call("run", FILE, "--direct").code == 0
    git("add", "--all")
    git("commit", "-q", "-m", "results")
    git("tag", "v1.0")

    gate("v1.0")
    assert call("run", FILE, "--direct").code == 0
    same = verdict(project)
    assert (same["verdict"], same["than"], same["measure"]["n"]) == ("pass", "v1.0", 24)
    assert same["measure"]["method"] == "the same rows"

    answer = call("run", FILE, "--direct", "--set", "steps.net.with.epochs=2")
    assert answer.code in {0, 1}, answer.err
    other = verdict(project)
    assert other["measure"]["method"] == "adjusted wald, paired"
    assert other["why"].startswith("the change of accuracy since v1.0 (")
    assert call("run", FILE, "--direct").code == answer.code

    git("tag", "-f", "v1.0", "bare")
    assert call("run", FILE, "--direct").code == 0
    bare = verdict(project)
    assert bare["verdict"] == "undecided"
    assert bare["why"].endswith(
        "it has no results of tiny; run the pipeline there and commit dvc.lock"
    )


def test_a_commit_that_there_is_not_is_refused_first(project, call, gate):
    """With the line of the gate, before anything is computed; likewise without git."""
    gate("v9")
    for _ in range(2):
        answer = call("run", FILE, "--direct")
        assert answer.code == 2
        assert f"{FILE}:16: expected `last`, or a branch, a tag or a commit" in answer.err
        assert "got 'v9'" in answer.err
        assert not list(project.glob("runs/2*"))
        shutil.rmtree(project / ".git", ignore_errors=True)
        (project / ".dvc/config.local").write_text("[core]\n    no_scm = True\n", encoding="utf-8")
