"""What a run left is read where the plugins that made it are not installed."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from adversity.registry import discover
from adversity_flows.runs.last_run import last_run_of, older_words

FILE = "pipelines/shots.yaml"
PIPELINE = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  shaded: {uses: degradation/acme_shade, from: test}
  predictions: {uses: net, from: shaded}
  attacked: {uses: attack/fgsm, from: shaded, against: predictions, with: {eps: 8/255}}
run: {shard_size: 4}
"""
SHADE = '''
from typing import Annotated, Any, ClassVar
from pydantic import Field
from adversity import Degradation, hookimpl

class Shade(Degradation):
    """Make images half as bright."""

    name: ClassVar[str] = "acme_shade"
    levels: ClassVar[Any] = {"factor": (0.5, 0.4, 0.3, 0.2, 0.1)}
    factor: Annotated[float | None, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5

    def degrade(self, images, rng):
        return images * self.factor

@hookimpl
def adversity_degradations():
    return [Shade]
'''


@pytest.fixture
def left(shots, acme, call, undrawn_charts):
    """Return a project that ran with a plugin of acme-bad 1.0, which was taken away since."""
    site = acme(SHADE)
    shots.file.write_text(PIPELINE, encoding="utf-8")
    answer = call("run", FILE, "--direct")
    assert answer.code == 0, answer.err
    shutil.rmtree(site / "acme_bad-1.0.dist-info")
    (site / "acme_bad.py").unlink()
    sys.modules.pop("acme_bad")
    discover(refresh=True)
    return shots


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
