"""What an edit makes stale, in words, and what DVC's own commands make of the result."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

pytestmark = pytest.mark.slow

PLAIN_EPS = ("    with: {norm: linf, eps: $eps}", "    with: {norm: linf, eps: 4/255}")


@pytest.fixture(scope="module")
def with_a_plain_eps(finished):
    """A finished project whose attack has a plain eps and no matrix, committed."""
    project = finished.copy("plain")
    project.edit(*PLAIN_EPS)
    project.edit("matrix:\n  eps: [4/255, 16/255]\n", "run: {images: 0}\n")
    project.run()
    project.commit()
    return project


@pytest.fixture(scope="module")
def weaker(with_a_plain_eps):
    """The same with a smaller eps, run and not committed, and what the run said."""
    project = with_a_plain_eps.copy("weaker")
    return project, project.run("--set", "steps.attacked.with.eps=2/255")


@pytest.fixture
def plain(with_a_plain_eps, tmp_path):
    """A copy of it that a test may change."""
    return with_a_plain_eps.copy(str(tmp_path / "plain"))


def test_one_eps_of_the_matrix_reruns_the_attack_and_the_report(copied):
    """Only two steps run, the reason names both lists, and the cell that stays is not computed."""
    answer = copied.run("--set", "matrix.eps=[2/255, 16/255]")
    assert set(answer.ran) == {"attacked", "report"}
    assert answer.ran["attacked"] == (
        "matrix.eps ['4/255', '16/255'] -> ['2/255', '16/255'] (1 of 2 shards kept)"
    )
    assert answer.ran["report"].startswith("artifacts/smoke/attacked changed")
    assert len(answer.unchanged) == 6
    assert "eps: [2/255, 16/255]" in (copied.root / "pipelines/smoke.yaml").read_text()


def test_a_plain_eps_reruns_the_same_two_and_going_back_runs_nothing(weaker, tmp_path):
    """`--set steps.attacked.with.eps` is told from the old value to the new; the old is restored."""
    project, answer = weaker
    assert set(answer.ran) == {"attacked", "report"}
    assert answer.ran["attacked"] == "steps.attacked.with.eps 4/255 -> 2/255"
    project = project.copy(str(tmp_path / "back"))
    back = project.run("--set", "steps.attacked.with.eps=4/255")
    assert back.ran == {}
    assert "restored from an earlier run (steps.attacked.with.eps 2/255 -> 4/255)" in back.err
    assert project.call("git", "status", "--porcelain").out == ""


def test_gates_comments_and_run_settings_rerun_nothing(copied):
    """They are in no stage's key: every step is unchanged, and DVC agrees."""
    copied.edit("  - predictions.accuracy >= 0.30", "  - predictions.accuracy >= 0.99  # strict")
    copied.edit("seed: 0", "seed: 0  # the usual\nrun: {workers: 2, shard_size: 9, images: 0}")
    answer = copied.run(code=1)
    assert answer.ran == {}
    assert len(answer.unchanged) == 8
    assert "predictions.accuracy" in answer.out
    assert "FAIL" in answer.out
    assert "up to date" in copied.dvc("status").out


def test_a_dvc_experiment_on_eps_reruns_the_same_two(plain):
    """`dvc exp run -S` runs attack and report, and a run afterwards has nothing left to do."""
    given = "pipelines/smoke.yaml:steps.attacked.with.eps=2/255"
    answer = plain.dvc("exp", "run", "--name", "weaker", "-S", given)
    ran = [line for line in answer.out.splitlines() if line.startswith("Running stage")]
    assert ran == ["Running stage 'smoke-attacked':", "Running stage 'smoke-report':"]
    assert plain.run().ran == {}
    table = list(csv.DictReader(io.StringIO(plain.dvc("exp", "show", "--csv").out)))
    row = next(row for row in table if row["Experiment"] == "weaker")
    assert row["steps.attacked.with.eps"] == "2/255"
    before = next(row for row in table if row["Experiment"] != "weaker" and row["rev"] != "")
    assert float(row["attacked.robust_accuracy"]) >= float(before["attacked.robust_accuracy"])
    # Bounds, n and the signs of a failed attack would be columns of their own.
    assert not [name for name in row if name.endswith((".low", ".high", ".n", "_gradient_share"))]
    drop = r"(artifacts|data|pipelines/\.resolved)/"
    narrow = plain.dvc("exp", "show", "--only-changed", "--csv", "--drop", drop).out
    heads = narrow.splitlines()[0].split(",")
    assert {"attacked.robust_accuracy", "steps.attacked.with.eps"} <= {*heads}
    assert sum(map(len, heads)) <= 120  # headed by their steps: a path would be cut off


def test_dvc_metrics_show_and_compare_plain_numbers(weaker):
    """Each step has a file: step, cell, headline measure, value; a diff has old and new."""
    project, _ = weaker
    shown = json.loads(project.dvc("metrics", "show", "--json").out)[""]["data"]
    attacked = shown["metrics/smoke/attacked.json"]["data"]["attacked"]["robust_accuracy"]
    artifact = project.root / "artifacts/smoke/attacked/measures.json"
    stored = json.loads(artifact.read_text())["cells"][""]["robust_accuracy"]
    assert attacked == stored["value"]
    assert stored["low"] <= attacked <= stored["high"]
    changed = json.loads(project.dvc("metrics", "diff", "--json").out)
    assert set(changed) == {"metrics/smoke/attacked.json"}
    change = changed["metrics/smoke/attacked.json"]["attacked.robust_accuracy"]
    assert change["new"] == attacked > change["old"]


def test_dvc_plots_draw_every_chart_of_the_report(weaker, tmp_path):
    """`dvc plots show` and `diff` draw each chart with its own template, and load nothing.

    What `diff` draws of a chart is one drawing with the rows of both revisions.
    """
    project, _ = weaker
    charts = {path.name for path in (project.root / "artifacts/smoke/report/plots").glob("*.csv")}
    assert {"accuracy.csv", "reliability-confidence.csv", "robust-accuracy-linf.csv"} <= charts
    for command in (("show",), ("diff", "HEAD")):
        said = json.loads(project.dvc("plots", *command, "--json").out)
        assert said.get("errors", []) == []
        assert {name.rpartition("/")[2] for name in said["data"]} == charts
        for specs in said["data"].values():
            assert all("<DVC_METRIC" not in json.dumps(spec["content"]) for spec in specs)
            assert len(specs) == 1
            drawn = specs[0]["content"]
            revisions = {row["rev"] for row in drawn["data"]["values"]}
            assert revisions == {"workspace", *command[1:]}
            assert not {"facet", "hconcat", "vconcat"} & drawn.keys()  # over each other, in one
    project.dvc("plots", "diff", "HEAD", "-o", str(tmp_path / "drawn"))
    page = (tmp_path / "drawn" / "index.html").read_text(encoding="utf-8")
    assert page.count("vegaEmbed('#") + page.count('vegaEmbed("#') == len(charts)
    assert re.findall(r"<(?:script|link)[^>]+(?:src|href)=[^>]+>", page) == []
