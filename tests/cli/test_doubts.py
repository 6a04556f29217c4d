"""A run whose figure is void or whose image is broken, from the terminal to the JSON."""

from __future__ import annotations

import json
import textwrap

import pytest

PIPELINE = """\
name: doubted
data:
  train: {uses: dataset/digits, with: {split: train, limit: 60}}
  test: {uses: dataset/digits, with: {split: test, limit: 60}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 4, width: 4}}
  predictions: {uses: net, from: test}
  attacked:
    uses: attack/pgd
    from: test
    against: predictions
    with: {norm: linf, eps: 128/255, steps: 1, step_size: 1e-6, random_start: false}
  noise: {uses: attack/random_noise, from: test, against: predictions, with: {norm: linf, eps: 128/255}}
gates:
  - lower attacked.robust_accuracy >= 0.02
  - lower predictions.accuracy >= 0.02
"""


def told(record):
    """Return the story of a record as a terminal of 100 columns shows it."""
    assert record["story"]
    return [line for said in record["story"] for line in textwrap.wrap(said, 100)]


@pytest.fixture
def void(project, call, monkeypatch):
    """Run an attack that hardly moves beside a control that does; return answer and result."""
    (project / "pipelines/doubted.yaml").write_text(PIPELINE, encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    answer = call("run", "pipelines/doubted.yaml", "--direct")
    (result,) = (project / "runs").glob("*/result.json")
    return answer, json.loads(result.read_text(encoding="utf-8")), result.parent


@pytest.mark.slow
def test_a_void_figure_is_said_everywhere(void, project, call):
    """The gate on it is an error, exit 1; terminal, verdict line, annotation, JSON and log say so.

    The gate on a sound figure passes beside it, and a run that only looks again says the same.
    """
    answer, result, folder = void
    assert answer.code == 1
    assert [gate["verdict"] for gate in result["gates"]] == ["error", "pass"]
    why = result["gates"][0]["why"]
    assert why.startswith("the figure is void, so nothing is proved. attacked: ")
    assert "attacked: noise, a control of the same size, fools more" in why
    assert "As measured: PASS, the lower 95% bound of robust_accuracy is" in why
    line = answer.out.strip().splitlines()[-1]
    assert line.startswith("! ERROR: 1 of 2 gates could not be judged, 1 passed; ")
    assert "1 void figure, 1 warning" in line
    rows = [said for said in answer.out.splitlines() if said.endswith(" VOID")]
    assert [said.split()[0] for said in rows] == ["attacked"]
    assert "\nVOID attacked: noise, a control of the same size, fools more" in answer.out
    assert "\nWARNING Data set test has n = 60 samples" in answer.out
    error = (
        "::error file=pipelines/doubted.yaml,line=15::lower attacked.robust_accuracy >= 0.02: the"
    )
    assert error in answer.err
    assert "::warning file=pipelines/doubted.yaml,line=8::attacked: noise, a control" in answer.err
    assert result["problems"][0].startswith(
        "ERROR lower attacked.robust_accuracy >= 0.02: the figure"
    )
    assert [said.split()[0] for said in result["problems"]] == [
        "ERROR",
        "VOID",
        "VOID",
        "warning:",
    ]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["problems"] == result["problems"]
    assert "VOID attacked: noise" in (folder / "log.txt").read_text(encoding="utf-8")
    again = call("run", "pipelines/doubted.yaml", "--direct", "--quiet")
    assert (again.code, again.out.split("   ")[0]) == (1, line.split("   ")[0])
    shown = call("report", "pipelines/doubted.yaml").out.splitlines()
    assert [line.partition("   ")[0], *told(result), *result["problems"]] == shown[:-1]


@pytest.mark.slow
def test_a_broken_image_is_said_and_counted_and_can_fail_a_gate(shots, call):
    """One of eight files is cut short: it is named wherever the run speaks, and 1/8 can be gated.

    Seven images are judged; the gate that allows less than an eighth fails with exit code 1, its
    twin that allows just that passes.
    """
    file = "pipelines/shots.yaml"
    cut = shots.root / "data/test/light/3.png"
    cut.write_bytes(cut.read_bytes()[:200])
    gates = [f"  - test.unreadable_share <= {limit}\n" for limit in ("0.12", "1/8")]
    shots.file.write_text(shots.file.read_text() + "gates:\n" + "".join(gates), encoding="utf-8")
    answer = call("run", file, "--direct")
    assert answer.code == 1
    lines = answer.out.strip().splitlines()
    verdict = "✗ FAIL: 1 of 2 gates failed, 1 passed; 2 warnings, 1 unreadable image"
    assert lines[-1].startswith(f"{verdict}   ")
    said = "1 image of test could not be read and was left out, for example light/3.png (damaged"
    assert sum(line.startswith(f"WARNING {said}") for line in lines) == 1
    judged = [line.split() for line in lines if line.startswith("test.unreadable_share")]
    assert [(row[1], row[-3], row[-1]) for row in judged] == [
        ("0.125", "8", "FAIL"),
        ("0.125", "8", "PASS"),
    ]
    (result,) = (shots.root / "runs").glob("*/result.json")
    record = json.loads(result.read_text(encoding="utf-8"))
    assert [gate["verdict"] for gate in record["gates"]] == ["fail", "pass"]
    (predictions,) = (step for step in record["steps"] if step["id"] == "predictions")
    assert predictions["cells"][0]["measures"]["accuracy"]["n"] == 7
    assert sum(problem.startswith(f"warning: {said}") for problem in record["problems"]) == 1
    assert record["problems"][0].startswith("FAIL test.unreadable_share <= 0.12: ")
    shown = call("report", file).out.splitlines()
    assert shown[:-1] == [verdict, *told(record), *record["problems"]]
    folder = shots.root / "artifacts/shots/report"
    for page in (result.parent / "report.html", folder / "report.md"):
        assert said in page.read_text(encoding="utf-8")
