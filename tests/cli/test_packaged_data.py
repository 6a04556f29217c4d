"""Data that come inside a package are written anew when the package has others."""

from __future__ import annotations

import pytest
import yaml

from adversity_flows.runs.past_runs import past_runs
from adversity_plugins.dataset.digits import Digits

pytestmark = pytest.mark.slow

FILE = "pipelines/tiny.yaml"
KEY = "pipelines/.resolved/data/digits.yaml"


@pytest.fixture
def package(monkeypatch):
    """Return a function that says what the installed scikit-learn brings; None: it is not there."""

    def has(content):
        monkeypatch.setattr(Digits, "packaged_content", lambda self: content)

    return has


def locked(project):
    return yaml.safe_load((project / "dvc.lock").read_text())["stages"]["data-digits"]


def test_other_data_in_the_package_are_written_and_equal_data_stop_there(project, call, package):
    """Only the data stage runs, and says why; what it writes is the same, so no other step does."""
    package("a" * 64)
    assert call("run", FILE, "--direct").code == 0
    before = locked(project)
    package("b" * 64)
    answer = call("run", FILE, "--direct")
    assert answer.code == 0, answer.err
    outcomes = next(past_runs(project, "tiny")).manifest["outcomes"]
    assert [o["step"] for o in outcomes if o["state"] == "ran"] == ["data:digits"]
    assert "plugin dataset/digits: the packaged data changed" in answer.err
    after = locked(project)
    assert after["params"][KEY]["digits"]["content"] == "b" * 64
    assert after["outs"] == before["outs"]


def test_another_version_or_source_of_the_plugin_is_in_the_key(project, call, monkeypatch):
    """The distribution's version and the source's fingerprint are recorded and compared."""
    assert call("sync").code == 0
    assert call("materialise", "digits").code == 0
    recorded = locked(project)["params"][KEY]["digits"]
    assert recorded["distribution"] == "adversity"
    assert len(recorded["fingerprint"]) == len(recorded["content"]) == 64
    monkeypatch.setattr(
        "adversity.pipeline.plan.origins.source_fingerprint", lambda cls, *more, **known: "c" * 64
    )
    again = call("materialise", "digits")
    assert again.code == 0
    assert "plugin dataset/digits: source changed" in again.err
    assert locked(project)["params"][KEY]["digits"]["fingerprint"] == "c" * 64


def test_data_that_are_there_are_as_good_without_their_package(project, call, package):
    """Where the package cannot say what it brings, a fresh clone too keeps to what was recorded."""
    package("a" * 64)
    assert call("sync").code == 0
    assert call("materialise", "digits").code == 0
    package(None)
    (project / KEY).unlink()  # git does not know it
    assert call("sync").code == 0
    assert "unchanged" in call("materialise", "digits").err
    assert yaml.safe_load((project / KEY).read_text())["digits"]["content"] == "a" * 64
