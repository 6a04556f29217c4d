"""A third party's measure is shown as ours are: no file of ours knows its name."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PIPELINE = """\
name: measured
seed: 0
data:
  train: {uses: dataset/digits, with: {split: train, limit: 200}}
  test: {uses: dataset/digits, with: {split: test, limit: 60}}
steps:
  net: {uses: classifier/logistic_regression, fit_on: train}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: 1}}
  answers: {uses: net, from: noisy}
gates:
  - answers.sure_and_right >= 0.01
  - answers.sure_and_right not_worse_than last
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, warm_commands):
    """A project that ran twice, with noisier images the second time: what it said, and its runs."""
    site, root = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("project")
    shutil.copytree(HERE / "acme-measures/src/acme_measures", site / "acme_measures")
    info = site / "acme_measures-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-measures\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[adversity]\nmeasures = acme_measures\n")
    (root / "pipelines").mkdir()
    path = os.pathsep.join(
        [str(warm_commands), str(Path(sys.executable).parent), os.environ["PATH"]]
    )
    env = {**os.environ, "PYTHONPATH": str(site), "PATH": path}
    for begin in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(begin, cwd=root, env=env, check=True, capture_output=True)
    said = []
    for severity in (1, 5):
        text = PIPELINE.replace("severity: 1", f"severity: {severity}")
        (root / "pipelines/measured.yaml").write_text(text)
        command = ["adversity", "run", "--direct", "pipelines/measured.yaml"]
        done = subprocess.run(
            command, cwd=root, env=env, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        said.append(done.stdout + done.stderr)
    runs = sorted(path for path in (root / "runs").iterdir() if (path / "result.json").is_file())
    return said, [run for run in runs if not run.is_symlink()]


def measured(run):
    """Return the measure as the result of a run has it."""
    for step in json.loads((run / "result.json").read_text())["steps"]:
        for cell in step["cells"]:
            if "sure_and_right" in cell["measures"]:
                return cell["measures"]["sure_and_right"]
    raise AssertionError("no such measure")


def test_the_terminal_and_the_page_show_it_in_per_cent(project):
    """Beside accuracy, by its title, with a percent sign; the stored value is a share."""
    said, runs = project
    measure = measured(runs[0])
    assert 0 < measure["value"] <= 1
    assert measure["better"] == "higher"
    written = f"{100 * measure['value']:.1f} %"
    (row,) = (line for line in said[0].splitlines() if "sure and right" in line)
    assert written in row
    page = (runs[0] / "report.html").read_text()
    headline = page[page.index('id="headline"') :]
    assert re.search(rf"sure and right.*?{re.escape(written)}", headline, re.DOTALL)


def test_it_is_drawn_with_its_plot(project):
    """The section on accuracy has its curve and the histogram that it brings; its bars sum to n."""
    _, runs = project
    page = (runs[0] / "report.html").read_text()
    start = page.index('id="accuracy"')
    section = page[start : page.index("</section>", start)]
    assert 'data-chart="sure-and-right"' in section
    assert "sure-and-right-plot-answers" in section
    plot = measured(runs[0])["details"]["plot"]
    assert sum(plot["y"]) == measured(runs[0])["n"] == 60


def test_its_change_since_the_last_run_is_paired(project):
    """The gate against the last run is judged on the mean of the differences of 60 pairs."""
    _, runs = project
    first, second = (measured(run)["value"] for run in runs)
    gates = json.loads((runs[1] / "result.json").read_text())["gates"]
    (gate,) = (gate for gate in gates if "not_worse_than" in gate["text"])
    assert gate["change"] is True
    assert gate["measure"]["n"] == 60
    assert gate["measure"]["value"] == pytest.approx(second - first, abs=1e-12)  # float64 sums
    assert {"only_a", "only_b"} <= gate["measure"]["details"].keys()
