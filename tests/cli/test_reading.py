"""What a run left is read where the plugins that made it are not installed."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from adversity.registry import discover
from adversity_flows.runs.last_run import last_run_of, older_words

FILE = "pipelines/shots.yaml"
STEPS = """\
  shaded: {uses: degradation/acme_shade, from: test}
  predictions: {uses: net, from: shaded}
  attacked: {uses: attack/fgsm, from: shaded, against: predictions, with: {eps: 8/255}}
"""
METRICS = "metrics: [metric/acme_sureness]\nrun:"
ACME = '''
from typing import Annotated, Any, ClassVar
from pydantic import Field
from adversity import Degradation, Measure, MeasureInfo, Metric, hookimpl

class Shade(Degradation):
    """Make images half as bright."""

    name: ClassVar[str] = "acme_shade"
    levels: ClassVar[Any] = {"factor": (0.5, 0.4, 0.3, 0.2, 0.1)}
    factor: Annotated[float | None, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5

    def degrade(self, images, rng):
        return images * self.factor

class Sureness(Metric):
    """The mean of the largest probability."""

    name: ClassVar[str] = "acme_sureness"
    produces: ClassVar[Any] = {"sureness": MeasureInfo(0, 1, title="how sure", scale="share")}
    wants: ClassVar[tuple[str, ...]] = ("confidence",)

    def compute(self, table, reference=None):
        return {"sureness": Measure(float(table["confidence"].mean()), len(table))}

    def per_sample(self, table):
        return {"sureness": table["confidence"]}

@hookimpl
def adversity_degradations():
    return [Shade]

@hookimpl
def adversity_metrics():
    return [Sureness]
'''


@pytest.fixture
def made(shots, acme, call, git, undrawn_charts):
    """Return what runs the project with a plugin of acme-bad 1.0, a commit a run, and takes it away."""
    site = acme(ACME)
    shots.edit("  predictions: {uses: net, from: test}\n", STEPS)
    shots.edit("run:", METRICS)

    def make(*epochs):
        for was, count in zip((1, *epochs), epochs, strict=False):
            shots.edit(f"epochs: {was}", f"epochs: {count}")
            answer = call("run", FILE, "--direct")
            assert answer.code == 0, answer.err
            git("add", "--all")
            git("commit", "--quiet", "--message", f"{count} epochs")
        shutil.rmtree(site / "acme_bad-1.0.dist-info")
        (site / "acme_bad.py").unlink()
        sys.modules.pop("acme_bad")
        discover(refresh=True)
        return shots

    return make


@pytest.fixture
def left(made):
    """Return a project that ran with a plugin which was taken away since."""
    return made(1)


@pytest.mark.slow
def test_a_run_is_read_without_its_plugin(left, call, tmp_path):
    """Report and ledger say what they said; what is missing has its name, version and command."""
    (page,) = (left.root / "runs").glob("*/report.html")
    answer = call("report", FILE)
    assert answer.code == 0, answer.err
    *_, missing, where = answer.out.splitlines()
    assert missing == ("MADE WITH acme-bad 1.0, not installed here: `pip install acme-bad==1.0`")
    assert where.startswith(str(page.relative_to(left.root)))
    assert "OLDER" not in answer.out
    assert call("ledger", FILE, "--json").out == call("ledger", "--json").out
    assert json.loads(call("ledger", FILE, "--json").out)["pages"]
    again = call("report", FILE, "--output", str(tmp_path / "page.html"))
    assert again.code == 2
    assert "`pip install acme-bad==1.0`; or copy " in again.err
    assert not (tmp_path / "page.html").exists()
    refused = call("run", FILE)
    assert refused.code == 2
    assert "it was acme_shade of acme-bad 1.0 when" in refused.err
    assert "`pip install acme-bad==1.0`" in refused.err
    # A clone that pulled has no runs; what DVC tracks is there.
    shutil.rmtree(left.root / "runs")
    pulled = call("report", FILE)
    assert pulled.code == 0
    assert pulled.out.splitlines()[-1] == "artifacts/shots/report/report.md"


@pytest.mark.slow
def test_two_runs_are_laid_out_and_compared_without_their_plugins(made, call):
    """All figures are there; what cannot be tested names distribution, version and command."""
    root = made(1, 3).root
    csv = ("--measure", "accuracy,sureness", "--columns", "measure", "--format", "csv")
    there = call("table", FILE, *csv)
    assert (there.code, there.err) == (0, "")
    rows = [line.split(",") for line in there.out.splitlines()[1:]]
    assert {row[0] for row in rows} == {"accuracy", "sureness"}
    missing = "metric/acme_sureness (acme-bad 1.0, not installed here: `pip install acme-bad==1.0`)"
    document = json.loads(call("diff", FILE, "--json", "--draws", "20").out)
    assert document["missing"] == [missing]
    told = {(one["step"], one["name"]): one for one in document["measures"]}
    gone = told["predictions", "sureness"]
    assert gone["before"]["value"] != gone["after"]["value"]
    assert (gone["difference"], gone["why"]) == (
        None,
        "the metric that gave it is not installed here",
    )
    assert told["predictions", "accuracy"]["difference"] is not None
    shown = " ".join(call("diff", FILE, "--draws", "20").out.split())
    assert f"warning: Not compared: what {missing} measured." in shown
    assert "how sure" in shown, "the words of a measure are read from the run"
    made_file = (root / FILE).read_bytes()
    (root / FILE).write_bytes(made_file + b"# edited\n")
    older = call("table", FILE, *csv)
    assert older.out == there.out
    assert older.err == f"OLDER {FILE} was edited since this run\n"
    (root / FILE).write_bytes(made_file)
    # A clone that pulled has no runs; what DVC tracks is there, and in every commit.
    shutil.rmtree(root / "runs")
    assert call("table", FILE, *csv).out == there.out
    assert call("table", FILE, "-o", "t.tex").out == "t.tex: shots, as pulled\n"
    of_commits = json.loads(call("diff", "HEAD~1", "HEAD", "--json", "--draws", "20").out)
    assert of_commits["missing"] == [missing]
    assert of_commits["answers"] == document["answers"]
    refused = call("diff", "HEAD", FILE)
    assert refused.code == 2
    assert "or name the commit whose results are meant, such as HEAD" in refused.err


@pytest.mark.slow
def test_a_report_says_that_its_numbers_are_older(left, call):
    """Another hash in dvc.lock, or an edited file: each is said, and only what changed."""
    past = last_run_of(left.root, FILE)
    assert older_words(left.root, past) == ()
    lock = left.root / "dvc.lock"
    text = lock.read_text()
    old = past.manifest["hashes"]["artifacts/shots/predictions"]
    lock.write_text(text.replace(old, f"{'0' * 32}.dir"))
    said = "the numbers are older than the artifacts: predictions changed since this run"
    assert older_words(left.root, past) == (said,)
    assert f"OLDER {said}; run `adversity run {FILE}`" in call("report", FILE).out
    lock.write_text("- a list\n")
    assert call("report", FILE).code == 2
    lock.unlink()
    (words,) = older_words(left.root, past)
    assert "attacked, net, predictions, report changed" in words
    lock.write_text(text)
    left.edit("epochs: 1", "epochs: 2")
    assert older_words(left.root, past) == (f"{FILE} was edited since this run",)
    left.file.unlink()
    assert older_words(left.root, past) == (f"{FILE} was deleted since this run",)
    assert call("report", FILE).code == 0
